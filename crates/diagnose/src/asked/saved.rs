//! A saved exchange: what `curl -v` or `curl -i` printed, or a head and body as somebody pasted them into a ticket.

use super::{Asked, Scheme, Url};
use crate::answer::{Answer, LONGEST_BODY};
use thiserror::Error;

/// Why a text is no exchange.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SavedError {
    /// No status line.
    #[error("there is no answer in it: no line like `HTTP/1.1 403 Forbidden`")]
    NoAnswer,
}

/// Request and answer of the last exchange in the text. Of the request what the text shows; what is `given` fills the rest.
///
/// # Errors
///
/// There is no answer in it.
pub fn read(text: &str, given: Option<&Asked>) -> Result<(Asked, Answer), SavedError> {
    let mut reading = Reading::default();
    let verbose = text.lines().any(|line| line.starts_with("< HTTP/"));
    for line in text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)) {
        if verbose {
            reading.verbose(line);
        } else {
            reading.plain(line);
        }
    }
    let answer = answer(&reading.head, reading.body).ok_or(SavedError::NoAnswer)?;
    Ok((asked(&reading.request, given, reading.tls), answer))
}

#[derive(Debug, Default)]
struct Reading {
    request: Vec<String>,
    head: Vec<String>,
    body: String,
    place: Place,
    tls: bool,
}

impl Reading {
    /// A line of `curl -v`: `>` sent, `<` received, `*` told, anything else body.
    fn verbose(&mut self, line: &str) {
        if let Some(sent) = line.strip_prefix("> ").or_else(|| (line == ">").then_some("")) {
            if self.place != Place::Request {
                self.request.clear();
                self.place = Place::Request;
            }
            if !sent.is_empty() {
                self.request.push(sent.to_owned());
            }
        } else if let Some(received) = line.strip_prefix("< ").or_else(|| (line == "<").then_some("")) {
            if received.starts_with("HTTP/") {
                self.head.clear();
                self.body.clear();
            }
            self.place = if received.is_empty() { Place::Body } else { Place::Head };
            if !received.is_empty() {
                self.head.push(received.to_owned());
            }
        } else if line.starts_with("* ") || line.starts_with("} [") || line.starts_with("{ [") {
            self.tls |= line.contains("SSL connection") || line.contains("TLS handshake");
        } else if self.place == Place::Body {
            self.keep(line);
        }
    }

    /// A line of `curl -i`, or of a request and an answer one behind the other.
    fn plain(&mut self, line: &str) {
        match self.place {
            Place::Body if line.starts_with("HTTP/") && follows_redirect(&self.head) => {
                self.head = vec![line.to_owned()];
                self.body.clear();
                self.place = Place::Head;
            }
            Place::Body => self.keep(line),
            Place::Head if line.is_empty() => self.place = Place::Body,
            Place::Head => self.head.push(line.to_owned()),
            Place::Outside | Place::Request if line.starts_with("HTTP/") => {
                self.head.push(line.to_owned());
                self.place = Place::Head;
            }
            Place::Outside if is_request_line(line) => {
                self.request.push(line.to_owned());
                self.place = Place::Request;
            }
            Place::Request if !line.is_empty() => self.request.push(line.to_owned()),
            Place::Outside | Place::Request => {}
        }
    }

    fn keep(&mut self, line: &str) {
        if self.body.len() < LONGEST_BODY {
            self.body.push_str(line);
            self.body.push('\n');
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Outside,
    Request,
    Head,
    Body,
}

/// `curl -iL` prints one answer behind the other.
fn follows_redirect(head: &[String]) -> bool {
    let status = head.first().and_then(|line| line.split(' ').nth(1)).unwrap_or_default();
    status.starts_with('3')
        || status.starts_with('1')
        || head.first().is_some_and(|line| line.contains("onnection established"))
}

fn is_request_line(line: &str) -> bool {
    let mut words = line.split(' ');
    let method = words.next().unwrap_or_default();
    !method.is_empty()
        && method.bytes().all(|b| b.is_ascii_uppercase())
        && words.nth(1).is_some_and(|word| word.starts_with("HTTP/"))
}

fn answer(head: &[String], mut body: String) -> Option<Answer> {
    let mut words = head.first()?.splitn(3, ' ');
    let version = words.next()?.to_owned();
    // Three digits (RFC 9110 §15); anything else is no status line.
    let status = words.next()?.parse().ok().filter(|status| (100..=999).contains(status))?;
    let reason = words.next().unwrap_or_default().trim().to_owned();
    let headers = fields(head);
    let end = body.trim_end_matches('\n').len();
    body.truncate(end);
    body.truncate(floor(&body, LONGEST_BODY));
    Some(Answer { version, status, reason, headers, body: body.into_bytes(), ..Answer::default() })
}

fn fields(lines: &[String]) -> Vec<(String, String)> {
    lines
        .iter()
        .skip(1)
        .take(512)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

fn asked(request: &[String], given: Option<&Asked>, tls: bool) -> Asked {
    if let Some(given) = given {
        return given.clone();
    }
    let mut words = request.first().map(|line| line.split(' ')).into_iter().flatten();
    let method = words.next().unwrap_or("GET").to_owned();
    let target = words.next().unwrap_or("/").to_owned();
    let mut headers = fields(request);
    let host =
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host")).map(|(_, value)| value.clone());
    headers.retain(|(name, _)| !name.eq_ignore_ascii_case("host"));
    let scheme = if tls { Scheme::Https } else { Scheme::Http };
    let host = host.unwrap_or_else(|| "unknown.invalid".to_owned());
    let text = if target.contains("://") { target } else { format!("{}://{host}{target}", scheme.as_str()) };
    let url = Url::parse(&text).map_or_else(
        |_| Url {
            scheme,
            host: "unknown.invalid".to_owned(),
            port: scheme.default_port(),
            path: "/".to_owned(),
            query: None,
        },
        |(url, _)| url,
    );
    Asked { method, headers, ..Asked::get(url) }
}

fn floor(text: &str, most: usize) -> usize {
    let mut at = most.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn verbose() {
        let text = "*   Trying 1.2.3.4:443...\n* SSL connection using TLSv1.3\n> GET /x?y HTTP/1.1\r\n> Host: a.test\r\n> Cookie: a=b\r\n>\r\n\
                    { [5 bytes data]\n< HTTP/1.1 403 Forbidden\r\n< Server: nginx\r\n<\r\n<html>no</html>\n* Connection #0 left intact\n";
        let (asked, answer) = read(text, None).unwrap();
        assert_eq!(
            (asked.url.to_string().as_str(), asked.header("cookie")),
            ("https://a.test/x?y", Some("a=b"))
        );
        assert_eq!(
            (answer.status, answer.header("server"), answer.body.as_slice()),
            (403, Some("nginx"), b"<html>no</html>".as_slice())
        );
    }

    #[test]
    fn included() {
        let text = "HTTP/1.1 301 Moved\r\nLocation: /y\r\n\r\nHTTP/2 403 \r\nserver: cloudflare\r\n\r\nerror code: 1020\r\n";
        let (_, answer) = read(text, None).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (403, b"error code: 1020".as_slice()));
        assert_eq!(read("hello", None).map(|_| ()), Err(SavedError::NoAnswer));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "([<>*] )?[ -~\r\n]{0,60}(HTTP/1.1 4)?[ -~\r\n]{0,120}") {
            drop(read(&text, None));
        }
    }
}
