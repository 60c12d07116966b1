//! curl's command line, as people type it and as browsers copy it. Options that change what is sent are understood, others
//! that take a value are skipped with it, and unknown ones are told. It reads `@FILE` bodies only when allowed to.

mod options;

use std::net::IpAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use thiserror::Error;

use super::{Asked, Family, ForwardProxy, Resolve, Url, UrlError, Version};
use options::{Kind, by_long, by_short};

/// Why a command line is none that can be followed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CurlError {
    /// No address.
    #[error("the command names no URL")]
    NoUrl,
    /// The address is none.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// An option at the end that wants a value.
    #[error("`{0}` wants a value")]
    NoValue(String),
    /// A header without colon.
    #[error("`{0}` is no header: `Name: value`, or `Name:` to leave it out")]
    Header(String),
    /// Not HOST:PORT:ADDRESS.
    #[error("`{0}` is not HOST:PORT:ADDRESS")]
    Resolve(String),
    /// Quotes that do not end.
    #[error("the quotes in the pasted command do not end")]
    Quotes,
    /// A file that cannot be read.
    #[error("`{file}`: {why}")]
    File {
        /// Which.
        file: String,
        /// What the system says.
        why: String,
    },
    /// Too much to be a command.
    #[error("the command is too long")]
    TooLong,
}

/// A command that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it asks.
    pub asked: Asked,
    /// Options that were left aside.
    pub ignored: Vec<String>,
}

/// A command that is pasted is not longer.
const LONGEST: usize = 1 << 20;
/// What of a body file is read.
const LONGEST_BODY: u64 = 1 << 20;

/// Splits a pasted text as a shell would (of `cmd.exe` the carets are understood) and reads it.
///
/// # Errors
///
/// Says what of it cannot be followed.
pub fn parse_pasted(text: &str) -> Result<Command, CurlError> {
    if text.len() > LONGEST {
        return Err(CurlError::TooLong);
    }
    let text = text.trim().trim_start_matches("$ ");
    let text = if text.contains("^\n") || text.contains("^\r\n") || text.contains("^\"") {
        text.replace("^\r\n", " ")
            .replace("^\n", " ")
            .replace("^%^", "%")
            .replace("^\\^\"", "\\\"")
            .replace("^\"", "\"")
            .replace('^', "")
    } else {
        text.replace("\\\r\n", " ").replace("`\r\n", " ").replace("`\n", " ")
    };
    let text = ansi_quotes(&text);
    let words = shlex::split(&text).ok_or(CurlError::Quotes)?;
    let mut words = words.into_iter();
    let first = words.next().unwrap_or_default();
    let mut rest: Vec<String> = words.collect();
    if !first.ends_with("curl") && !first.ends_with("curl.exe") {
        rest.insert(0, first);
    }
    // A pipeline behind it is no part of the request.
    if let Some(end) =
        rest.iter().position(|word| matches!(word.as_str(), "|" | ";" | "&&" | ">" | "2>&1" | "||"))
    {
        rest.truncate(end);
    }
    parse(&rest)
}

/// Reads the words behind `curl`.
///
/// # Errors
///
/// Says what of it cannot be followed.
pub fn parse(words: &[String]) -> Result<Command, CurlError> {
    let mut reading = Reading::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(long) = word.strip_prefix("--").filter(|long| !long.is_empty()) {
            let (name, value) = match long.split_once('=') {
                Some((name, value)) if by_long(name).is_some() => (name, Some(value.to_owned())),
                _ => (long, None),
            };
            match by_long(name) {
                Some((kind, true)) => {
                    let value = match value {
                        Some(value) => value,
                        None => words.next().cloned().ok_or_else(|| CurlError::NoValue(word.clone()))?,
                    };
                    reading.take(kind, &value)?;
                }
                Some((kind, false)) => reading.take(kind, "")?,
                None => reading.ignored.push(word.clone()),
            }
        } else if word.len() > 1 && word.starts_with('-') {
            for (at, letter) in word.char_indices().skip(1) {
                match by_short(letter) {
                    Some((kind, true)) => {
                        let attached = word.get(at + letter.len_utf8()..).unwrap_or_default();
                        let value = if attached.is_empty() {
                            words.next().cloned().ok_or_else(|| CurlError::NoValue(word.clone()))?
                        } else {
                            attached.to_owned()
                        };
                        reading.take(kind, &value)?;
                        break;
                    }
                    Some((kind, false)) => reading.take(kind, "")?,
                    None => reading.ignored.push(format!("-{letter}")),
                }
            }
        } else {
            reading.url.get_or_insert_with(|| word.clone());
        }
    }
    reading.finish()
}

