//! What Portcullis itself says of a refusal of its own: its admin listener is asked why, where somebody who may ask has
//! given a token.
//!
//! INVARIANT: the token goes to the address that was named or to loopback, never where an answer points, and never over
//! plain HTTP to another machine.

use std::path::Path;
use std::time::Duration;

use crate::answer::Answer;
use crate::asked::{Asked, Scheme, Url, Version};
use crate::client::{Client, Patience};

/// Where the admin listener is unless told otherwise; `portcullis init` writes it so.
const USUAL: &str = "http://127.0.0.1:8081";
/// Has the token where no file is named.
const VARIABLE: &str = "PORTCULLIS_ADMIN_TOKEN";
/// Of an explanation. Ours are a few kilobytes; what is larger does not come from us.
const MOST_LETTERS: usize = 64 << 10;

/// An admin listener, and leave to ask it.
pub(super) struct Admin {
    url: Url,
    token: String,
}

impl Admin {
    /// From `--admin`, `--admin-token` and the environment. None where there is no token: then nobody is asked.
    ///
    /// # Errors
    ///
    /// An address was given without a token, cannot be one, or would have the token travel in the clear.
    pub(super) fn named(
        address: Option<&str>,
        file: Option<&Path>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let token = match file {
            Some(file) => Some(
                std::fs::read_to_string(file)
                    .map_err(|fault| format!("cannot read the token in `{}`: {fault}", file.display()))?,
            ),
            None => variable(VARIABLE),
        };
        let token = token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty());
        let Some(token) = token else {
            return match (address, file) {
                (None, None) => Ok(None),
                (_, Some(file)) => Err(format!("there is no token in `{}`", file.display())),
                (Some(_), None) => Err("`--admin` needs a token".to_owned()),
            };
        };
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the token of the admin listener is not one word of plain letters".to_owned());
        }
        let (url, _) = Url::parse(address.unwrap_or(USUAL)).map_err(|fault| format!("`--admin`: {fault}"))?;
        let here = url.host == "localhost"
            || url.host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if url.scheme == Scheme::Http && !here {
            return Err("`--admin`: the token would travel in the clear; use https, or a tunnel to loopback"
                .to_owned());
        }
        Ok(Some(Self { url, token }))
    }

    /// Why the decision with this reference was made, in words.
    ///
    /// # Errors
    ///
    /// Says why nothing was learned.
    pub(super) async fn why(&self, agent: &str, reference: &str) -> Result<String, String> {
        let mut url = self.url.clone();
        url.path = format!("/decisions/{reference}/why");
        url.query = None;
        let mut asked = Asked::get(url);
        asked.version = Version::One;
        asked.set_header("Authorization", &format!("Bearer {}", self.token));
        asked.set_header("Accept", "text/plain");
        let patience = Patience { connect: Duration::from_secs(2), exchange: Duration::from_secs(5) };
        match Client::new(agent, patience).send(&asked, None).await {
            Ok(answer) => read(&answer),
            Err(failure) => {
                Err(format!("the admin listener at {} gave no answer: {failure}", self.url.authority()))
            }
        }
    }
}

fn read(answer: &Answer) -> Result<String, String> {
    let plain = answer.header("content-type").is_some_and(|media| media.starts_with("text/plain"));
    match answer.status {
        // Another program may listen there, and its words may hold anything: only plain text, nothing that moves a cursor.
        200 if plain => Ok(answer
            .text()
            .chars()
            .filter(|letter| *letter == '\n' || !letter.is_control())
            .take(MOST_LETTERS)
            .collect::<String>()
            .trim_end()
            .to_owned()),
        401 => Err("the admin listener does not take this token".to_owned()),
        404 => {
            Err("the admin listener does not know this decision: another gate made it, or its record is gone"
                .to_owned())
        }
        status => {
            Err(format!("what listens at the admin address answered {status}, and is perhaps not Portcullis"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_needed_and_stays_on_this_machine_or_encrypted() {
        let none = |_: &str| None;
        let one = |name: &str| (name == VARIABLE).then(|| " secret\n".to_owned());
        assert!(Admin::named(None, None, none).unwrap().is_none());
        assert!(Admin::named(Some("http://localhost:1"), None, none).is_err());
        assert!(Admin::named(Some("http://gate.example.org:8081"), None, one).is_err());
        assert!(Admin::named(Some("https://gate.example.org"), None, one).unwrap().is_some());
        assert!(Admin::named(Some("http://[::1]:8081"), None, one).unwrap().is_some());
        let usual = Admin::named(None, None, one).unwrap().unwrap();
        assert_eq!((usual.url.authority().as_str(), usual.token.as_str()), ("127.0.0.1:8081", "secret"));
        assert!(Admin::named(None, None, |_| Some("two words".to_owned())).is_err());
    }

    #[test]
    fn only_an_explanation_is_taken_for_one() {
        let answer = |status, media: &str, body: &'static [u8]| Answer {
            status,
            headers: vec![("Content-Type".to_owned(), media.to_owned())],
            body: body.into(),
            ..Answer::default()
        };
        assert_eq!(read(&answer(200, "text/plain; charset=utf-8", b"a\n\x1b[2Jb\n")).unwrap(), "a\n[2Jb");
        for (status, media) in
            [(200, "text/html"), (401, "text/plain"), (404, "text/plain"), (500, "text/plain")]
        {
            assert!(read(&answer(status, media, b"x")).is_err(), "{status} {media}");
        }
    }
}
