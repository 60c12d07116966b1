//! The Caddyfile's grammar: words and blocks, snippets and imports, environment variables.

use std::collections::BTreeMap;
use std::path::Path;

use crate::report::Place;
use crate::source::Files;

/// Segments of one run.
const MOST_SEGMENTS: usize = 100_000;
const MOST_NESTING: usize = 32;

/// A line, with the block that it opens.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) words: Vec<String>,
    pub(crate) block: Vec<Segment>,
    pub(crate) has_block: bool,
    pub(crate) place: Place,
}

impl Segment {
    pub(crate) fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    pub(crate) fn shown(&self) -> String {
        self.words.join(" ")
    }
}

/// Reads a root with its imports.
pub(crate) fn parse(root: &Path, files: &mut Files) -> Vec<Segment> {
    let mut reader = Reader { files, snippets: BTreeMap::new(), read: 0 };
    let segments = reader.file(root, None);
    let mut left = Vec::new();
    for segment in segments {
        match segment.word(0).strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
            Some(name) => {
                reader.snippets.insert(name.to_owned(), segment.block);
            }
            None => left.push(segment),
        }
    }
    reader.imported(left, root, 0)
}

struct Reader<'f> {
    files: &'f mut Files,
    snippets: BTreeMap<String, Vec<Segment>>,
    read: usize,
}

impl Reader<'_> {
    fn file(&mut self, path: &Path, named_at: Option<&Place>) -> Vec<Segment> {
        let Some(text) = self.files.enter(path, named_at) else { return Vec::new() };
        let mut tokens = tokens(&text, path).into_iter().peekable();
        let segments = self.block(&mut tokens, 0);
        self.files.leave();
        segments
    }

    fn block(
        &mut self,
        tokens: &mut std::iter::Peekable<std::vec::IntoIter<(String, bool, Place)>>,
        depth: usize,
    ) -> Vec<Segment> {
        let mut found: Vec<Segment> = Vec::new();
        let mut open: Option<Segment> = None;
        while let Some((word, first_of_line, place)) = tokens.next() {
            if self.read > MOST_SEGMENTS || depth > MOST_NESTING {
                return found;
            }
            if first_of_line && word != "{" {
                // A comma at the end of a line of addresses continues it.
                let continued = open
                    .as_ref()
                    .is_some_and(|segment| segment.words.last().is_some_and(|last| last.ends_with(',')));
                if !continued {
                    found.extend(open.take());
                }
            }
            match word.as_str() {
                "}" if first_of_line || open.is_none() || depth > 0 => {
                    found.extend(open.take());
                    return found;
                }
                "{" => {
                    let mut segment = open.take().unwrap_or(Segment {
                        words: Vec::new(),
                        block: Vec::new(),
                        has_block: true,
                        place,
                    });
                    segment.block = self.block(tokens, depth + 1);
                    segment.has_block = true;
                    found.push(segment);
                }
                _ => {
                    self.read += 1;
                    let segment = open.get_or_insert_with(|| Segment {
                        words: Vec::new(),
                        block: Vec::new(),
                        has_block: false,
                        place,
                    });
                    segment.words.push(word);
                }
            }
        }
        found.extend(open);
        found
    }

    /// Puts snippets and files in the place of their imports.
    fn imported(&mut self, segments: Vec<Segment>, root: &Path, depth: usize) -> Vec<Segment> {
        let mut found = Vec::new();
        if depth > MOST_NESTING || self.read > MOST_SEGMENTS {
            return found;
        }
        for mut segment in segments {
            self.read += 1;
            // An imported file may define snippets for those that come after it.
            if let Some(name) = segment.word(0).strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
                self.snippets.insert(name.to_owned(), segment.block);
                continue;
            }
            if segment.word(0) == "import" {
                let name = segment.word(1).to_owned();
                let inner = match self.snippets.get(&name).cloned() {
                    Some(body) => {
                        body.into_iter().map(|inner| with_arguments(inner, &segment.words)).collect()
                    }
                    None => {
                        let base = root.parent().unwrap_or(Path::new("/"));
                        let paths = self.files.expand(&name, base, Some(&segment.place));
                        paths.iter().flat_map(|path| self.file(path, Some(&segment.place))).collect()
                    }
                };
                found.extend(self.imported(inner, root, depth + 1));
                continue;
            }
            segment.block = self.imported(segment.block, root, depth + 1);
            found.push(segment);
        }
        found
    }
}

/// `{args[0]}` in a snippet.
fn with_arguments(mut segment: Segment, import: &[String]) -> Segment {
    for (at, argument) in import.iter().skip(2).enumerate().take(16) {
        for word in &mut segment.words {
            *word = word
                .replace(&format!("{{args[{at}]}}"), argument)
                .replace(&format!("{{args.{at}}}"), argument);
        }
    }
    segment.block = segment.block.into_iter().map(|inner| with_arguments(inner, import)).collect();
    segment
}

/// Words, each with whether it begins a line.
fn tokens(text: &str, path: &Path) -> Vec<(String, bool, Place)> {
    let mut found = Vec::new();
    let mut letters = text.chars().peekable();
    let mut line = 1_u32;
    let mut first = true;
    while let Some(letter) = letters.next() {
        let place = Place { file: path.to_path_buf(), line };
        match letter {
            '\n' => {
                line += 1;
                first = true;
            }
            blank if blank.is_whitespace() => {}
            '#' => while letters.next_if(|c| *c != '\n').is_some() {},
            '\\' if letters.peek() == Some(&'\n') => {
                letters.next();
                line += 1;
            }
            quote @ ('"' | '`') => {
                let mut word = String::new();
                while let Some(inner) = letters.next() {
                    if inner == quote {
                        break;
                    }
                    line += u32::from(inner == '\n');
                    match (inner, letters.peek()) {
                        ('\\', Some('"')) if quote == '"' => word.extend(letters.next()),
                        _ => word.push(inner),
                    }
                }
                found.push((word, first, place));
                first = false;
            }
            letter => {
                let mut word = String::from(letter);
                while let Some(inner) = letters.next_if(|c| !c.is_whitespace()) {
                    word.push(inner);
                }
                found.push((environment(&word), first, place));
                first = false;
            }
        }
    }
    found
}

/// `{$NAME:default}`; the environment of the server is not this process's, so only the default is known.
fn environment(word: &str) -> String {
    let Some((before, rest)) = word.split_once("{$") else { return word.to_owned() };
    let Some((inside, after)) = rest.split_once('}') else { return word.to_owned() };
    let default = inside.split_once(':').map_or("", |(_, default)| default);
    format!("{before}{default}{after}")
}