#[derive(Debug, Default)]
struct Reading {
    url: Option<String>,
    method: Option<String>,
    head: bool,
    get: bool,
    headers: Vec<(String, String)>,
    left_out: Vec<String>,
    data: Vec<Vec<u8>>,
    form: Vec<String>,
    json: bool,
    user: Option<String>,
    proxy: Option<String>,
    proxy_user: Option<String>,
    insecure: bool,
    follow: bool,
    compressed: bool,
    resolve: Vec<Resolve>,
    version: Version,
    family: Family,
    cookies: Vec<String>,
    query: Vec<String>,
    ignored: Vec<String>,
}

impl Reading {
    fn take(&mut self, kind: Kind, value: &str) -> Result<(), CurlError> {
        match kind {
            Kind::Url => self.url = Some(value.to_owned()),
            Kind::Method => self.method = Some(value.to_owned()),
            Kind::Head => self.head = true,
            Kind::Get => self.get = true,
            Kind::Header => self.header(value)?,
            Kind::Data => self.data.push(from_file(value, true)?),
            Kind::DataBinary => self.data.push(from_file(value, false)?),
            Kind::DataRaw => self.data.push(value.as_bytes().to_vec()),
            Kind::DataEncoded => self.data.push(encoded(value).into_bytes()),
            Kind::Json => {
                self.json = true;
                self.data.push(from_file(value, false)?);
            }
            Kind::Form => self.form.push(value.to_owned()),
            Kind::User => self.user = Some(value.to_owned()),
            Kind::Bearer => self.headers.push(("Authorization".to_owned(), format!("Bearer {value}"))),
            Kind::Cookie => self.cookie(value)?,
            Kind::Proxy => self.proxy = Some(value.to_owned()),
            Kind::ProxyUser => self.proxy_user = Some(value.to_owned()),
            Kind::Insecure => self.insecure = true,
            Kind::Follow => self.follow = true,
            Kind::Compressed => self.compressed = true,
            Kind::Agent => self.put("User-Agent", value),
            Kind::Referer => self.put("Referer", value.strip_suffix(";auto").unwrap_or(value)),
            Kind::Resolve => self.resolve.extend(resolve(value)?),
            Kind::Http1 => self.version = Version::One,
            Kind::Http2 => self.version = Version::Two,
            Kind::Four => self.family = Family::Four,
            Kind::Six => self.family = Family::Six,
            Kind::Query => self.query.push(value.to_owned()),
            Kind::Aside => {}
        }
        Ok(())
    }

    /// `-A ''` and `-e ''` leave the header out, as `-H 'Name:'` does.
    fn put(&mut self, name: &str, value: &str) {
        if value.is_empty() {
            self.left_out.push(name.to_owned())
        } else {
            self.headers.push((name.to_owned(), value.to_owned()))
        }
    }

    fn header(&mut self, line: &str) -> Result<(), CurlError> {
        if let Some(name) = line.strip_suffix(';').filter(|name| !name.contains(':')) {
            self.headers.push((name.trim().to_owned(), String::new()));
            return Ok(());
        }
        let Some((name, value)) = line.split_once(':') else {
            // `-H @FILE` and plain words are no headers.
            return Err(CurlError::Header(line.chars().take(40).collect()));
        };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() {
            // `:authority:` and the like, as some browsers copy them from HTTP/2.
            return Ok(());
        }
        self.put(name, value);
        Ok(())
    }

