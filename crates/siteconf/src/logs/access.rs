//! Access lines, taken apart by the format that the configuration declares: literals between variables. nginx's
//! `log_format` and Apache's `LogFormat` come to the same.

use std::net::IpAddr;

use jiff::Timestamp;

/// nginx's and Apache's `combined`.
pub(crate) const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \"$http_referer\" \"$http_user_agent\"";

/// A declared format.
#[derive(Debug, Clone)]
pub(crate) struct Format {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone)]
enum Piece {
    Literal(String),
    Variable(String),
}

/// What a line tells of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessLine {
    pub(crate) client: Option<IpAddr>,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) status: u16,
    /// The upstream's last status, `403`; `-` if none was asked; empty if the format does not say.
    pub(crate) upstream_status: String,
    pub(crate) upstream: String,
    /// `HIT`, `MISS`; empty if the format does not say.
    pub(crate) cache: String,
    pub(crate) user_agent: Option<String>,
    pub(crate) when: Option<Timestamp>,
    pub(crate) text: String,
}

impl Format {
    /// From nginx's `log_format`.
    pub(crate) fn nginx(text: &str) -> Format {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text.chars().peekable();
        while let Some(next) = rest.next() {
            if next != '$' {
                literal.push(next);
                continue;
            }
            let braced = rest.next_if_eq(&'{').is_some();
            let mut name = String::new();
            while let Some(letter) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                name.push(letter);
            }
            if braced {
                rest.next_if_eq(&'}');
            }
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            pieces.push(Piece::Variable(name));
        }
        pieces.push(Piece::Literal(literal));
        Format { pieces }
    }

    /// From Apache's `LogFormat`, by way of nginx's names.
    pub(crate) fn apache(text: &str) -> Format {
        let mut out = String::new();
        let mut rest = text.chars().peekable();
        while let Some(next) = rest.next() {
            if next != '%' {
                out.push(next);
                continue;
            }
            let mut argument = String::new();
            while let Some(modifier) =
                rest.next_if(|c| matches!(c, '<' | '>' | '!' | ',' | '{') || c.is_ascii_digit())
            {
                if modifier == '{' {
                    argument = rest.by_ref().take_while(|c| *c != '}').collect();
                }
            }
            out.push_str(&apache_variable(rest.next().unwrap_or('%'), &argument));
        }
        Format::nginx(&out)
    }

    /// The line's parts; `None` if it is not of this format.
    pub(crate) fn line(&self, text: &str) -> Option<AccessLine> {
        let mut found = AccessLine { text: text.to_owned(), ..AccessLine::default() };
        let mut rest = text;
        let mut open: Option<&str> = None;
        for piece in &self.pieces {
            match piece {
                Piece::Variable(name) => open = Some(name),
                Piece::Literal(literal) => {
                    let at = match open {
                        // The last literal of a format ends the line; an empty one takes all that is left.
                        Some(_) if literal.is_empty() => rest.len(),
                        Some(_) => rest.find(literal.as_str())?,
                        None if rest.starts_with(literal.as_str()) => 0,
                        None => return None,
                    };
                    if let Some(name) = open.take() {
                        found.learn(name, rest.get(..at)?);
                    }
                    rest = rest.get(at + literal.len()..).unwrap_or("");
                }
            }
        }
        (found.status != 0 && !found.target.is_empty()).then_some(found)
    }
}

impl AccessLine {
    fn learn(&mut self, name: &str, value: &str) {
        match name {
            "remote_addr" | "realip_remote_addr" => self.client = value.parse().ok(),
            "request" => {
                let (method, target) = super::request_line(value);
                self.method = method.to_owned();
                self.target = target.to_owned();
            }
            "request_method" => self.method = value.to_owned(),
            "request_uri" => self.target = value.to_owned(),
            "uri" if self.target.is_empty() => self.target = value.to_owned(),
            "args" | "query_string" if !value.is_empty() && value != "-" && !self.target.contains('?') => {
                self.target = format!("{}?{}", self.target, value.trim_start_matches('?'));
            }
            "status" => self.status = value.parse().unwrap_or(0),
            "upstream_status" => self.upstream_status = last(value).to_owned(),
            "upstream_addr" => self.upstream = last(value).to_owned(),
            "upstream_cache_status" => self.cache = value.to_owned(),
            "http_user_agent" => self.user_agent = Some(value.to_owned()),
            "time_local" => {
                self.when = Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", value.trim_matches(['[', ']'])).ok();
            }
            "time_iso8601" => self.when = value.parse().ok(),
            "msec" => {
                self.when = value.parse::<f64>().ok().and_then(|at| Timestamp::from_second(at as i64).ok())
            }
            _ => {}
        }
    }

