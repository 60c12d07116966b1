//! VCL's grammar: backends, access lists, subroutines with their statements; expressions are kept as tokens.

use std::path::{Path, PathBuf};

use crate::report::Place;
use crate::source::Files;

/// Tokens of one run.
const MOST_TOKENS: usize = 300_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name, a number, a keyword.
    Word(String),
    Text(String),
    Sign(&'static str),
}

/// A token with its place.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) token: Token,
    pub(crate) place: Place,
}

const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "!~", "<=", ">=", "+=", "(", ")", "{", "}", ";", ",", "=", "~", "!", "<", ">",
    "+", "/", "-", "*", ".",
];

/// A statement.
#[derive(Debug, Clone)]
pub(crate) enum Statement {
    /// Branches in order; the last may have no condition.
    If(Vec<(Vec<Token>, Vec<Statement>, Place)>),
    /// Anything that ends with a semicolon.
    Plain(Vec<Token>, Place),
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Vcl {
    /// Name, host, port.
    pub(crate) backends: Vec<(String, String, String)>,
    /// Name and entries; an entry with `true` is an exception.
    pub(crate) lists: Vec<(String, Vec<(bool, String)>)>,
    pub(crate) subs: Vec<(String, Vec<Statement>)>,
}

/// Reads a root with its includes.
pub(crate) fn parse(root: &Path, files: &mut Files) -> Vcl {
    let mut tokens = Vec::new();
    read(root, None, files, &mut tokens);
    let mut parser = Parser { tokens, at: 0, vcl: Vcl::default() };
    parser.top();
    parser.vcl
}

fn read(path: &Path, named_at: Option<&Place>, files: &mut Files, into: &mut Vec<Placed>) {
    let Some(text) = files.enter(path, named_at) else { return };
    let own = tokens(&text, path);
    let mut rest = own.into_iter().peekable();
    while let Some(placed) = rest.next() {
        if into.len() > MOST_TOKENS {
            files.fault(None, path, "too much VCL: the rest is not read");
            break;
        }
        let include = placed.token == Token::Word("include".to_owned());
        if include && let Some(Placed { token: Token::Text(name), .. }) = rest.peek().cloned() {
            rest.next();
            let base = path.parent().unwrap_or(Path::new("/"));
            let file = [base.join(&name), PathBuf::from("/etc/varnish").join(&name)]
                .into_iter()
                .find(|file| file.is_file());
            read(&file.unwrap_or_else(|| base.join(&name)), Some(&placed.place), files, into);
            // Its semicolon.
            rest.next_if(|next| next.token == Token::Sign(";"));
            continue;
        }
        into.push(placed);
    }
    files.leave();
}

fn tokens(text: &str, path: &Path) -> Vec<Placed> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1_u32;
    let lines_in = |part: &str| u32::try_from(part.matches('\n').count()).unwrap_or(0);
    while let Some(first) = rest.chars().next() {
        let place = Place { file: path.to_path_buf(), line };
        let (used, token) = if first.is_whitespace() {
            (first.len_utf8(), None)
        } else if rest.starts_with('#') || rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if rest.starts_with("/*") {
            (rest.find("*/").map_or(rest.len(), |at| at + 2), None)
        } else if let Some(body) = rest.strip_prefix("{\"") {
            let end = body.find("\"}").unwrap_or(body.len());
            ((end + 4).min(rest.len()), Some(Token::Text(body.get(..end).unwrap_or("").to_owned())))
        } else if let Some(body) = rest.strip_prefix('"') {
            let end = body.find('"').unwrap_or(body.len());
            ((end + 2).min(rest.len()), Some(Token::Text(body.get(..end).unwrap_or("").to_owned())))
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || "_.-:".contains(c))).unwrap_or(rest.len());
            (end, Some(Token::Word(rest.get(..end).unwrap_or("").to_owned())))
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (sign.len(), Some(Token::Sign(sign)))
        } else {
            (first.len_utf8(), None)
        };
        let (part, after) = rest.split_at_checked(used).unwrap_or((rest, ""));
        line += lines_in(part);
        rest = after;
        found.extend(token.map(|token| Placed { token, place }));
    }
    found
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    vcl: Vcl,
}

