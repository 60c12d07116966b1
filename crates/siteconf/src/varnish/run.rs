//! Runs a subroutine of VCL for one request: assignments to the request, conditions in three-valued truth, and the
//! `return` that it comes to.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::vcl::{Statement, Token, Vcl};
use crate::condition::{Conditions, Truth};
use crate::hop::Hop;
use crate::nginx::access::within;
use crate::pattern::{self, Pattern};
use crate::report::Place;

/// Calls within calls.
const MOST_DEPTH: u8 = 16;

/// What a subroutine returned.
#[derive(Debug, Clone)]
pub(crate) struct Returned {
    pub(crate) action: String,
    /// The status of a `synth`.
    pub(crate) status: Option<u16>,
    pub(crate) place: Place,
    pub(crate) certain: Truth,
    /// The condition that led there, as it is written.
    pub(crate) condition: String,
}

/// The state of one request.
pub(crate) struct Machine<'v> {
    pub(crate) vcl: &'v Vcl,
    pub(crate) hop: Hop,
    pub(crate) backend: Option<String>,
    /// `resp.status` and other things that VCL sets.
    pub(crate) values: BTreeMap<String, String>,
    /// Returns that a condition which is not known might have led to.
    pub(crate) possible: Vec<Returned>,
}

impl Machine<'_> {
    /// Runs all subroutines of a name, in the order in which they stand.
    pub(crate) fn run(&mut self, name: &str, depth: u8) -> Option<Returned> {
        if depth > MOST_DEPTH {
            return None;
        }
        let bodies: Vec<&Vec<Statement>> =
            self.vcl.subs.iter().filter(|(own, _)| own == name).map(|(_, body)| body).collect();
        for body in bodies {
            let returned = self.body(body, "", Truth::Yes, depth);
            if returned.is_some() {
                return returned;
            }
        }
        None
    }

    fn body(&mut self, body: &[Statement], condition: &str, certain: Truth, depth: u8) -> Option<Returned> {
        for statement in body {
            match statement {
                Statement::If(branches) => {
                    for (tokens, inner, _) in branches {
                        let holds = if tokens.is_empty() { Truth::Yes } else { self.holds(tokens) };
                        if holds == Truth::No {
                            continue;
                        }
                        let shown = join(condition, tokens);
                        if holds == Truth::Unknown || certain == Truth::Unknown {
                            // What may happen is noted, but does not change the request.
                            let (hop, backend, values) =
                                (self.hop.clone(), self.backend.clone(), self.values.clone());
                            let returned = self.body(inner, &shown, Truth::Unknown, depth);
                            (self.hop, self.backend, self.values) = (hop, backend, values);
                            self.possible.extend(returned);
                            if holds == Truth::Yes {
                                break;
                            }
                            continue;
                        }
                        let returned = self.body(inner, &shown, certain, depth);
                        if returned.is_some() {
                            return returned;
                        }
                        break;
                    }
                }
                Statement::Plain(tokens, place) => {
                    let returned = self.plain(tokens, place, condition, certain, depth);
                    if returned.is_some() {
                        return returned;
                    }
                }
            }
        }
        None
    }

    fn plain(
        &mut self,
        tokens: &[Token],
        place: &Place,
        condition: &str,
        certain: Truth,
        depth: u8,
    ) -> Option<Returned> {
        let [Token::Word(first), rest @ ..] = tokens else { return None };
        match (first.as_str(), rest) {
            ("return", [Token::Sign("("), Token::Word(action), rest @ ..]) => Some(Returned {
                action: action.clone(),
                status: rest.iter().find_map(number).filter(|_| action == "synth" || action == "error"),
                place: place.clone(),
                certain,
                condition: condition.to_owned(),
            }),
            ("error", [Token::Word(status), ..]) => Some(Returned {
                action: "synth".to_owned(),
                status: status.parse().ok(),
                place: place.clone(),
                certain,
                condition: condition.to_owned(),
            }),
            ("call", [Token::Word(name), ..]) => {
                let found = self.run(&name.clone(), depth + 1);
                found.map(|mut found| {
                    found.certain = found.certain.and(certain);
                    if found.condition.is_empty() {
                        condition.clone_into(&mut found.condition);
                    }
                    found
                })
            }
            ("set", [Token::Word(name), Token::Sign("="), value @ ..]) => {
                self.assign(name, value);
                None
            }
            ("unset" | "remove", [Token::Word(name), ..]) => {
                if let Some(header) = name.strip_prefix("req.http.") {
                    self.hop.set_header(header, "");
                }
                None
            }
            _ => None,
        }
    }

    fn assign(&mut self, name: &str, value: &[Token]) {
        if name.ends_with("backend_hint") || name == "req.backend" {
            if let [Token::Word(backend), ..] = value {
                self.backend = Some(backend.clone());
            }
            return;
        }
        let text = Reader { tokens: value, at: 0, machine: self, depth: 0 }.text();
        match (name, text) {
            ("req.url", Some(url)) => self.hop.target = url,
            ("req.method" | "req.request", Some(method)) => self.hop.method = method,
            (name, Some(text)) if name.starts_with("req.http.") => {
                self.hop.set_header(name.trim_start_matches("req.http."), &text);
            }
            (name, Some(text)) => {
                self.values.insert(name.to_owned(), text);
            }
            (name, None) => {
                self.values.remove(name);
            }
        }
    }

    fn holds(&self, tokens: &[Token]) -> Truth {
        let mut reader = Reader { tokens, at: 0, machine: self, depth: 0 };
        let truth = reader.either();
        if reader.at < tokens.len() { Truth::Unknown } else { truth }
    }

    fn in_list(&self, list: &str, address: IpAddr) -> Truth {
        let Some((_, entries)) = self.vcl.lists.iter().find(|(name, _)| name == list) else {
            return Truth::Unknown;
        };
        let mut best: Option<(u8, bool)> = None;
        for (except, entry) in entries {
            let covers =
                if entry == "localhost" { Some(address.is_loopback()) } else { within(entry, address) };
            let length = entry.split_once('/').and_then(|(_, length)| length.parse().ok()).unwrap_or(128);
            if covers == Some(true) && best.is_none_or(|(known, _)| length >= known) {
                best = Some((length, *except));
            }
        }
        Truth::from(best.is_some_and(|(_, except)| !except))
    }
}

