//! The policies' ids and where their texts stand. The official syntax trees are not kept: they are a hundred times the
//! size of what a decision needs. A policy is parsed again from its text when the reference evaluator is asked about it.

use std::collections::HashMap;
use std::mem::size_of_val;
use std::sync::Arc;

use cedar_policy_core::ast::{Policy, PolicyID, Template};
use cedar_policy_core::parser::parse_policy;
use quick_cache::sync::Cache;

use crate::texts::Texts;

/// How many policies are kept once they were parsed again, some five KiB each. Parsing
/// costs more than any decision, and the policies that err in one request err in the next.
const PARSED: usize = 2_048;

/// Ids and sources of policies, in the order of ids.
#[derive(Debug)]
pub(crate) struct Sources {
    ids: Texts,
    texts: Vec<Arc<str>>,
    /// The texts by where they lie, while policies are added.
    known: HashMap<usize, u32>,
    sources: Vec<Source>,
    /// Some that were parsed again.
    parsed: Cache<u32, Arc<Policy>>,
}

impl Default for Sources {
    fn default() -> Self {
        Self {
            ids: Texts::default(),
            texts: Vec::new(),
            known: HashMap::new(),
            sources: Vec::new(),
            parsed: Cache::new(PARSED),
        }
    }
}

/// Where one policy is.
#[derive(Debug)]
enum Source {
    /// In a text, from byte to byte.
    Text { text: u32, start: u32, end: u32 },
    /// A link, or a policy that was not read from a text.
    Kept(Arc<Policy>),
}

impl Sources {
    /// Adds a policy; ids have to come in order. Unless it is `plain`, it is kept as it is.
    pub(crate) fn add(&mut self, policy: &Policy, plain: bool) {
        self.ids.push(policy.id().as_ref());
        let text = if plain { self.text_of(policy) } else { None };
        let source = text.unwrap_or_else(|| Source::Kept(Arc::new(policy.clone())));
        self.sources.push(source);
    }

    fn text_of(&mut self, policy: &Policy) -> Option<Source> {
        let place = policy.loc()?;
        if !policy.is_static() || !policy.env().is_empty() {
            return None;
        }
        place.snippet()?;
        let next = u32::try_from(self.texts.len()).ok()?;
        let text = *self.known.entry(place.src.as_ptr().addr()).or_insert(next);
        if text == next {
            self.texts.push(Arc::clone(&place.src));
        }
        Some(Source::Text {
            text,
            start: u32::try_from(place.start()).ok()?,
            end: u32::try_from(place.end()).ok()?,
        })
    }

    /// All are there.
    pub(crate) fn finish(&mut self) {
        self.known = HashMap::new();
        self.ids.shrink();
        self.sources.shrink_to_fit();
    }

    pub(crate) fn len(&self) -> usize {
        self.sources.len()
    }

    /// The id of the policy at this place in the order of ids.
    pub(crate) fn id(&self, policy: u32) -> &str {
        self.ids.get(policy)
    }

    /// The place of the policy of this id.
    pub(crate) fn find(&self, id: &str) -> Option<u32> {
        let count = u32::try_from(self.len()).ok()?;
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low + (high - low) / 2;
            match self.id(middle).cmp(id) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    /// The policy as the official crate has it. Places in it count from the start of [`Sources::text`].
    pub(crate) fn policy(&self, policy: u32) -> Option<Arc<Policy>> {
        match self.sources.get(usize::try_from(policy).ok()?)? {
            Source::Kept(policy) => Some(Arc::clone(policy)),
            Source::Text { .. } => {
                if let Some(known) = self.parsed.get(&policy) {
                    return Some(known);
                }
                let (text, _) = self.text(policy)?;
                let parsed = parse_policy(Some(PolicyID::from_string(self.id(policy))), text).ok()?;
                let parsed = Arc::new(Template::link_static_policy(parsed).1);
                self.parsed.insert(policy, Arc::clone(&parsed));
                Some(parsed)
            }
        }
    }

    /// A policy's own text, and the text it stands in with the byte where it starts there.
    pub(crate) fn text(&self, policy: u32) -> Option<(&str, (&str, usize))> {
        match self.sources.get(usize::try_from(policy).ok()?)? {
            Source::Kept(policy) => {
                let place = policy.loc()?;
                Some((place.snippet()?, (&place.src, place.start())))
            }
            Source::Text { text, start, end } => {
                let whole: &str = self.texts.get(usize::try_from(*text).ok()?)?;
                let (start, end) = (usize::try_from(*start).ok()?, usize::try_from(*end).ok()?);
                Some((whole.get(start..end)?, (whole, start)))
            }
        }
    }

    /// Whether the places in [`Sources::policy`] count from the start of the whole text, not of the policy's own.
    pub(crate) fn is_placed(&self, policy: u32) -> bool {
        let source = usize::try_from(policy).ok().and_then(|at| self.sources.get(at));
        matches!(source, Some(Source::Kept(_)))
    }

    /// What it occupies; texts that others may share are counted.
    pub(crate) fn bytes(&self) -> usize {
        self.ids.bytes()
            + size_of_val(&*self.sources)
            + self.texts.iter().map(|text| text.len()).sum::<usize>()
    }
}