impl Parser {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).map(|placed| placed.token.clone());
        self.at += 1;
        token
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|placed| &placed.token)
    }

    fn place(&self) -> Place {
        let last = self.tokens.get(self.at).or(self.tokens.last());
        last.map_or(Place { file: PathBuf::new(), line: 0 }, |placed| placed.place.clone())
    }

    fn word(&mut self) -> String {
        match self.next() {
            Some(Token::Word(word) | Token::Text(word)) => word,
            _ => String::new(),
        }
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn top(&mut self) {
        while let Some(token) = self.next() {
            let Token::Word(word) = token else { continue };
            match word.as_str() {
                "sub" => {
                    let name = self.word();
                    if self.take("{") {
                        let body = self.body(0);
                        self.vcl.subs.push((name, body));
                    }
                }
                "acl" => self.list(),
                "backend" => self.backend(),
                _ => {}
            }
        }
    }

    fn list(&mut self) {
        let name = self.word();
        let mut entries = Vec::new();
        while !matches!(self.peek(), Some(Token::Sign("{")) | None) {
            self.next();
        }
        self.next();
        while self.at < self.tokens.len() && !self.take("}") {
            let except = self.take("!");
            self.take("(");
            let mut address = self.word();
            self.take(")");
            if self.take("/") {
                address = format!("{address}/{}", self.word());
            }
            self.take(";");
            if !address.is_empty() {
                entries.push((except, address));
            }
        }
        self.vcl.lists.push((name, entries));
    }

    fn backend(&mut self) {
        let name = self.word();
        let (mut host, mut port) = (String::new(), "80".to_owned());
        let mut depth = 0_u32;
        while let Some(token) = self.next() {
            match token {
                Token::Sign("{") => depth += 1,
                Token::Sign("}") => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                Token::Sign(";") if depth == 0 => break,
                Token::Word(key) if matches!(key.as_str(), "host" | "port") && self.take("=") => {
                    let value = self.word();
                    if key == "host" { host = value } else { port = value }
                }
                Token::Word(key) if key == "none" && depth == 0 => {}
                _ => {}
            }
        }
        self.vcl.backends.push((name, host, port));
    }

    /// Statements up to the closing brace.
    fn body(&mut self, depth: u8) -> Vec<Statement> {
        let mut found = Vec::new();
        while self.at < self.tokens.len() && !self.take("}") {
            if depth > 32 {
                self.at = self.tokens.len();
                break;
            }
            let place = self.place();
            if self.take(";") {
                continue;
            }
            if self.take("{") {
                found.extend(self.body(depth + 1));
                continue;
            }
            if self.peek() == Some(&Token::Word("if".to_owned())) {
                found.push(self.branches(depth));
                continue;
            }
            let mut tokens = Vec::new();
            while let Some(token) = self.peek().cloned() {
                if matches!(token, Token::Sign(";" | "}")) {
                    break;
                }
                tokens.push(token);
                self.at += 1;
            }
            self.take(";");
            found.push(Statement::Plain(tokens, place));
        }
        found
    }

    fn branches(&mut self, depth: u8) -> Statement {
        let mut branches = Vec::new();
        loop {
            let place = self.place();
            // `if`, `elsif`, `elseif`, `elif`, `else if`, `else`
            self.next();
            if self.peek() == Some(&Token::Word("if".to_owned())) {
                self.next();
            }
            let condition = if self.take("(") { self.parenthesis() } else { Vec::new() };
            let last = condition.is_empty();
            let body = if self.take("{") { self.body(depth + 1) } else { Vec::new() };
            branches.push((condition, body, place));
            let more = matches!(self.peek(), Some(Token::Word(word)) if matches!(word.as_str(), "else" | "elsif" | "elseif" | "elif"));
            if last || !more {
                return Statement::If(branches);
            }
        }
    }

    /// The tokens up to the closing parenthesis, which is left out.
    fn parenthesis(&mut self) -> Vec<Token> {
        let mut depth = 1_u32;
        let mut found = Vec::new();
        while let Some(token) = self.next() {
            match token {
                Token::Sign("(") => depth += 1,
                Token::Sign(")") => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                _ => {}
            }
            found.push(token);
        }
        found
    }
}
