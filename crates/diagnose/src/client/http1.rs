//! HTTP/1.1 written by hand, because a diagnosis must send what was reported and not what a library makes of it. The head
//! of an answer is read by `httparse`, everything within limits.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stream::Stream;
use super::{begin, body, headers};
use crate::answer::{Answer, Failure, LONGEST_BODY, LONGEST_HEAD, Outcome};
use crate::asked::{Asked, ForwardProxy, Url};

const MOST_HEADERS: usize = 512;

/// One exchange over an open connection. `absolute` is the form of the target that proxies want.
pub(super) async fn exchange(stream: &mut Stream, asked: &Asked, agent: &str, absolute: bool) -> Outcome {
    let head = request_head(asked, agent, absolute)?;
    let mut bytes = head.into_bytes();
    if let Some(body) = &asked.body {
        bytes.extend_from_slice(body);
    }
    send(stream, &bytes).await?;
    let mut reader = Reader::new(stream);
    let mut answer = reader.head().await?;
    // 1xx announces an answer; 101 is one.
    let mut announced = 0;
    while (100..200).contains(&answer.status) && answer.status != 101 {
        announced += 1;
        if announced > 8 {
            return Err(Failure::NotHttp("announcements without end".to_owned()));
        }
        answer = reader.head().await?;
    }
    reader.body(&asked.method, &mut answer).await;
    let coding = answer.header("content-encoding").map(str::to_owned);
    let (unpacked, cut) = body::unpack(std::mem::take(&mut answer.body), coding.as_deref());
    answer.body = unpacked;
    answer.cut |= cut;
    Ok(answer)
}

/// Asks a proxy for a tunnel. None where it stands; its answer where it refuses.
pub(super) async fn connect(
    stream: &mut Stream,
    to: &Url,
    proxy: &ForwardProxy,
    agent: &str,
) -> Result<Option<Answer>, Failure> {
    let at = to.host_and_port();
    let mut head = format!("CONNECT {at} HTTP/1.1\r\nHost: {at}\r\n");
    if let Some(user) = &proxy.user {
        head.push_str(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(user)));
    }
    head.push_str(&format!("User-Agent: {agent}\r\nProxy-Connection: Keep-Alive\r\n\r\n"));
    send(stream, head.as_bytes()).await?;
    let mut reader = Reader::new(stream);
    let mut answer = reader.head().await?;
    if (200..300).contains(&answer.status) {
        return Ok(None);
    }
    reader.body("GET", &mut answer).await;
    Ok(Some(answer))
}

async fn send(stream: &mut Stream, bytes: &[u8]) -> Result<(), Failure> {
    // A server may refuse and hang up before it has read everything: its answer may be there all the same.
    match stream.write_all(bytes).await {
        Ok(()) => drop(stream.flush().await),
        Err(fault)
            if matches!(
                fault.kind(),
                std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset
            ) => {}
        Err(fault) => {
            return Err(Failure::Unreachable { at: "the server".to_owned(), why: fault.to_string() });
        }
    }
    Ok(())
}

fn request_head(asked: &Asked, agent: &str, absolute: bool) -> Result<String, Failure> {
    let target = if absolute { asked.url.to_string() } else { asked.url.target() };
    let token = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !token(&asked.method) {
        return Err(Failure::Unsendable(format!("the method `{}`", asked.method)));
    }
    let mut head = format!("{} {target} HTTP/1.1\r\n", asked.method);
    if !asked.left_out.iter().any(|left| left.eq_ignore_ascii_case("host")) {
        let host = asked.header("host").map_or_else(|| asked.url.authority(), str::to_owned);
        head.push_str(&format!("Host: {host}\r\n"));
    }
    if let Some(user) = asked.proxy.as_ref().filter(|_| absolute).and_then(|proxy| proxy.user.as_ref()) {
        head.push_str(&format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(user)));
    }
    for (name, value) in headers(asked, agent) {
        if !token(&name) || value.bytes().any(|b| matches!(b, b'\r' | b'\n' | 0)) {
            return Err(Failure::Unsendable(format!("the header `{}`", name.escape_debug())));
        }
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = &asked.body {
        head.push_str(&format!("Content-Length: {}\r\n", body.len()));
    } else if asked.is_unsafe() {
        head.push_str("Content-Length: 0\r\n");
    }
    if asked.header("connection").is_none() {
        head.push_str("Connection: close\r\n");
    }
    head.push_str("\r\n");
    Ok(head)
}

struct Reader<'a> {
    stream: &'a mut Stream,
    buffer: Vec<u8>,
}

