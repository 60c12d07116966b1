//! One caller who does nothing wrong, again and again: on a kept connection mostly, on a new one now and then. Every answer
//! that is not the right one is a fault.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most time for all requests together.
const LONGEST: Duration = Duration::from_secs(5);

/// How it fared.
#[derive(Default)]
pub(super) struct Good {
    times: Vec<Duration>,
    pub(super) faults: Vec<String>,
}

impl Good {
    /// So many requests, one after the other; fewer where they take longer than [`LONGEST`] together.
    pub(super) fn asks(address: SocketAddr, requests: usize) -> Self {
        let mut good = Self::default();
        let mut kept = None;
        let started = Instant::now();
        for number in 0..requests {
            if started.elapsed() > LONGEST {
                break;
            }
            if number % 10 == 0 {
                kept = None;
            }
            let begun = Instant::now();
            match ask(&mut kept, address, number) {
                Ok(()) => good.times.push(begun.elapsed()),
                Err(fault) => {
                    kept = None;
                    good.faults.push(format!("request {number}: {fault}"));
                }
            }
        }
        good
    }

    /// Half of the requests and ninety-nine of a hundred took no longer.
    pub(super) fn told(&self) -> String {
        let mut times = self.times.clone();
        times.sort();
        let part = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
        format!(
            "{} requests, p50 {:.1?}, p99 {:.1?}, {} faults",
            times.len(),
            part(50),
            part(99),
            self.faults.len()
        )
    }
}

fn ask(
    kept: &mut Option<BufReader<TcpStream>>,
    address: SocketAddr,
    number: usize,
) -> Result<(), std::io::Error> {
    let stream = match kept {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            kept.insert(BufReader::new(stream))
        }
    };
    write!(stream.get_mut(), "GET /good/{number} HTTP/1.1\r\nHost: shop.test\r\n\r\n")?;
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head)? == 0 {
            return Err(std::io::Error::other(format!("ended after {head:?}")));
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let right = format!("GET /good/{number} 0\n");
    if head.starts_with("HTTP/1.1 200 ") && body == right.as_bytes() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("{head}{}", String::from_utf8_lossy(&body))))
    }
}
