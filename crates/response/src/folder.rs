//! An operator's template folder: read whole, checked whole, then used.
//!
//! It reads no file itself. What passes here renders for every kind of refusal in every language; a template that runs
//! scripts, switches escaping off, or lets data into a style sheet does not pass.

use std::collections::BTreeSet;

use minijinja::ErrorKind;

use crate::html::{self, Pages, REFUSAL};
use crate::words::Words;

mod samples;

/// What is wrong with one file of a template folder.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`{}: {message}", .line.map(|line| format!(" line {line}")).unwrap_or_default())]
pub struct TemplateError {
    /// The file's name in the folder.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// What a folder amounts to.
pub(crate) struct Folder {
    /// The default language first.
    pub(crate) words: Vec<Words>,
    /// `None` where the folder has texts only.
    pub(crate) pages: Option<Pages>,
}

/// Reads the files of a folder, given the texts that stand behind its own.
///
/// # Errors
/// All that is wrong with any of them.
pub(crate) fn read(files: Vec<(String, String)>, behind: &[Words]) -> Result<Folder, Vec<TemplateError>> {
    let mut reader = Reader { words: behind.to_vec(), pages: None, errors: Vec::new() };
    if files.len() > MOST_FILES {
        let found = format!("{} files in a template folder, at most {MOST_FILES} are read", files.len());
        return Err(vec![error(".", None, found, "keep only templates in it")]);
    }
    for (name, text) in &files {
        reader.file(name, text);
    }
    if reader.errors.is_empty() {
        reader.samples();
    }
    if reader.errors.is_empty() {
        Ok(Folder { words: reader.words, pages: reader.pages })
    } else {
        reader.errors.sort_by(|a, b| (&a.file, a.line, &a.message).cmp(&(&b.file, b.line, &b.message)));
        reader.errors.dedup();
        Err(reader.errors)
    }
}

struct Reader {
    words: Vec<Words>,
    pages: Option<Pages>,
    errors: Vec<TemplateError>,
}

impl Reader {
    fn file(&mut self, name: &str, text: &str) {
        if text.len() > LARGEST_FILE {
            let found = format!("{} bytes, at most {LARGEST_FILE} are read", text.len());
            self.errors.push(error(name, None, found, "a refusal should arrive at once: make it smaller"));
        } else if name == STYLE_FILE {
            self.style(text);
        } else if let Some(language) =
            name.strip_prefix("messages.").and_then(|rest| rest.strip_suffix(".toml"))
        {
            self.messages(name, language, text);
        } else if name.ends_with(".html") {
            self.template(name, text);
        } else {
            let hint = "expected are `page.html`, `problem.html`, `page.css`, `messages.<language>.toml`, other `*.html`";
            self.errors.push(error(name, None, "not a file of a template folder".to_owned(), hint));
        }
    }

    fn pages(&mut self) -> Option<&mut Pages> {
        if self.pages.is_none() {
            self.pages = Pages::embedded().ok();
        }
        self.pages.as_mut()
    }

    fn style(&mut self, text: &str) {
        if let Some(line) = line_of(text, "</style") {
            let found = "a style sheet cannot contain `</style`".to_owned();
            self.errors.push(error(STYLE_FILE, Some(line), found, "write only CSS here"));
        } else if let Some(pages) = self.pages() {
            pages.set_style(text);
        }
    }

    fn messages(&mut self, name: &str, language: &str, text: &str) {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if language.is_empty() || language.len() > 35 || !language.bytes().all(plain) {
            let found = format!("`{language}` is not a language tag");
            self.errors.push(error(
                name,
                None,
                found,
                "name it as `messages.de.toml` or `messages.pt-BR.toml`",
            ));
            return;
        }
        let words = match Words::parse(language, text) {
            Ok(words) => words,
            Err(fault) => {
                let line = fault
                    .span()
                    .and_then(|span| text.get(..span.start))
                    .map(|before| before.matches('\n').count() + 1);
                let hint = "tables are [message], [advice] and [label]; each value is a text";
                self.errors.push(error(name, line, fault.message().to_owned(), hint));
                return;
            }
        };
        for unknown in self.words.first().map(|known| words.unknown_labels(known)).unwrap_or_default() {
            let found = format!("there is no label `{unknown}`");
            let line = line_of(text, &unknown);
            self.errors.push(error(
                name,
                line,
                found,
                "labels are the fixed texts of the pages; see the book",
            ));
        }
        match self.words.iter_mut().find(|known| known.language.eq_ignore_ascii_case(language)) {
            Some(known) => known.overlay(words),
            None => self.words.push(words),
        }
    }

