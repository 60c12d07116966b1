//! The text of a page as a person reads it, in lower case: without markup, with entities and the escapes of JSON resolved.
//! It is for searching, not for showing.

/// With markup and without it.
#[derive(Debug)]
pub struct Readable {
    /// Lower case, escapes resolved, markup kept.
    pub marked_up: String,
    /// The same without markup, script and style, blanks made one.
    pub plain: String,
}

/// What of a page is read.
const MOST: usize = 96 * 1024;

/// Reads a body.
#[must_use]
pub fn readable(body: &[u8]) -> Readable {
    let text = String::from_utf8_lossy(body.get(..body.len().min(MOST)).unwrap_or_default()).to_lowercase();
    let marked_up = resolve(&text);
    let plain = strip(&marked_up);
    Readable { marked_up, plain }
}

/// Resolves `&#58;`, `&amp;`, `\u0027` and `\"`, and makes typographic quotes plain.
fn resolve(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['&', '\\', '\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{a0}']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (shown, length) = one(from);
        out.push_str(&shown);
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn one(from: &str) -> (String, usize) {
    const NAMED: [(&str, &str); 8] = [
        ("&amp;", "&"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&nbsp;", " "),
        ("&apos;", "'"),
        ("&rsquo;", "'"),
        ("&bull;", "-"),
    ];
    let first = from.chars().next().map_or(1, char::len_utf8);
    if let Some((name, shown)) = NAMED.iter().find(|(name, _)| from.starts_with(name)) {
        return ((*shown).to_owned(), name.len());
    }
    if let Some(number) = from.strip_prefix("&#") {
        let (digits, radix) = match number.strip_prefix('x') {
            Some(digits) => (digits, 16),
            None => (number, 10),
        };
        if let Some((digits, _)) = digits.split_once(';').filter(|(digits, _)| digits.len() <= 6)
            && let Some(shown) = u32::from_str_radix(digits, radix).ok().and_then(char::from_u32)
        {
            let length = 2 + usize::from(radix == 16) + digits.len() + 1;
            return (plain_quote(shown).to_lowercase().to_string(), length);
        }
    }
    if let Some(digits) = from.strip_prefix("\\u").and_then(|rest| rest.get(..4))
        && let Some(shown) = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
    {
        return (plain_quote(shown).to_lowercase().to_string(), 6);
    }
    for (escaped, shown) in [("\\\"", "\""), ("\\/", "/"), ("\\n", " "), ("\\r", " "), ("\\t", " ")] {
        if from.starts_with(escaped) {
            return (shown.to_owned(), escaped.len());
        }
    }
    let shown = from.chars().next().map(plain_quote).unwrap_or_default();
    (shown.to_string(), first)
}

fn plain_quote(shown: char) -> char {
    match shown {
        '\u{2018}' | '\u{2019}' => '\'',
        '\u{201c}' | '\u{201d}' => '"',
        '\u{a0}' => ' ',
        other => other,
    }
}

fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len() / 2);
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        push_words(&mut out, before);
        let hidden = ["script", "style"]
            .iter()
            .find(|name| from.get(1..).is_some_and(|inner| inner.starts_with(*name)));
        let end = match hidden {
            Some(name) => from
                .find(&format!("</{name}"))
                .and_then(|at| from.get(at..)?.find('>').map(|end| at + end + 1)),
            None => from.find('>').map(|end| end + 1),
        };
        match end {
            Some(end) => rest = from.get(end..).unwrap_or_default(),
            None if hidden.is_some() => rest = "",
            // A lone `<` is text.
            None => {
                push_words(&mut out, from);
                rest = "";
            }
        }
    }
    push_words(&mut out, rest);
    out
}

fn push_words(out: &mut String, text: &str) {
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_becomes_text() {
        let read = readable(
            "<style>p{}</style><p>You don&#39;t\n have &quot;it&quot; &amp; can\u{2019}t</p>".as_bytes(),
        );
        assert_eq!(read.plain, "you don't have \"it\" & can't");
        assert_eq!(readable(br#"{"m":"don\u0027t \"do\" it"}"#).plain, r#"{"m":"don't "do" it"}"#);
        assert_eq!(readable(b"Reference&#32;&#35;18&#46;7a").plain, "reference #18.7a");
        assert_eq!(readable(b"a < b").plain, "a < b");
    }

    proptest! {
        #[test]
        fn any_body_is_read(body in proptest::collection::vec(any::<u8>(), 0..400)) {
            drop(readable(&body));
        }
        #[test]
        fn any_markup_is_read(body in "[<>&#x\\\\u0-9a-f;/script \"']{0,120}") {
            drop(readable(body.as_bytes()));
        }
    }
}
