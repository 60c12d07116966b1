//! lighttpd's grammar: assignments and conditionals, values of texts, numbers and lists.

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::Place;
use crate::source::Files;

const MOST_ITEMS: usize = 100_000;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    /// Entries with their keys; a list without keys has empty ones.
    List(Vec<(String, Value)>),
}

impl Value {
    pub(crate) fn text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            Value::List(_) => "",
        }
    }

    pub(crate) fn entries(&self) -> &[(String, Value)] {
        match self {
            Value::List(entries) => entries,
            Value::Text(_) => &[],
        }
    }

    /// All texts in it, for lists of names.
    pub(crate) fn texts(&self) -> Vec<&str> {
        match self {
            Value::Text(text) => vec![text],
            Value::List(entries) => entries.iter().map(|(_, value)| value.text()).collect(),
        }
    }
}

/// Subject, operator and operand.
pub(crate) type Condition = (String, String, String);

/// A condition, unless it is the last `else`; what it encloses; and where it stands.
pub(crate) type Branch = (Option<Condition>, Vec<Item>, Place);

/// A statement.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Set {
        name: String,
        add: bool,
        value: Value,
        place: Place,
    },
    /// Branches with subject, operator and operand; the last may have none.
    If(Vec<Branch>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 17] =
    ["=>", "+=", ":=", "==", "!=", "=~", "!~", "=^", "=$", "=", "+", "(", ")", "{", "}", "[", "]"];

/// Reads a root with its includes.
pub(crate) fn parse(root: &Path, files: &mut Files) -> Vec<Item> {
    let mut parser = Parser { variables: BTreeMap::new(), files, read: 0 };
    parser.file(root, None)
}

struct Parser<'f> {
    variables: BTreeMap<String, Value>,
    files: &'f mut Files,
    read: usize,
}

type Tokens = Vec<(Token, Place)>;

struct Cursor {
    tokens: Tokens,
    at: usize,
}

impl Cursor {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn next(&mut self) -> Option<(Token, Place)> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }
}