    fn template(&mut self, name: &str, text: &str) {
        if let Some(line) = line_of(text, "<script") {
            let found = "scripts do not run on these pages".to_owned();
            self.errors.push(error(
                name,
                Some(line),
                found,
                "the Content-Security-Policy allows none; remove it",
            ));
        }
        if let Some(line) = autoescape(text) {
            let found = "escaping cannot be switched off".to_owned();
            self.errors.push(error(name, Some(line), found, "remove the `autoescape` block"));
        }
        let added = self.pages().map(|pages| pages.add(name, text));
        if let Some(Err(fault)) = added {
            self.errors.push(template_error(name, &fault));
        }
    }

    /// Renders every kind of page in every language, and lets exactly the style sheets they have through.
    fn samples(&mut self) {
        let Some(pages) = &mut self.pages else { return };
        let mut styles: BTreeSet<String> = BTreeSet::new();
        for (at, (name, page)) in samples::pages(pages, &self.words).into_iter().enumerate() {
            match page {
                Err(fault) => self.errors.push(template_error(name, &fault)),
                Ok(page) => {
                    let found = style_blocks(&page);
                    if at > 0 && name == REFUSAL && found.iter().any(|style| !styles.contains(*style)) {
                        let message = "its style sheet differs from one refusal to the next".to_owned();
                        self.errors.push(error(name, None, message, "keep `{{ … }}` out of `<style>`"));
                    }
                    styles.extend(found.into_iter().map(str::to_owned));
                }
            }
        }
        pages.security_policy =
            html::security_policy(&styles.iter().map(|style| &**style).collect::<Vec<_>>());
    }
}

fn error(file: &str, line: Option<usize>, message: String, hint: &str) -> TemplateError {
    TemplateError { file: file.to_owned(), line, message, hint: hint.to_owned() }
}

fn template_error(asked_for: &str, fault: &minijinja::Error) -> TemplateError {
    let hint = match fault.kind() {
        ErrorKind::UndefinedError => "the book lists what a template can use",
        ErrorKind::UnknownFilter => "`safe` is not there by design; others are those of MiniJinja",
        ErrorKind::TemplateNotFound => "only files of this folder can be included",
        ErrorKind::OutOfFuel => "the page is too large or loops too long",
        _ => "templates are written in MiniJinja's syntax",
    };
    let message = match fault.detail() {
        Some(detail) => format!("{}: {detail}", fault.kind()),
        None => fault.kind().to_string(),
    };
    error(fault.name().unwrap_or(asked_for), fault.line(), message, hint)
}

/// The line, from 1, of a text's first occurrence in any case of letters.
fn line_of(text: &str, wanted: &str) -> Option<usize> {
    let wanted = wanted.to_ascii_lowercase();
    text.lines().position(|line| line.to_ascii_lowercase().contains(&wanted)).map(|at| at + 1)
}

/// The line of an `autoescape` block, however it is spaced.
fn autoescape(text: &str) -> Option<usize> {
    let mut line = 1;
    let mut pieces = text.split("{%");
    line += pieces.next()?.matches('\n').count();
    for piece in pieces {
        if piece.trim_start_matches(['-', '+']).trim_start().starts_with("autoescape") {
            return Some(line);
        }
        line += piece.matches('\n').count();
    }
    None
}

/// What stands in a page's `<style>` elements.
fn style_blocks(page: &str) -> Vec<&str> {
    let lower = page.to_ascii_lowercase();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = lower.get(at..).and_then(|rest| rest.find("<style")).map(|open| at + open) {
        let Some(start) = lower.get(open..).and_then(|rest| rest.find('>')).map(|end| open + end + 1) else {
            break;
        };
        let Some(end) = lower.get(start..).and_then(|rest| rest.find("</style")).map(|end| start + end)
        else {
            break;
        };
        found.extend(page.get(start..end));
        at = end;
    }
    found
}

const STYLE_FILE: &str = "page.css";

/// Files of one folder: two pages, a style sheet, some parts and many languages.
const MOST_FILES: usize = 200;

/// Bytes of one file: a page with a logo in it.
const LARGEST_FILE: usize = 256 * 1024;

#[cfg(test)]
mod tests;
