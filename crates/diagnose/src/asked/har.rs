//! A HAR file, as browsers save what their network panel shows: the entries that were refused, with their answers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use thiserror::Error;

use super::{Asked, Url};
use crate::answer::{Answer, LONGEST_BODY};

/// Why a file is no HAR.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HarError {
    /// No JSON, or not in this form.
    #[error("this is no HAR file: {0}")]
    Unreadable(String),
    /// Nothing in it.
    #[error("the HAR file holds no request")]
    Empty,
}

/// Request and answer of one entry.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was asked.
    pub asked: Asked,
    /// What came back.
    pub answer: Answer,
}

#[derive(Debug, Deserialize)]
struct Har {
    log: Log,
}

#[derive(Debug, Deserialize)]
struct Log {
    #[serde(default)]
    entries: Vec<Written>,
}

#[derive(Debug, Deserialize)]
struct Written {
    request: Request,
    response: Response,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Field>,
    #[serde(default)]
    post_data: Option<PostData>,
}

#[derive(Debug, Deserialize)]
struct PostData {
    #[serde(default)]
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    status: u16,
    #[serde(default)]
    status_text: String,
    #[serde(default)]
    http_version: String,
    #[serde(default)]
    headers: Vec<Field>,
    #[serde(default)]
    content: Content,
}

#[derive(Debug, Default, Deserialize)]
struct Content {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    encoding: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    value: String,
}

/// Reads the entries whose status is 403; where there are none, the last of those that failed; where nothing failed, the
/// last entry.
///
/// # Errors
///
/// The file is none, or empty.
pub fn read(text: &str) -> Result<Vec<Entry>, HarError> {
    let text = text.trim_start_matches('\u{feff}');
    let har: Har = serde_json::from_str(text).map_err(|fault| HarError::Unreadable(fault.to_string()))?;
    let mut entries: Vec<Entry> = har.log.entries.into_iter().filter_map(entry).collect();
    let refused = |entry: &Entry| entry.answer.status == 403;
    if entries.iter().any(refused) {
        entries.retain(refused);
        return Ok(entries);
    }
    let last = entries.iter().rposition(|entry| entry.answer.status >= 400).or(entries.len().checked_sub(1));
    match last {
        Some(at) => Ok(vec![entries.swap_remove(at)]),
        None => Err(HarError::Empty),
    }
}

fn entry(written: Written) -> Option<Entry> {
    let (url, _) = Url::parse(&written.request.url).ok()?;
    // HTTP/2's `:authority` and the like are no headers.
    let fields = |list: Vec<Field>| -> Vec<(String, String)> {
        list.into_iter()
            .filter(|field| !field.name.starts_with(':'))
            .map(|field| (field.name, field.value))
            .collect()
    };
    let mut headers = fields(written.request.headers);
    headers.retain(|(name, value)| {
        !(name.eq_ignore_ascii_case("host") && value.eq_ignore_ascii_case(&url.authority()))
    });
    let body = written.request.post_data.and_then(|data| data.text).map(String::into_bytes);
    let content = written.response.content;
    let text = content.text.unwrap_or_default();
    let mut answered = match content.encoding.as_deref() {
        Some("base64") => STANDARD.decode(&text).unwrap_or_default(),
        _ => text.into_bytes(),
    };
    let cut = answered.len() > LONGEST_BODY;
    answered.truncate(LONGEST_BODY);
    Some(Entry {
        asked: Asked { method: written.request.method, headers, body, ..Asked::get(url) },
        answer: Answer {
            version: written.response.http_version,
            status: written.response.status,
            reason: written.response.status_text,
            headers: fields(written.response.headers),
            body: answered,
            cut,
            ..Answer::default()
        },
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HAR: &str = r#"{"log":{"version":"1.2","entries":[
        {"request":{"method":"GET","url":"https://a.test/","headers":[]},"response":{"status":200,"headers":[],"content":{}}},
        {"request":{"method":"POST","url":"https://a.test/x","headers":[{"name":":path","value":"/x"},{"name":"Cookie","value":"a=b"}],"postData":{"text":"q=1"}},
         "response":{"status":403,"statusText":"Forbidden","httpVersion":"h2","headers":[{"name":"server","value":"nginx"}],"content":{"text":"bm8=","encoding":"base64"}}}]}}"#;

    #[test]
    fn the_refused_entries_are_picked() {
        let entries = read(HAR).unwrap();
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!((entry.asked.method.as_str(), entry.asked.headers.len()), ("POST", 1));
        assert_eq!((entry.answer.status, entry.answer.body.as_slice()), (403, b"no".as_slice()));
    }

    #[test]
    fn what_is_no_har() {
        assert!(matches!(read("{"), Err(HarError::Unreadable(_))));
        assert_eq!(read(r#"{"log":{"entries":[]}}"#).map(|_| ()), Err(HarError::Empty));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(cut in 0..HAR.len(), noise in "[ -~]{0,6}") {
            drop(read(&format!("{}{noise}{}", &HAR[..cut], &HAR[cut..])));
        }
    }
}