impl Parser<'_> {
    fn file(&mut self, path: &Path, named_at: Option<&Place>) -> Vec<Item> {
        let Some(text) = self.files.enter(path, named_at) else { return Vec::new() };
        let mut cursor = Cursor { tokens: tokens(&text, path), at: 0 };
        let items = self.block(&mut cursor, path, 0);
        self.files.leave();
        items
    }

    fn block(&mut self, cursor: &mut Cursor, path: &Path, depth: u8) -> Vec<Item> {
        let mut found = Vec::new();
        while let Some((token, place)) = cursor.next() {
            self.read += 1;
            if self.read > MOST_ITEMS || depth > 24 {
                return found;
            }
            match token {
                Token::Sign("}") => return found,
                Token::Word(word) if word == "include" => {
                    let pattern = self.value(cursor, 0).text().to_owned();
                    let base = path.parent().unwrap_or(Path::new("/")).to_path_buf();
                    for file in self.files.expand(&pattern, &base, Some(&place)) {
                        found.extend(self.file(&file, Some(&place)));
                    }
                }
                Token::Word(word) if word == "include_shell" => {
                    self.files.fault(Some(&place), path, "`include_shell` is not run");
                    cursor.next();
                }
                Token::Word(word) if word.starts_with('$') => {
                    cursor.at -= 1;
                    found.push(self.conditional(cursor, path, depth));
                }
                Token::Word(word) if word == "else" => {
                    let branch = self.otherwise(cursor, path, depth, place);
                    if let (Some(Item::If(branches)), Some(branch)) = (found.last_mut(), branch) {
                        branches.extend(branch);
                    }
                }
                Token::Word(name) => {
                    let add = cursor.take("+=");
                    if !add && !cursor.take("=") && !cursor.take(":=") {
                        continue;
                    }
                    let value = self.value(cursor, 0);
                    if name.starts_with("var.") || !name.contains('.') {
                        self.variables.insert(name.trim_start_matches("var.").to_owned(), value.clone());
                    }
                    found.push(Item::Set { name, add, value, place });
                }
                _ => {}
            }
        }
        found
    }

    /// `$HTTP["host"] == "x" { … }`
    fn conditional(&mut self, cursor: &mut Cursor, path: &Path, depth: u8) -> Item {
        let place = cursor
            .tokens
            .get(cursor.at)
            .map_or(Place { file: path.to_path_buf(), line: 0 }, |(_, place)| place.clone());
        let mut subject = String::new();
        while let Some(token) = cursor.peek().cloned() {
            match token {
                Token::Sign("[" | "]") => {}
                Token::Word(word) | Token::Text(word) => {
                    subject.push_str(&word);
                    subject.push(' ');
                }
                Token::Sign(_) => break,
            }
            cursor.at += 1;
        }
        let operator = match cursor.next() {
            Some((Token::Sign(sign), _)) => sign.to_owned(),
            _ => String::new(),
        };
        let operand = self.value(cursor, 0).text().to_owned();
        let body = if cursor.take("{") { self.block(cursor, path, depth + 1) } else { Vec::new() };
        Item::If(vec![(Some((subject.trim().to_owned(), operator, operand)), body, place)])
    }

    /// What follows `else`.
    fn otherwise(
        &mut self,
        cursor: &mut Cursor,
        path: &Path,
        depth: u8,
        place: Place,
    ) -> Option<Vec<Branch>> {
        if matches!(cursor.peek(), Some(Token::Word(word)) if word == "if") {
            cursor.at += 1;
        }
        if matches!(cursor.peek(), Some(Token::Word(word)) if word.starts_with('$')) {
            return match self.conditional(cursor, path, depth) {
                Item::If(branches) => Some(branches),
                Item::Set { .. } => None,
            };
        }
        cursor.take("{").then(|| vec![(None, self.block(cursor, path, depth + 1), place)])
    }

    fn value(&mut self, cursor: &mut Cursor, depth: u8) -> Value {
        let mut value = self.one(cursor, depth);
        while cursor.take("+") {
            let next = self.one(cursor, depth);
            value = match (value, next) {
                (Value::Text(one), Value::Text(other)) => Value::Text(one + &other),
                (Value::List(mut one), Value::List(other)) => {
                    one.extend(other);
                    Value::List(one)
                }
                (one, _) => one,
            };
        }
        value
    }

    fn one(&mut self, cursor: &mut Cursor, depth: u8) -> Value {
        match cursor.next() {
            Some((Token::Text(text), _)) => Value::Text(text),
            Some((Token::Word(word), _)) => {
                let known = self.variables.get(word.trim_start_matches("var."));
                known.cloned().unwrap_or(Value::Text(word))
            }
            Some((Token::Sign("("), _)) if depth < 24 => {
                let mut entries = Vec::new();
                while cursor.at < cursor.tokens.len() && !cursor.take(")") {
                    self.read += 1;
                    if self.read > MOST_ITEMS {
                        break;
                    }
                    let first = self.value(cursor, depth + 1);
                    if cursor.take("=>") {
                        let value = self.value(cursor, depth + 1);
                        entries.push((first.text().to_owned(), value));
                    } else {
                        entries.push((String::new(), first));
                    }
                }
                Value::List(entries)
            }
            _ => Value::Text(String::new()),
        }
    }
}

fn tokens(text: &str, path: &Path) -> Tokens {
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1_u32;
    while let Some(first) = rest.chars().next() {
        let place = Place { file: path.to_path_buf(), line };
        let (used, token) = if first.is_whitespace() || first == ',' {
            (first.len_utf8(), None)
        } else if first == '#' {
            (rest.find('\n').unwrap_or(rest.len()), None)
        } else if let Some(body) = rest.strip_prefix('"') {
            let mut word = String::new();
            let mut end = rest.len();
            let mut letters = body.char_indices();
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '"' => {
                        end = at + 2;
                        break;
                    }
                    '\\' => match letters.next() {
                        Some((_, '"')) => word.push('"'),
                        Some((_, other)) => {
                            word.push('\\');
                            word.push(other);
                        }
                        None => {}
                    },
                    letter => word.push(letter),
                }
            }
            (end, Some(Token::Text(word)))
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (sign.len(), Some(Token::Sign(sign)))
        } else {
            let end = rest
                .find(|c: char| c.is_whitespace() || "=+,(){}[]\"#!:~".contains(c))
                .unwrap_or(rest.len())
                .max(first.len_utf8());
            (end, Some(Token::Word(rest.get(..end).unwrap_or("").to_owned())))
        };
        let (part, after) = rest.split_at_checked(used).unwrap_or((rest, ""));
        line += u32::try_from(part.matches('\n').count()).unwrap_or(0);
        rest = after;
        found.extend(token.map(|token| (token, place)));
    }
    found
}
