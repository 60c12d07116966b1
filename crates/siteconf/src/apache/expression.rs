//! Apache's expressions (`<If>`, `Require expr`): `%{VAR} =~ /x/ && -R '10.0.0.0/8'`, to three-valued truth.

use super::facts::Facts;
use crate::condition::{Conditions, Truth};
use crate::nginx::access::within;
use crate::pattern;

/// Whether an expression holds.
pub(crate) fn holds(text: &str, facts: &Facts) -> Truth {
    let tokens = tokens(text);
    let mut reader = Reader { tokens: &tokens, at: 0, facts, depth: 0 };
    let truth = reader.either();
    // What is left over was not understood.
    if reader.at < tokens.len() { Truth::Unknown } else { truth }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A text with variables, from quotes or bare.
    Text(String),
    Word(String),
    /// Pattern and flags.
    Pattern(String, bool),
    Sign(&'static str),
}

const SIGNS: [&str; 14] = ["&&", "||", "==", "!=", "=~", "!~", "<=", ">=", "<", ">", "=", "!", "(", ")"];

fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() || first == ',' || first == '{' || first == '}' {
            rest = rest.get(first.len_utf8()..).unwrap_or("");
            continue;
        }
        if first == '"' || first == '\'' {
            let body = rest.get(1..).unwrap_or("");
            let (word, after) = body.split_once(first).unwrap_or((body, ""));
            found.push(Token::Text(word.to_owned()));
            rest = after;
            continue;
        }
        let after_match = matches!(found.last(), Some(Token::Sign("=~" | "!~")));
        if after_match && (first == '/' || first == 'm' && rest.get(1..2).is_some_and(|c| "#|!/".contains(c)))
        {
            let body = rest.strip_prefix('m').unwrap_or(rest);
            let (pattern, flags, after) = delimited(body);
            found.push(Token::Pattern(pattern, flags.contains('i')));
            rest = after;
            continue;
        }
        if rest.starts_with("%{") {
            let end = rest.find('}').map_or(rest.len(), |at| at + 1);
            let (word, after) = rest.split_at(end);
            found.push(Token::Text(word.to_owned()));
            rest = after;
            continue;
        }
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Token::Sign(sign));
            rest = rest.get(sign.len()..).unwrap_or("");
            continue;
        }
        let end = rest
            .find(|c: char| c.is_whitespace() || "()!=<>&|,'\"{}".contains(c))
            .unwrap_or(rest.len())
            .max(first.len_utf8());
        let (word, after) = rest.split_at(end);
        found.push(Token::Word(word.to_owned()));
        rest = after;
        if found.len() > 4_000 {
            break;
        }
    }
    found
}

/// `/pattern/flags` with any delimiter; a delimiter may be escaped.
fn delimited(text: &str) -> (String, String, &str) {
    let mut letters = text.char_indices();
    let delimiter = letters.next().map_or('/', |(_, letter)| letter);
    let mut pattern = String::new();
    let mut end = text.len();
    while let Some((at, letter)) = letters.next() {
        if letter == '\\' {
            pattern.push('\\');
            pattern.extend(letters.next().map(|(_, letter)| letter));
        } else if letter == delimiter {
            end = at + letter.len_utf8();
            break;
        } else {
            pattern.push(letter);
        }
    }
    let after = text.get(end..).unwrap_or("");
    let flags: String = after.chars().take_while(char::is_ascii_lowercase).collect();
    let after = after.get(flags.len()..).unwrap_or("");
    (pattern, flags, after)
}

struct Reader<'t> {
    tokens: &'t [Token],
    at: usize,
    facts: &'t Facts,
    depth: u8,
}