    fn cookie(&mut self, value: &str) -> Result<(), CurlError> {
        if value.contains('=') {
            self.cookies.push(value.to_owned());
            return Ok(());
        }
        // A jar in Netscape's form: the last two fields are name and value.
        let jar = String::from_utf8_lossy(&read(value)?).into_owned();
        for line in jar.lines().filter(|line| !line.starts_with('#') || line.starts_with("#HttpOnly_")) {
            let fields: Vec<_> = line.split('\t').collect();
            if let [_, _, _, _, _, name, value] = fields.as_slice() {
                self.cookies.push(format!("{name}={value}"));
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<Command, CurlError> {
        let (mut url, user_in_url) = Url::parse(&self.url.ok_or(CurlError::NoUrl)?)?;
        let mut headers = self.headers;
        let has = |headers: &[(String, String)], name: &str| {
            headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
        };
        let user = self
            .user
            .or_else(|| user_in_url.map(|user| percent_decode_str(&user).decode_utf8_lossy().into_owned()));
        if let Some(user) = user.filter(|_| !has(&headers, "authorization")) {
            let user = if user.contains(':') { user } else { format!("{user}:") };
            headers.push(("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(user))));
        }
        if !self.cookies.is_empty() {
            headers.push(("Cookie".to_owned(), self.cookies.join("; ")));
        }
        if self.compressed && !has(&headers, "accept-encoding") {
            headers.push(("Accept-Encoding".to_owned(), "gzip, deflate".to_owned()));
        }
        let glue: &[u8] = if self.json { b"" } else { b"&" };
        let mut body = (!self.data.is_empty()).then(|| self.data.join(glue));
        let mut query = self.query;
        if self.get
            && let Some(data) = body.take()
        {
            query.push(String::from_utf8_lossy(&data).into_owned());
        }
        if !query.is_empty() {
            let before = url.query.take().into_iter().chain(query).collect::<Vec<_>>().join("&");
            url = Url::parse(&format!("{}?{before}", Url { query: None, ..url }))?.0;
        }
        if self.json {
            for (name, value) in [("Content-Type", "application/json"), ("Accept", "application/json")] {
                if !has(&headers, name) {
                    headers.push((name.to_owned(), value.to_owned()));
                }
            }
        }
        if body.is_none() && !self.form.is_empty() {
            body = Some(multipart(&self.form).into_bytes());
            if !has(&headers, "content-type") {
                headers
                    .push(("Content-Type".to_owned(), format!("multipart/form-data; boundary={BOUNDARY}")));
            }
        }
        let method = match self.method {
            Some(method) => method,
            None if self.head => "HEAD".to_owned(),
            None if body.is_some() => "POST".to_owned(),
            None => "GET".to_owned(),
        };
        let proxy = self.proxy.map(|proxy| forward_proxy(&proxy, self.proxy_user, "-x")).transpose()?;
        Ok(Command {
            asked: Asked {
                method,
                url,
                headers,
                left_out: self.left_out,
                body,
                insecure: self.insecure,
                resolve: self.resolve,
                proxy,
                version: self.version,
                family: self.family,
                follow: self.follow,
            },
            ignored: self.ignored,
        })
    }
}

/// Reads the address of a proxy.
///
/// # Errors
///
/// It is none, or not one of HTTP.
pub fn forward_proxy(text: &str, user: Option<String>, said_by: &str) -> Result<ForwardProxy, CurlError> {
    let (mut url, in_url) = Url::parse(text)?;
    let has_port =
        text.rsplit_once(':').is_some_and(|(_, port)| port.trim_end_matches('/').parse::<u16>().is_ok());
    if !has_port && url.scheme == super::Scheme::Http {
        url.port = 1080;
    }
    let user = user.or_else(|| in_url.map(|user| percent_decode_str(&user).decode_utf8_lossy().into_owned()));
    Ok(ForwardProxy { url, user, said_by: said_by.to_owned() })
}

const BOUNDARY: &str = "------------------------portcullis0doctor";

/// A form of plain fields; files are named, not sent: the refusal seldom depends on what is in them.
fn multipart(fields: &[String]) -> String {
    let mut body = String::new();
    for field in fields {
        let (name, value) = field.split_once('=').unwrap_or((field, ""));
        let value = if value.starts_with(['@', '<']) { "" } else { value };
        body.push_str(&format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        ));
    }
    body.push_str(&format!("--{BOUNDARY}--\r\n"));
    body
}

fn resolve(value: &str) -> Result<Option<Resolve>, CurlError> {
    let wrong = || CurlError::Resolve(value.to_owned());
    let value = value.strip_prefix('+').unwrap_or(value);
    if value.starts_with('-') {
        return Ok(None);
    }
    let mut parts = value.splitn(3, ':');
    let (Some(host), Some(port), Some(addresses)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong());
    };
    let addresses = addresses
        .split(',')
        .map(|address| address.trim_matches(['[', ']']).parse::<IpAddr>().map_err(|_| wrong()))
        .collect::<Result<Vec<_>, _>>()?;
    let port = port.parse().map_err(|_| wrong())?;
    Ok(Some(Resolve { host: host.to_ascii_lowercase(), port, addresses }))
}

fn from_file(value: &str, strip: bool) -> Result<Vec<u8>, CurlError> {
    let Some(file) = value.strip_prefix('@') else { return Ok(value.as_bytes().to_vec()) };
    let mut bytes = read(file)?;
    if strip {
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n'));
    }
    Ok(bytes)
}

fn read(file: &str) -> Result<Vec<u8>, CurlError> {
    use std::io::Read as _;
    let failed = |fault: std::io::Error| CurlError::File { file: file.to_owned(), why: fault.to_string() };
    let mut bytes = Vec::new();
    std::fs::File::open(Path::new(file))
        .map_err(failed)?
        .take(LONGEST_BODY)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(bytes)
}

fn encoded(value: &str) -> String {
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    match value.split_once('=') {
        Some(("", value)) => encode(value),
        Some((name, value)) => format!("{name}={}", encode(value)),
        None => encode(value),
    }
}

/// `$'…'` of bash, which browsers use where the body has quotes, made plain quotes.
fn ansi_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("$'") {
        let (before, from) = rest.split_at(at);
        // Only where a word begins.
        if !before.is_empty() && !before.ends_with([' ', '\t', '\n', '=']) {
            out.push_str(before);
            out.push_str("$'");
            rest = from.get(2..).unwrap_or_default();
            continue;
        }
        out.push_str(before);
        let inner = from.get(2..).unwrap_or_default();
        let mut value = String::new();
        let mut letters = inner.char_indices();
        let mut end = inner.len();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\'' => {
                    end = at + 1;
                    break;
                }
                '\\' => match letters.next().map(|(_, letter)| letter) {
                    Some('n') => value.push('\n'),
                    Some('r') => value.push('\r'),
                    Some('t') => value.push('\t'),
                    Some('u') => {
                        let digits: String = letters.by_ref().take(4).map(|(_, digit)| digit).collect();
                        value.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                    }
                    Some('x') => {
                        let digits: String = letters.by_ref().take(2).map(|(_, digit)| digit).collect();
                        value.extend(u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32));
                    }
                    Some(other) => value.push(other),
                    None => {}
                },
                other => value.push(other),
            }
        }
        out.push_str(&format!("'{}'", value.replace('\'', r"'\''")));
        rest = inner.get(end..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests;
