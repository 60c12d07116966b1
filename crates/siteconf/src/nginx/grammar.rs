//! nginx's block grammar: directives with arguments, blocks, includes in place, Lua blocks kept as text.

use std::path::Path;

use crate::report::Place;
use crate::source::Files;

/// Directives read in one run; generated configurations are large, rubbish is larger.
const MOST_DIRECTIVES: usize = 200_000;
/// Blocks within blocks.
const MOST_NESTING: usize = 64;

/// One directive, with its block if it has one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directive {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) block: Option<Vec<Directive>>,
    /// The text of a Lua block.
    pub(crate) raw: Option<String>,
    pub(crate) place: Option<Place>,
}

impl Directive {
    pub(crate) fn children(&self) -> &[Directive] {
        self.block.as_deref().unwrap_or(&[])
    }

    pub(crate) fn arg(&self, at: usize) -> &str {
        self.args.get(at).map_or("", String::as_str)
    }

    /// As it stands in the file, near enough.
    pub(crate) fn shown(&self) -> String {
        let quoted = |arg: &String| {
            if arg.is_empty() || arg.contains([' ', '{', ';', '"']) {
                format!("\"{arg}\"")
            } else {
                arg.clone()
            }
        };
        let args: Vec<String> = self.args.iter().map(quoted).collect();
        let gap = if args.is_empty() { "" } else { " " };
        let end = if self.block.is_some() || self.raw.is_some() { " {" } else { ";" };
        format!("{}{gap}{}{end}", self.name, args.join(" "))
    }
}

#[derive(Debug, PartialEq)]
enum Token {
    Word(String),
    Open,
    Close,
    End,
}

/// Reads a file with its includes. Relative includes are relative to `prefix`.
pub(crate) fn parse(path: &Path, prefix: &Path, files: &mut Files) -> Vec<Directive> {
    let mut parser = Parser { prefix, files, read: 0 };
    parser.file(path, None, 0)
}

struct Parser<'a> {
    prefix: &'a Path,
    files: &'a mut Files,
    read: usize,
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    at: usize,
    line: u32,
    /// A closing bracket that follows a quote directly is a word of its own.
    pending: Option<Token>,
}

impl Parser<'_> {
    fn file(&mut self, path: &Path, named_at: Option<&Place>, nesting: usize) -> Vec<Directive> {
        let Some(text) = self.files.enter(path, named_at) else { return Vec::new() };
        let mut reader = Reader { path, text: &text, at: 0, line: 1, pending: None };
        let mut found = Vec::new();
        while !self.block(&mut reader, &mut found, nesting) {
            let place = reader.place();
            self.files.fault(Some(&place), path, "a `}` too many");
        }
        if reader.at < text.len() && self.read >= MOST_DIRECTIVES {
            self.files.fault(None, path, format!("more than {MOST_DIRECTIVES} directives"));
        }
        self.files.leave();
        found
    }

    /// Directives up to a closing brace (`false`) or the end of the file (`true`).
    fn block(&mut self, reader: &mut Reader<'_>, into: &mut Vec<Directive>, nesting: usize) -> bool {
        let mut words: Vec<String> = Vec::new();
        let mut place = reader.place();
        while self.read < MOST_DIRECTIVES {
            let Some(token) = reader.token() else {
                if !words.is_empty() {
                    self.files.fault(Some(&place), reader.path, format!("`{}` has no end", words.join(" ")));
                }
                return true;
            };
            match token {
                Token::Word(word) => {
                    if words.is_empty() {
                        place = reader.place();
                    }
                    words.push(word);
                }
                Token::Close => return false,
                Token::End => {
                    let words = std::mem::take(&mut words);
                    self.simple(words, place.clone(), into, nesting);
                }
                Token::Open => {
                    let words = std::mem::take(&mut words);
                    self.opened(reader, words, place.clone(), into, nesting);
                }
            }
        }
        true
    }

    fn simple(&mut self, words: Vec<String>, place: Place, into: &mut Vec<Directive>, nesting: usize) {
        let mut words = words.into_iter();
        let Some(name) = words.next() else { return };
        let args: Vec<String> = words.collect();
        self.read += 1;
        if name == "include" {
            for pattern in &args {
                for path in self.files.expand(pattern, self.prefix, Some(&place)) {
                    let more = self.file(&path, Some(&place), nesting);
                    into.extend(more);
                }
            }
            return;
        }
        into.push(Directive { name, args, block: None, raw: None, place: Some(place) });
    }

    fn opened(
        &mut self,
        reader: &mut Reader<'_>,
        words: Vec<String>,
        place: Place,
        into: &mut Vec<Directive>,
        nesting: usize,
    ) {
        let mut words = words.into_iter();
        let name = words.next().unwrap_or_default();
        let args: Vec<String> = words.collect();
        self.read += 1;
        let mut directive = Directive { name, args, block: None, raw: None, place: Some(place.clone()) };
        if directive.name.ends_with("_by_lua_block") {
            directive.raw = Some(reader.lua());
        } else if nesting >= MOST_NESTING {
            self.files.fault(Some(&place), reader.path, format!("blocks nest deeper than {MOST_NESTING}"));
            self.read = MOST_DIRECTIVES;
        } else {
            let mut children = Vec::new();
            if self.block(reader, &mut children, nesting + 1) && self.read < MOST_DIRECTIVES {
                self.files.fault(
                    Some(&place),
                    reader.path,
                    format!("the block of `{}` is not closed", directive.name),
                );
            }
            directive.block = Some(children);
        }
        into.push(directive);
    }
}

