use tokio::io::{AsyncWriteExt, duplex};

use super::*;

async fn sniffed(sent: &[u8], piece: usize) -> (Spoken, Vec<u8>) {
    let (mut caller, ours) = duplex(piece);
    let sent = sent.to_vec();
    let sending = tokio::spawn(async move {
        caller.write_all(&sent).await.unwrap();
    });
    let (spoken, mut rewound) = sniff(ours, Duration::from_secs(1)).await.unwrap();
    let mut all = Vec::new();
    // In pieces smaller than what was read ahead.
    let mut part = [0; 2];
    loop {
        match rewound.read(&mut part).await.unwrap() {
            0 => break,
            length => all.extend_from_slice(&part[..length]),
        }
    }
    sending.await.unwrap();
    (spoken, all)
}

#[tokio::test]
async fn the_preface_is_told_from_all_else_and_nothing_is_lost() {
    let followed = [PREFACE.as_slice(), b"\0\0\0\x04"].concat();
    for (sent, spoken) in [
        (PREFACE.as_slice(), Spoken::Http2),
        (&followed, Spoken::Http2),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", Spoken::Http1),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", Spoken::Http1),
        (b"PRI * HTTP/1.1\r\nHost: a\r\n\r\n", Spoken::Http1),
        (b"P", Spoken::Http1),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\nbody", Spoken::Http1),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", Spoken::Http1),
        (b"", Spoken::Http1),
    ] {
        for piece in [1, 2, 3, 5, 23, 24, 25, 64] {
            assert_eq!(
                sniffed(sent, piece).await,
                (spoken, sent.to_vec()),
                "{} by {piece}",
                sent.escape_ascii()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn silence_times_out_and_half_a_preface_is_left_to_http_1() {
    let (_caller, ours) = duplex(64);
    let fault = sniff(ours, Duration::from_secs(9)).await.map(|_| ()).unwrap_err();
    assert_eq!(fault.kind(), io::ErrorKind::TimedOut);

    let (mut caller, ours) = duplex(64);
    caller.write_all(b"PRI").await.unwrap();
    let (spoken, mut rewound) = sniff(ours, Duration::from_secs(9)).await.unwrap();
    assert_eq!(spoken, Spoken::Http1);
    let mut start = [0; 3];
    rewound.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"PRI");
}

#[tokio::test]
async fn what_is_written_passes_through() {
    let (mut caller, ours) = duplex(64);
    caller.write_all(b"GET ").await.unwrap();
    let (_, mut rewound) = sniff(ours, Duration::from_secs(1)).await.unwrap();
    rewound.write_all(b"answer").await.unwrap();
    rewound.shutdown().await.unwrap();
    let mut answer = String::new();
    caller.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");
}
