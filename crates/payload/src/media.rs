//! Media types (RFC 9110 §8.3.1): of a body, and of those that a route takes. Read strictly: a value that two servers could
//! read differently is no media type.

use crate::error::PayloadRulesError;

/// The media type of a body. Names are in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct MediaType {
    main: String,
    sub: String,
    charset: Option<String>,
}

/// What reads bodies of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Json,
    Form,
    /// A form that nothing here reads.
    Multipart,
    None,
}

impl MediaType {
    /// `None` where `value` is no media type or has a parameter twice.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let value = std::str::from_utf8(value).ok().filter(|value| value.len() <= LONGEST)?;
        let value = value.trim_matches(SPACE);
        let (essence, mut rest) = value.split_at(value.find([';', ' ', '\t']).unwrap_or(value.len()));
        let (main, sub) = essence.split_once('/').filter(|(main, sub)| is_token(main) && is_token(sub))?;
        let (mut charset, mut seen) = (None, Vec::new());
        loop {
            rest = rest.trim_start_matches(SPACE);
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix(';')?.trim_start_matches(SPACE);
            if rest.is_empty() || rest.starts_with(';') {
                continue;
            }
            let (name, after) = rest.split_once('=').filter(|(name, _)| is_token(name))?;
            let name = name.to_ascii_lowercase();
            let (value, after) = parameter_value(after)?;
            rest = after;
            if name == "charset" {
                charset = Some(value.to_ascii_lowercase());
            }
            if seen.contains(&name) {
                return None;
            }
            seen.push(name);
        }
        Some(Self { main: main.to_ascii_lowercase(), sub: sub.to_ascii_lowercase(), charset })
    }

    pub(crate) fn reader(&self) -> Reader {
        match (self.main.as_str(), self.sub.as_str()) {
            ("application" | "text", "json") => Reader::Json,
            (_, sub) if sub.ends_with("+json") => Reader::Json,
            ("application", "x-www-form-urlencoded") => Reader::Form,
            ("multipart", "form-data") => Reader::Multipart,
            _ => Reader::None,
        }
    }

    /// Whether its text is UTF-8. JSON has no other encoding between systems (RFC 8259 §8.1); of forms we read no other.
    pub(crate) fn is_utf8(&self) -> bool {
        self.charset.as_deref().is_none_or(|charset| matches!(charset, "utf-8" | "utf8"))
    }
}

/// A type, or a family of types, that a route takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Accepted {
    Any,
    Family(String),
    Suffix(String, String),
    One(MediaType),
}

impl Accepted {
    pub(crate) fn read(given: &str) -> Result<Self, PayloadRulesError> {
        let fault = || PayloadRulesError::ContentType { given: given.to_owned() };
        let (main, sub) = given.split_once('/').ok_or_else(fault)?;
        let (main, sub) = (main.to_ascii_lowercase(), sub.to_ascii_lowercase());
        let fixed = |name: &str| is_token(name) && !name.contains('*');
        match (main.as_str(), sub.as_str()) {
            ("*", "*") => Ok(Self::Any),
            (name, "*") if fixed(name) => Ok(Self::Family(main)),
            (name, pattern) if fixed(name) => match pattern.strip_prefix("*+") {
                Some(suffix) if fixed(suffix) => Ok(Self::Suffix(main, format!("+{suffix}"))),
                None if fixed(pattern) => Ok(Self::One(MediaType { main, sub, charset: None })),
                _ => Err(fault()),
            },
            _ => Err(fault()),
        }
    }

    pub(crate) fn takes(&self, body: &MediaType) -> bool {
        match self {
            Self::Any => true,
            Self::Family(main) => *main == body.main,
            Self::Suffix(main, suffix) => *main == body.main && body.sub.ends_with(suffix.as_str()),
            Self::One(one) => one.main == body.main && one.sub == body.sub,
        }
    }

    /// Whether bodies of some type it takes are read by `reader`.
    pub(crate) fn may_reach(&self, reader: Reader) -> bool {
        match self {
            Self::Any => true,
            Self::One(one) => one.reader() == reader,
            // Types that end in `+json` are in every family.
            Self::Family(main) => reader == Reader::Json || reader == Reader::Form && main == "application",
            Self::Suffix(_, suffix) => reader == Reader::Json && suffix.ends_with("+json"),
        }
    }

