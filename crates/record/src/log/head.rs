//! The first line of a segment: where in the chain it begins, and what vouches for all that stands before it. With it
//! a segment is checked on its own, and a log whose beginning was deleted is checked from where it begins.

use serde::{Deserialize, Serialize};

use crate::chain::{Chain, hash_from, link_from, text};
use crate::tree::Tree;

/// What a segment says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// The version of the log's format.
    pub(crate) format: u32,
    /// When it was begun: RFC 3339, UTC, microseconds.
    pub(crate) time: String,
    /// Whose log it is: the name checkpoints are signed with.
    pub(crate) origin: String,
    /// The number of this line.
    pub(crate) first: u64,
    /// The chain before this line.
    pub(crate) link: String,
    /// The tree before this line: its peaks.
    #[serde(default)]
    pub(crate) peaks: Vec<String>,
    /// The segment before this one, without its ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous: Option<String>,
    /// The checkpoint of all lines before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checkpoint: Option<String>,
}

impl Head {
    /// The head of a segment that goes on with `chain`.
    pub(crate) fn new(chain: &Chain, time: String, origin: &str) -> Self {
        Self {
            format: FORMAT,
            time,
            origin: origin.to_owned(),
            first: chain.size(),
            link: text(&chain.link),
            peaks: chain.tree.peaks().iter().map(|peak| text(peak)).collect(),
            previous: None,
            checkpoint: None,
        }
    }

    /// From the first line of a segment; `None` if it is no head: segments of old have none.
    pub(crate) fn parse(line: &[u8]) -> Option<Self> {
        if !line.starts_with(HEAD) {
            return None;
        }
        serde_json::from_slice(line).ok()
    }

    /// The chain before this line; `None` where what it says does not fit together.
    pub(crate) fn chain(&self) -> Option<Chain> {
        let peaks = self.peaks.iter().map(|peak| hash_from(peak)).collect::<Option<_>>()?;
        Some(Chain { tree: Tree::of(self.first, peaks)?, link: link_from(&self.link)? })
    }
}

/// The version that a segment with this first line is of, whatever else that version may say; `None`: no head.
pub(crate) fn format(line: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    if !line.starts_with(HEAD) {
        return None;
    }
    serde_json::from_slice::<Version>(line).ok().map(|version| version.format)
}

/// How a head begins.
const HEAD: &[u8] = b"{\"kind\":\"segment\"";

/// The version of segments: 1 had neither head nor chain. Raised when a reader of an older one would misread them.
pub(crate) const FORMAT: u32 = 2;