/// Conditions that enclose each other, as text.
fn join(outer: &str, tokens: &[Token]) -> String {
    let mut text = String::new();
    for token in tokens {
        match token {
            Token::Word(word) => text.push_str(word),
            Token::Text(word) => text.push_str(&format!("\"{word}\"")),
            Token::Sign(sign) => text.push_str(sign),
        }
        text.push(' ');
    }
    let text = text.trim().to_owned();
    match (outer.is_empty(), text.is_empty()) {
        (true, _) => text,
        (false, true) => outer.to_owned(),
        (false, false) => format!("{outer}, {text}"),
    }
}

fn number(token: &Token) -> Option<u16> {
    match token {
        Token::Word(word) => word.parse().ok(),
        _ => None,
    }
}

struct Reader<'t, 'm, 'v> {
    tokens: &'t [Token],
    at: usize,
    machine: &'m Machine<'v>,
    depth: u8,
}

impl Conditions for Reader<'_, '_, '_> {
    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn comparison(&mut self) -> Truth {
        self.compared()
    }

    fn depth(&mut self) -> &mut u8 {
        &mut self.depth
    }

    fn give_up(&mut self) {
        self.at = self.tokens.len();
    }
}

impl Reader<'_, '_, '_> {
    fn compared(&mut self) -> Truth {
        let left = self.text();
        for sign in ["!~", "~", "==", "!=", "<=", ">=", "<", ">"] {
            if !self.take(sign) {
                continue;
            }
            if matches!(sign, "~" | "!~") {
                let matched = self.matched(left);
                return if sign == "~" { matched } else { !matched };
            }
            let right = self.text();
            let (Some(left), Some(right)) = (left, right) else { return Truth::Unknown };
            let numbers = left.parse::<f64>().ok().zip(right.parse::<f64>().ok());
            return match (sign, numbers) {
                ("==", _) => Truth::from(left == right),
                ("!=", _) => Truth::from(left != right),
                ("<", Some((left, right))) => Truth::from(left < right),
                (">", Some((left, right))) => Truth::from(left > right),
                ("<=", Some((left, right))) => Truth::from(left <= right),
                (">=", Some((left, right))) => Truth::from(left >= right),
                _ => Truth::Unknown,
            };
        }
        Truth::from(left.map(|text| !matches!(text.as_str(), "" | "false" | "0")))
    }

    /// The right side of `~`: a pattern, or a list of addresses.
    fn matched(&mut self, left: Option<String>) -> Truth {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        match (token, left) {
            (Some(Token::Text(regex)), Some(left)) => pattern::matches(&regex, false, &left),
            (Some(Token::Word(list)), Some(left)) => {
                left.parse().map_or(Truth::Unknown, |address| self.machine.in_list(&list, address))
            }
            _ => Truth::Unknown,
        }
    }

    /// A value: texts and names that stand side by side, or with `+` between, are joined.
    fn text(&mut self) -> Option<String> {
        let mut out = Some(String::new());
        let mut any = false;
        loop {
            let part = match self.tokens.get(self.at).cloned() {
                Some(Token::Text(text)) => {
                    self.at += 1;
                    Some(text)
                }
                Some(Token::Word(name)) => {
                    self.at += 1;
                    if self.take("(") { self.called(&name) } else { self.named(&name) }
                }
                Some(Token::Sign("+")) if any => {
                    self.at += 1;
                    continue;
                }
                _ => break,
            };
            any = true;
            out = out.zip(part).map(|(before, part)| before + &part);
        }
        if any { out } else { None }
    }

    fn named(&self, name: &str) -> Option<String> {
        let hop = &self.machine.hop;
        match name {
            "req.url" => Some(hop.target.clone()),
            "req.method" | "req.request" => Some(hop.method.clone()),
            "client.ip" | "client.identity" | "remote.ip" => hop.client.map(|client| client.to_string()),
            "req.proto" => Some("HTTP/1.1".to_owned()),
            "req.restarts" | "req.esi_level" => Some("0".to_owned()),
            "server.port" | "local.port" => Some(hop.port.to_string()),
            "server.ip" | "local.ip" => Some(hop.address.clone()),
            "true" | "false" => Some(name.to_owned()),
            _ => match name.strip_prefix("req.http.") {
                Some(header) => Some(hop.header(header).unwrap_or("").to_owned()),
                None if name.parse::<f64>().is_ok() => Some(name.to_owned()),
                None => self.machine.values.get(name).cloned(),
            },
        }
    }

    /// A function; its parenthesis is open.
    fn called(&mut self, name: &str) -> Option<String> {
        let mut arguments = Vec::new();
        self.depth += 1;
        while self.at < self.tokens.len() && self.depth < 24 {
            if self.take(")") {
                break;
            }
            let before = self.at;
            arguments.push(self.text());
            self.take(",");
            if self.at == before {
                self.at += 1;
            }
        }
        self.depth -= 1;
        let argument = |at: usize| arguments.get(at).cloned().flatten();
        match name {
            "std.tolower" => argument(0).map(|text| text.to_lowercase()),
            "std.toupper" => argument(0).map(|text| text.to_uppercase()),
            "std.ip" => {
                let given =
                    argument(0).and_then(|text| text.split(',').next().map(|part| part.trim().to_owned()));
                given.filter(|text| text.parse::<IpAddr>().is_ok()).or_else(|| argument(1))
            }
            "std.port" => Some(self.machine.hop.port.to_string()),
            "std.querysort" | "urldecode" => argument(0),
            "regsub" | "regsuball" => {
                let (text, regex, with) = (argument(0)?, argument(1)?, argument(2)?);
                let pattern = Pattern::new(&regex, false)?;
                let groups = pattern.captures(&text).unwrap_or_default();
                let mut with = with;
                for (at, (_, group)) in groups.iter().enumerate().take(10) {
                    with = with.replace(&format!("\\{at}"), group);
                }
                Some(pattern.replaced(&text, &with))
            }
            _ => None,
        }
    }
}