    /// Whether it names `multipart/form-data` itself.
    pub(crate) fn is_multipart(&self) -> bool {
        matches!(self, Self::One(one) if one.reader() == Reader::Multipart)
    }
}

/// Longest `Content-Type` that is read, in bytes: the longest there is (a multipart boundary has 70) several times over.
const LONGEST: usize = 512;

const SPACE: [char; 2] = [' ', '\t'];

/// A parameter's value and what follows it.
fn parameter_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([';', ' ', '\t']).unwrap_or(text.len()));
        return is_token(value).then(|| (value.to_owned(), rest));
    };
    let mut value = String::new();
    let mut characters = quoted.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return quoted.get(index + 1..).map(|rest| (value, rest)),
            '\\' => value.push(characters.next().filter(|(_, escaped)| is_quotable(*escaped))?.1),
            _ if is_quotable(character) => value.push(character),
            _ => return None,
        }
    }
    None
}

/// RFC 9110 §5.6.4, without the bytes above ASCII, which have no agreed meaning.
fn is_quotable(character: char) -> bool {
    matches!(character, '\t' | ' '..='~')
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<(String, Option<String>)> {
        let media = MediaType::read(value.as_bytes())?;
        Some((format!("{}/{}", media.main, media.sub), media.charset))
    }

    #[test]
    fn a_type_with_its_parameters() {
        let json = |charset: Option<&str>| Some(("application/json".to_owned(), charset.map(str::to_owned)));
        assert_eq!(read("application/json"), json(None));
        assert_eq!(read(" Application/JSON ; Charset=UTF-8"), json(Some("utf-8")));
        assert_eq!(read("application/json;charset=\"utf\\-8\";v=\"a;b=\\\"c\""), json(Some("utf-8")));
        assert_eq!(read("application/json;; ;"), json(None), "RFC 9110 §5.6.6 allows empty parameters");
    }

    #[test]
    fn what_can_be_read_twice_is_no_type() {
        let not = [
            "",
            "json",
            "/json",
            "application/",
            "application/json, text/html",
            "application/json text/html",
            "application / json",
            "application/json;charset",
            "application/json;charset=",
            "application/json;charset =utf-8",
            "application/json;charset= utf-8",
            "application/json;charset=\"utf-8",
            "application/json;charset=\"utf-8\"x",
            "application/json;charset=utf-8;charset=utf-16",
            "application/json;charset=utf-8;CHARSET=utf-8",
            "application/json\0",
            "application/jsön",
        ];
        for value in not {
            assert_eq!(read(value), None, "{value:?}");
        }
        assert_eq!(MediaType::read(b"application/json;a=\"\xff\""), None);
        assert_eq!(read(&format!("application/json;a={}", "b".repeat(LONGEST))), None);
    }

    #[test]
    fn families_take_their_members_only() {
        let cases = [
            ("application/json", "application/json", true),
            ("APPLICATION/JSON", "application/json", true),
            ("application/json", "application/problem+json", false),
            ("application/*+json", "application/problem+json", true),
            ("application/*+json", "application/json", false),
            ("application/*+json", "text/problem+json", false),
            ("application/*+json", "application/problem+jsonx", false),
            ("image/*", "image/png", true),
            ("image/*", "imagex/png", false),
            ("*/*", "anything/else", true),
        ];
        for (pattern, sent, expected) in cases {
            let taken = Accepted::read(pattern).unwrap().takes(&MediaType::read(sent.as_bytes()).unwrap());
            assert_eq!(taken, expected, "{pattern} {sent}");
        }
    }

    #[test]
    fn what_is_no_family_is_refused() {
        for given in
            ["", "json", "*/json", "a/b;q=1", "a*/b", "a/b*", "a/*+", "a/*+j*", "a/**", " a/b", "a/b/c"]
        {
            let fault = PayloadRulesError::ContentType { given: given.to_owned() };
            assert_eq!(Accepted::read(given), Err(fault), "{given}");
        }
    }
}
