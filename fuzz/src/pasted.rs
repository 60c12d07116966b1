//! What people paste for the diagnostician: a curl command, a HAR file, a saved exchange, an address.
//!
//! Holds for every input: it is read the same twice; an address that was read names a host and a port, and reads as itself
//! once it is written down again.

use portcullis_diagnose::asked::{Asked, Url, curl, har, saved};

/// What must hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let once = curl::parse_pasted(text)
        .map(|command| format!("{:?}", command.asked))
        .map_err(|fault| fault.to_string());
    let again = curl::parse_pasted(text)
        .map(|command| format!("{:?}", command.asked))
        .map_err(|fault| fault.to_string());
    assert_eq!(once, again, "a command is read in two ways");
    if let Ok(command) = curl::parse_pasted(text) {
        is_sound(&command.asked);
    }
    if let Ok(entries) = har::read(text) {
        assert!(!entries.is_empty(), "an empty file is a fault");
        entries.iter().for_each(|entry| is_sound(&entry.asked));
    }
    if let Ok((asked, answer)) = saved::read(text, None) {
        is_sound(&asked);
        assert!((100..=999).contains(&answer.status), "{}", answer.status);
    }
}

fn is_sound(asked: &Asked) {
    assert!(!asked.url.host.is_empty(), "an address without a host");
    let written =
        format!("{}://{}{}", asked.url.scheme.as_str(), asked.url.host_and_port(), asked.url.target());
    let (read, _) =
        Url::parse(&written).unwrap_or_else(|fault| panic!("{written:?} does not read as itself: {fault}"));
    assert_eq!(
        (&read.host, read.port, read.target()),
        (&asked.url.host, asked.url.port, asked.url.target()),
        "{written:?}"
    );
}