impl<'a> Reader<'a> {
    fn new(stream: &'a mut Stream) -> Self {
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// More bytes, and whether there were any.
    async fn more(&mut self) -> Result<bool, std::io::Error> {
        let mut piece = [0_u8; 16 * 1024];
        let read = self.stream.read(&mut piece).await?;
        self.buffer.extend_from_slice(piece.get(..read).unwrap_or_default());
        Ok(read > 0)
    }

    async fn head(&mut self) -> Outcome {
        loop {
            let mut fields = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut head = httparse::Response::new(&mut fields);
            let mut reading = httparse::ParserConfig::default();
            reading.allow_spaces_after_header_name_in_responses(true);
            reading.allow_obsolete_multiline_headers_in_responses(true);
            reading.ignore_invalid_headers_in_responses(true);
            match reading.parse_response(&mut head, &self.buffer) {
                Ok(httparse::Status::Complete(length)) => {
                    let version = if head.version == Some(0) { "HTTP/1.0" } else { "HTTP/1.1" };
                    let mut answer = begin(
                        version,
                        head.code.unwrap_or_default(),
                        head.reason.unwrap_or_default().to_owned(),
                    );
                    answer.headers = head
                        .headers
                        .iter()
                        .map(|field| {
                            (field.name.to_owned(), String::from_utf8_lossy(field.value).trim().to_owned())
                        })
                        .collect();
                    self.buffer.drain(..length);
                    return Ok(answer);
                }
                Ok(httparse::Status::Partial) => {}
                Err(httparse::Error::TooManyHeaders) => return Err(Failure::HeadTooLong),
                Err(fault) => return Err(Failure::NotHttp(fault.to_string())),
            }
            if self.buffer.len() > LONGEST_HEAD {
                return Err(Failure::HeadTooLong);
            }
            match self.more().await {
                Ok(true) => {}
                Ok(false) => return Err(Failure::Closed),
                Err(fault) if fault.kind() == std::io::ErrorKind::ConnectionReset => {
                    return Err(Failure::Closed);
                }
                Err(fault) => {
                    return Err(Failure::Unreachable { at: "the server".to_owned(), why: fault.to_string() });
                }
            }
        }
    }

    /// Reads what of the body fits. An answer whose body breaks off is an answer all the same.
    async fn body(&mut self, method: &str, answer: &mut Answer) {
        if method == "HEAD" || matches!(answer.status, 101 | 204 | 304) {
            return;
        }
        let chunked = answer
            .header("transfer-encoding")
            .is_some_and(|coding| coding.to_ascii_lowercase().contains("chunked"));
        if chunked {
            self.chunks(answer).await;
            return;
        }
        let length = answer.header("content-length").and_then(|text| text.parse::<usize>().ok());
        let wanted = length.unwrap_or(usize::MAX).min(LONGEST_BODY);
        answer.cut = length.is_some_and(|length| length > LONGEST_BODY);
        while self.buffer.len() < wanted {
            match self.more().await {
                Ok(true) => {}
                Ok(false) | Err(_) => break,
            }
        }
        answer.cut |= self.buffer.len() > wanted && length.is_none();
        self.buffer.truncate(wanted);
        answer.body = std::mem::take(&mut self.buffer);
    }

    async fn chunks(&mut self, answer: &mut Answer) {
        let mut body = Vec::new();
        while body.len() < LONGEST_BODY {
            let (start, length) = match httparse::parse_chunk_size(&self.buffer) {
                Ok(httparse::Status::Complete((start, length))) => {
                    (start, usize::try_from(length).unwrap_or(usize::MAX))
                }
                Ok(httparse::Status::Partial) if self.buffer.len() < 1024 => match self.more().await {
                    Ok(true) => continue,
                    Ok(false) | Err(_) => break,
                },
                Ok(httparse::Status::Partial) | Err(_) => break,
            };
            if length == 0 {
                answer.body = body;
                return;
            }
            self.buffer.drain(..start.min(self.buffer.len()));
            let wanted = length.min(LONGEST_BODY - body.len());
            while self.buffer.len() < wanted {
                match self.more().await {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
            let got = wanted.min(self.buffer.len());
            body.extend(self.buffer.drain(..got));
            if got < length {
                break;
            }
            while self.buffer.len() < 2 {
                match self.more().await {
                    Ok(true) => {}
                    Ok(false) | Err(_) => break,
                }
            }
            self.buffer.drain(..2.min(self.buffer.len()));
        }
        answer.cut = true;
        answer.body = body;
    }
}