    /// A line of no known format: a quoted request line followed by the status, as nearly all formats have it.
    pub(crate) fn guess(text: &str) -> Option<AccessLine> {
        if let Some(line) = Self::json(text) {
            return Some(line);
        }
        let mut parts = text.split('"');
        let head = parts.next()?;
        let request = parts.next()?;
        let after = parts.next().unwrap_or("");
        let (method, target) = super::request_line(request);
        if target.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
            return None;
        }
        let number = |text: &str| {
            text.split(|c: char| !c.is_ascii_digit())
                .filter(|word| word.len() == 3)
                .find_map(|word| word.parse::<u16>().ok())
                .filter(|status| (100..600).contains(status))
        };
        // HAProxy writes the status before the request line.
        let status = number(after).or_else(|| {
            head.split(' ').rev().find(|word| word.len() == 3).and_then(|word| word.parse::<u16>().ok())
        })?;
        let when = head
            .split(['[', ']'])
            .nth(1)
            .and_then(|time| Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", time).ok());
        let quoted: Vec<&str> = text.split('"').collect();
        Some(AccessLine {
            client: head.split([' ', ',']).find_map(|word| word.parse().ok()),
            method: method.to_owned(),
            target: target.to_owned(),
            status,
            user_agent: quoted.get(5).map(|agent| (*agent).to_owned()),
            when,
            text: text.to_owned(),
            ..AccessLine::default()
        })
    }

    /// One JSON object per line, with the names that servers and people use.
    fn json(text: &str) -> Option<AccessLine> {
        let text = text.trim();
        if !text.starts_with('{') {
            return None;
        }
        let value: serde_json::Value = serde_json::from_str(text).ok()?;
        let request = value.get("request").filter(|part| part.is_object()).unwrap_or(&value);
        let word = |of: &serde_json::Value, names: &[&str]| {
            names.iter().find_map(|name| of.get(*name)).map(|part| match part {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            })
        };
        let mut line = AccessLine { text: text.to_owned(), ..AccessLine::default() };
        line.method = word(request, &["method", "request_method", "requestMethod"]).unwrap_or_default();
        line.target = word(request, &["uri", "request_uri", "url", "path", "target"]).unwrap_or_default();
        if line.target.is_empty() {
            line.learn("request", &word(&value, &["request"]).unwrap_or_default());
        }
        line.status = word(&value, &["status", "response_code", "status_code"])?.parse().ok()?;
        line.client = word(request, &["client_ip", "remote_ip", "remote_addr", "client"])
            .and_then(|ip| ip.parse().ok());
        line.upstream_status = word(&value, &["upstream_status"]).unwrap_or_default();
        line.upstream = word(&value, &["upstream_addr", "upstream"]).unwrap_or_default();
        (!line.target.is_empty()).then_some(line)
    }
}

/// The last of several upstreams: `502, 200` or `127.0.0.1:1 : 127.0.0.1:2`.
fn last(value: &str) -> &str {
    value.rsplit([',']).next().and_then(|part| part.rsplit(" : ").next()).unwrap_or(value).trim()
}

fn apache_variable(letter: char, argument: &str) -> String {
    let name = match letter {
        'h' | 'a' => "remote_addr",
        'r' => "request",
        's' => "status",
        'm' => "request_method",
        'U' => "uri",
        'q' => "args",
        // Apache's default has its own brackets; a declared one has what its format says.
        't' if argument.is_empty() => return "[$time_local]".to_owned(),
        'i' if argument.eq_ignore_ascii_case("user-agent") => "http_user_agent",
        'e' if argument == "BALANCER_WORKER_NAME" => "upstream_addr",
        '%' => return "%".to_owned(),
        _ => "other",
    };
    format!("${{{name}}}")
}
