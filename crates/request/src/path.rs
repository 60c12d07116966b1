//! The one reading of a path. How its bytes are read is in `spell`, what becomes of its segments in `segments`; patterns
//! over paths are in `pattern`, and the query is not part of a path.
//!
//! INVARIANT: a `CanonicalPath` is valid RFC 3986, starts with `/`, has no empty or dot segment, and no reading that an
//! origin may make of it (literal, decoded once or twice, parameters cut off, backslashes or slashes merged) leads to
//! another resource than the one decided on, unless the app's options assume that the origin does not make it.

use crate::ambiguity::quoted_discreet as quoted;
use crate::{Ambiguity, Loosened};

mod segments;
mod spell;

/// The one reading of a path: what is decided on and forwarded.
///
/// Spelled one way: characters that need no encoding are decoded, hexadecimal digits are upper case. Only `+` is always
/// `%2B`, since some readers take the bare one for a space.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CanonicalPath(String);

impl CanonicalPath {
    /// Reads a raw path, without query.
    ///
    /// # Errors
    /// [`Ambiguity`] with `ambiguous_path` or `path_too_long`.
    pub fn parse(raw: &str) -> Result<Self, Ambiguity> {
        Self::parse_loosened(raw, Loosened::default())
    }

    /// Reads a raw path as an app allows it. What [`CanonicalPath::parse`] reads is read the same with any options.
    ///
    /// # Errors
    /// As [`CanonicalPath::parse`].
    pub fn parse_loosened(raw: &str, loosened: Loosened) -> Result<Self, Ambiguity> {
        bounded(raw, "the path")?;
        let path = canonical(raw, loosened)
            .map_err(|fault| Ambiguity::new("ambiguous_path", format!("the path {} {fault}", quoted(raw))))?;
        // Encoding makes a path longer, at most threefold: what is forwarded must itself be a path that is read.
        bounded(&path, "the canonical path")?;
        Ok(Self(path))
    }

    /// The path as text, starting with `/`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, without slashes. A final slash adds none: `/a/` and `/a` both have `a`, and `/` has none.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &str> {
        let inner = self.0.strip_prefix('/').unwrap_or(&self.0);
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        (!inner.is_empty()).then(|| inner.split('/')).into_iter().flatten()
    }
}

impl std::fmt::Display for CanonicalPath {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn bounded(path: &str, what: &str) -> Result<(), Ambiguity> {
    if path.len() <= LONGEST_PATH {
        return Ok(());
    }
    let detail = format!("{what} has {} bytes, at most {LONGEST_PATH} are read", path.len());
    Err(Ambiguity::new("path_too_long", detail))
}

/// Decodes, then merges and resolves, then looks at what was kept: each step sees the only spelling that the step before
/// left, so no spelling of a slash or dot comes up after the step that would have caught it.
fn canonical(raw: &str, loosened: Loosened) -> Result<String, &'static str> {
    let spelled = spell::spell(raw.as_bytes(), loosened)?;
    let path = segments::resolve(spelled.path, loosened)?;
    let twice = spell::decodes_twice(&path);
    if twice && !loosened.double_encoding {
        return Err("is percent-encoded twice");
    }
    if spelled.beyond_ascii {
        spell::is_text(&path)?;
    }
    if spelled.kept || twice {
        segments::examine_kept(&path, loosened)?;
    }
    Ok(path)
}

/// Longest path, bytes: what the widely used servers accept for a whole request line, so a longer one would be
/// refused behind us anyway.
const LONGEST_PATH: usize = 8 * 1024;

#[cfg(test)]
mod tests;