impl Conditions for Reader<'_> {
    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn comparison(&mut self) -> Truth {
        self.term()
    }

    fn depth(&mut self) -> &mut u8 {
        &mut self.depth
    }

    fn give_up(&mut self) {
        self.at = self.tokens.len();
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn term(&mut self) -> Truth {
        if let Some(Token::Word(word)) = self.peek() {
            let word = word.clone();
            match word.as_str() {
                "true" | "false" => {
                    self.at += 1;
                    return Truth::from(word == "true");
                }
                operator if operator.starts_with('-') && operator.len() > 1 => {
                    self.at += 1;
                    let value = self.value();
                    return self.unary(operator, value);
                }
                _ => {}
            }
        }
        let left = self.value();
        self.compared(left)
    }

    fn compared(&mut self, left: Option<String>) -> Truth {
        let Some(token) = self.peek().cloned() else { return truthy(left) };
        match token {
            Token::Sign(sign @ ("=~" | "!~")) => {
                self.at += 1;
                let matched = match self.tokens.get(self.at) {
                    Some(Token::Pattern(pattern, ignore_case)) => {
                        left.map_or(Truth::Unknown, |left| pattern::matches(pattern, *ignore_case, &left))
                    }
                    _ => Truth::Unknown,
                };
                self.at += 1;
                if sign == "=~" { matched } else { !matched }
            }
            Token::Sign(sign @ ("==" | "!=" | "=" | "<" | ">" | "<=" | ">=")) => {
                self.at += 1;
                let right = self.value();
                let (Some(left), Some(right)) = (left, right) else { return Truth::Unknown };
                Truth::from(by_sign(sign, &left, &right))
            }
            Token::Word(word) if word == "in" || word == "-in" => {
                self.at += 1;
                let mut truth = Truth::No;
                while let Some(Token::Text(_)) = self.peek() {
                    let item = self.value();
                    truth = truth.or(Truth::from(left.clone().zip(item).map(|(left, item)| left == item)));
                }
                truth
            }
            Token::Word(word) if word.starts_with('-') || NUMERIC.contains(&word.as_str()) => {
                self.at += 1;
                let right = self.value();
                let (Some(left), Some(right)) = (left, right) else { return Truth::Unknown };
                by_word(word.trim_start_matches('-'), &left, &right)
            }
            _ => truthy(left),
        }
    }

    fn unary(&self, operator: &str, value: Option<String>) -> Truth {
        match operator {
            "-R" => {
                let Some(client) = self.facts.client else { return Truth::Unknown };
                Truth::from(value.and_then(|net| within(&net, client)))
            }
            "-T" => value.map_or(Truth::Unknown, |text| {
                Truth::from(!matches!(text.to_ascii_lowercase().as_str(), "" | "0" | "off" | "false" | "no"))
            }),
            "-n" => Truth::from(value.map(|text| !text.is_empty())),
            "-z" => Truth::from(value.map(|text| text.is_empty())),
            "-f" => Truth::from(value.map(|path| std::path::Path::new(&path).is_file())),
            "-d" => Truth::from(value.map(|path| std::path::Path::new(&path).is_dir())),
            "-e" => Truth::from(value.map(|path| std::path::Path::new(&path).exists())),
            _ => Truth::Unknown,
        }
    }

    /// A text, a variable, a number or a function's result.
    fn value(&mut self) -> Option<String> {
        let token = self.peek().cloned()?;
        self.at += 1;
        match token {
            Token::Text(text) => expanded(&text, self.facts),
            Token::Word(name) if self.take("(") => {
                let argument = self.value();
                self.take(")");
                let argument = argument?;
                match name.as_str() {
                    "req" | "http" => Some(self.facts.hop.header(&argument).unwrap_or("").to_owned()),
                    "reqenv" | "env" => self.facts.variable(&format!("ENV:{argument}")),
                    "tolower" => Some(argument.to_lowercase()),
                    "toupper" => Some(argument.to_uppercase()),
                    "unescape" => Some(crate::hop::decoded(&argument)),
                    _ => None,
                }
            }
            Token::Word(word) => Some(word),
            Token::Pattern(..) | Token::Sign(_) => None,
        }
    }
}

/// Operators that compare numbers.
const NUMERIC: [&str; 6] = ["eq", "ne", "lt", "le", "gt", "ge"];

fn by_sign<T: PartialOrd + ?Sized>(sign: &str, left: &T, right: &T) -> bool {
    match sign {
        "!=" | "ne" => left != right,
        "<" | "lt" => left < right,
        ">" | "gt" => left > right,
        "<=" | "le" => left <= right,
        ">=" | "ge" => left >= right,
        _ => left == right,
    }
}

fn by_word(word: &str, left: &str, right: &str) -> Truth {
    if NUMERIC.contains(&word) {
        let (Ok(left), Ok(right)) = (left.trim().parse::<i64>(), right.trim().parse::<i64>()) else {
            return Truth::Unknown;
        };
        return Truth::from(by_sign(word, &left, &right));
    }
    match word {
        "ipmatch" => Truth::from(left.parse().ok().and_then(|address| within(right, address))),
        "strmatch" => Truth::from(pattern::glob_matches(right, left, true)),
        "fnmatch" => Truth::from(pattern::glob_matches(right, left, false)),
        "strcmatch" => Truth::from(pattern::glob_matches(&right.to_lowercase(), &left.to_lowercase(), true)),
        _ => Truth::Unknown,
    }
}

fn truthy(value: Option<String>) -> Truth {
    Truth::from(value.map(|text| !text.is_empty()))
}

/// A text with `%{…}`.
pub(crate) fn expanded(text: &str, facts: &Facts) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%{") {
        out.push_str(before);
        let (name, left) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(&facts.variable(name)?);
        rest = left;
    }
    out.push_str(rest);
    Some(out)
}