impl Reader<'_> {
    fn place(&self) -> Place {
        Place { file: self.path.to_path_buf(), line: self.line }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        if next == '\n' {
            self.line += 1;
        }
        Some(next)
    }

    fn token(&mut self) -> Option<Token> {
        if let Some(token) = self.pending.take() {
            return Some(token);
        }
        loop {
            match self.peek()? {
                space if space.is_whitespace() => {
                    self.next();
                }
                '#' => while self.next().is_some_and(|c| c != '\n') {},
                ';' => {
                    self.next();
                    return Some(Token::End);
                }
                '{' => {
                    self.next();
                    return Some(Token::Open);
                }
                '}' => {
                    self.next();
                    return Some(Token::Close);
                }
                quote @ ('"' | '\'') => {
                    self.next();
                    let word = self.quoted(quote);
                    if self.peek() == Some(')') {
                        self.next();
                        self.pending = Some(Token::Word(")".to_owned()));
                    }
                    return Some(Token::Word(word));
                }
                _ => return Some(Token::Word(self.bare())),
            }
        }
    }

    fn quoted(&mut self, quote: char) -> String {
        let mut word = String::new();
        while let Some(next) = self.next() {
            if next == quote {
                break;
            }
            if next == '\\' {
                self.escape(&mut word);
            } else {
                word.push(next);
            }
        }
        word
    }

    fn bare(&mut self) -> String {
        let mut word = String::new();
        while let Some(next) = self.peek() {
            let variable = word.ends_with('$');
            if next.is_whitespace() || next == ';' || (next == '{' && !variable) {
                break;
            }
            self.next();
            if next == '\\' {
                self.escape(&mut word);
            } else {
                word.push(next);
            }
            if next == '{' && variable {
                while let Some(inner) = self.next() {
                    word.push(inner);
                    if inner == '}' {
                        break;
                    }
                }
            }
        }
        word
    }

    /// Quotes and the backslash lose their backslash; everything else keeps it, for the pattern it stands in.
    fn escape(&mut self, word: &mut String) {
        match self.next() {
            Some(plain @ ('"' | '\'' | '\\')) => word.push(plain),
            Some('t') => word.push('\t'),
            Some('r') => word.push('\r'),
            Some('n') => word.push('\n'),
            Some(other) => {
                word.push('\\');
                word.push(other);
            }
            None => {}
        }
    }

    /// The text up to the brace that closes the block, past Lua's strings and comments.
    fn lua(&mut self) -> String {
        let start = self.at;
        let mut depth = 1_usize;
        let mut end = self.text.len();
        while let Some(next) = self.next() {
            match next {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if depth == 0 {
                        end = self.at - 1;
                        break;
                    }
                }
                '"' | '\'' => {
                    while let Some(inner) = self.next() {
                        if inner == '\\' {
                            self.next();
                        } else if inner == next || inner == '\n' {
                            break;
                        }
                    }
                }
                '-' if self.peek() == Some('-') => while self.next().is_some_and(|c| c != '\n') {},
                _ => {}
            }
        }
        self.text.get(start..end).unwrap_or("").to_owned()
    }
}
