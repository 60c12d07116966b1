//! Path patterns, as routes are written. They match canonical paths and nothing else.
//!
//! INVARIANT: a pattern's text is itself canonical, so comparing bytes is comparing paths.

use crate::CanonicalPath;
use crate::ambiguity::quoted;

/// A configured path pattern: `/a/b` exactly, `*` for one segment, a final `/**` for the path itself and all below.
///
/// A final slash in a path makes no difference: origins serve `/admin/` for `/admin`, so a route that covers the one
/// covers the other. Neither do parameters, which only [`crate::Loosened::parameters`] lets in: origins serve `/admin` for
/// `/admin;v=1`. Whatever else an app's options keep in a segment makes it another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PathPattern {
    text: String,
    segments: Vec<Segment>,
}

/// Where a pattern stands among others: the smaller is asked first. Literal segments come before `*`, `*` before `/**`,
/// compared from the left; of two that agree so far the longer literal one comes first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Specificity(Vec<Rank>);

/// Why a text is no path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathPatternError {
    /// Not a path at all, or one that would never be admitted.
    #[error("{detail}; no request with such a path is admitted, so this pattern would cover nothing")]
    Inadmissible {
        /// What is wrong with it.
        detail: String,
    },
    /// Spelled in another way than requests are.
    #[error("the pattern {pattern} is not spelled canonically; write `{canonical}`")]
    NotCanonical {
        /// As written.
        pattern: String,
        /// As it should be.
        canonical: String,
    },
    /// `*` within a segment, or `**` before the end.
    #[error(
        "the pattern {pattern} has `*` in the segment {segment}; `*` stands for one whole segment, and `**` for all that follow, at the end only"
    )]
    Wildcard {
        /// As written.
        pattern: String,
        /// The segment.
        segment: String,
    },
    /// A final slash.
    #[error(
        "the pattern {pattern} ends in `/`; write `{without}`, which covers both, or `{without}/**` for all below"
    )]
    FinalSlash {
        /// As written.
        pattern: String,
        /// Without the slash.
        without: String,
    },
}

impl PathPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PathPatternError`], with what to write instead.
    pub fn parse(text: &str) -> Result<Self, PathPatternError> {
        let path = CanonicalPath::parse(text)
            .map_err(|ambiguity| PathPatternError::Inadmissible { detail: ambiguity.detail })?;
        if path.as_str() != text {
            let canonical = path.as_str().to_owned();
            return Err(PathPatternError::NotCanonical { pattern: quoted(text), canonical });
        }
        if let Some(without) = text.strip_suffix('/').filter(|without| !without.is_empty()) {
            let without = without.to_owned();
            return Err(PathPatternError::FinalSlash { pattern: quoted(text), without });
        }
        let last = path.segments().count().saturating_sub(1);
        let segments = path
            .segments()
            .enumerate()
            .map(|(at, segment)| match segment {
                "*" => Ok(Segment::One),
                "**" if at == last => Ok(Segment::Rest),
                literal if !literal.contains('*') => Ok(Segment::Literal(literal.to_owned())),
                _ => Err(PathPatternError::Wildcard { pattern: quoted(text), segment: quoted(segment) }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), segments })
    }

    /// Whether it covers this path.
    #[must_use]
    pub fn matches(&self, path: &CanonicalPath) -> bool {
        let mut asked = path.segments();
        for segment in &self.segments {
            let fits = match segment {
                Segment::Rest => return true,
                Segment::One => asked.next().is_some(),
                Segment::Literal(literal) => asked.next().is_some_and(|segment| is_named(segment, literal)),
            };
            if !fits {
                return false;
            }
        }
        asked.next().is_none()
    }

    /// Its place among other patterns; sorted by it, the first that matches is the most specific.
    #[must_use]
    pub fn specificity(&self) -> Specificity {
        let ranks = self.segments.iter().map(|segment| match segment {
            Segment::Literal(_) => Rank::Literal,
            Segment::One => Rank::One,
            Segment::Rest => Rank::Rest,
        });
        // The end ranks after a literal or `*`, so the longer comes first, and before `**`, so `/a` comes before
        // `/a/**`.
        let end = (self.segments.last() != Some(&Segment::Rest)).then_some(Rank::End);
        Specificity(ranks.chain(end).collect())
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::str::FromStr for PathPattern {
    type Err = PathPatternError;

    fn from_str(text: &str) -> Result<Self, PathPatternError> {
        Self::parse(text)
    }
}

/// Whether a segment is this literal, parameters aside. A literal has neither `;` nor `%3B`: patterns are read strictly.
fn is_named(segment: &str, literal: &str) -> bool {
    segment
        .strip_prefix(literal)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(';') || rest.starts_with("%3B"))
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Segment {
    Literal(String),
    One,
    Rest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Rank {
    Literal,
    One,
    End,
    Rest,
}

#[cfg(test)]
mod tests;
