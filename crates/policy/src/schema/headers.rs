//! The headers that policies read: which there are, and whether they stand once.
//!
//! INVARIANT: no header that holds a credential is among them, since what policies read is recorded.

use serde_json::Value;

/// The common type of the schema that declares them.
pub(crate) const TYPE: &str = "RequestHeaders";

/// A header that policies may read, as `context.request.headers["x-tenant"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadHeader {
    /// In lower case, of letters, digits and `-`.
    pub name: String,
    /// It has one value, and a request that repeats it is ambiguous; otherwise it is the set of its lines' values.
    pub once: bool,
}

/// The headers of a merged schema, in order of their names.
pub(super) fn declared(schema: &Value) -> Vec<ReadHeader> {
    let declared = schema.get("").and_then(|namespace| namespace.get("commonTypes"));
    let attributes = declared.and_then(|types| types.get(TYPE)?.get("attributes")?.as_object());
    let headers = attributes.into_iter().flatten().filter_map(|(name, declaration)| {
        Some(ReadHeader { name: name.clone(), once: stands_once(declaration)? })
    });
    headers.collect()
}

/// Whether a declaration means something.
///
/// # Errors
/// What is wrong with it, and what to do.
pub(super) fn check(name: &str, declaration: &Value) -> Result<(), (String, String)> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err((
            format!("`{name}` is no header that policies can read"),
            "write it in lower case, with letters, digits and `-`: \"x-tenant\"".to_owned(),
        ));
    }
    if CREDENTIALS.iter().any(|word| name.contains(word)) {
        return Err((
            format!("`{name}` holds credentials, and what policies read is recorded"),
            "ask for what it proves: `principal`, `context.auth.method`, `context.auth.scopes`".to_owned(),
        ));
    }
    if declaration.get("required") != Some(&Value::Bool(false)) {
        return Err((
            format!("callers may leave out `{name}`, so it must be optional"),
            format!("write `\"{name}\"?: String` and test with `has` before reading it"),
        ));
    }
    stands_once(declaration).map(drop).ok_or_else(|| {
        (
            format!("a header is text: `{name}` is declared as something else"),
            "use `String` for one that stands once, `Set<String>` for one that may be repeated".to_owned(),
        )
    })
}

/// `String`: once; `Set<String>`: not; anything else is no header.
fn stands_once(declaration: &Value) -> Option<bool> {
    if is_text(declaration) {
        return Some(true);
    }
    let is_set = declaration.get("type").and_then(Value::as_str) == Some("Set");
    (is_set && declaration.get("element").is_some_and(is_text)).then_some(false)
}

/// As Cedar writes its own type in JSON: by its name, or as a name that may yet be somebody's.
fn is_text(declaration: &Value) -> bool {
    let word = |key: &str| declaration.get(key).and_then(Value::as_str);
    word("type") == Some("String")
        || (word("type") == Some("EntityOrCommon")
            && matches!(word("name"), Some("String" | "__cedar::String")))
}

/// What the names of headers have in them where callers put what nobody else may know.
const CREDENTIALS: [&str; 11] = [
    "api-key",
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "jwt",
    "password",
    "secret",
    "session",
    "signature",
    "token",
];
