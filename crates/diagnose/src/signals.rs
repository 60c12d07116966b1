//! Signals: small functions that look at what was observed and say of each signal whether it is there. A signal that
//! cannot be judged yet (its probe was not made, there is no refusal to read) stays open; open signals weigh nothing.

mod answer;
mod asked;
mod contrast;
mod text;

use std::net::IpAddr;

use crate::answer::Answer;
use crate::asked::Asked;
use crate::evidence::{Evidence, SignalIndex};
use crate::probe::{Told, Trial};

pub(crate) use asked::token_of;
pub use contrast::{alike, told};
pub use text::readable;

/// All that was observed.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The request as reported.
    pub asked: &'a Asked,
    /// Its User-Agent, given or by default.
    pub agent: String,
    /// Seconds since 1970.
    pub now: i64,
    /// The refusal that is to be explained; none where none was seen.
    pub exhibit: Option<&'a Answer>,
    /// The words of the refusal, where they were read before: reading them is most of the work.
    pub words: Option<&'a ExhibitWords>,
    /// Every probe with what it told.
    pub trials: Vec<(&'a Trial, Told)>,
    /// Where the name is.
    pub addresses: &'a [IpAddr],
    /// Nothing was refused when the request was repeated, though it was reported as refused.
    pub at_first_fine: bool,
}

/// One judged signal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// Whether it is there.
    pub holds: bool,
    /// How plainly: 1 is plain, less is a hint.
    pub weight: f64,
}

/// What was judged of all signals, by their place in [`Evidence::signals`].
#[derive(Debug, Clone)]
pub struct Seen {
    judged: Vec<Option<Judged>>,
}

impl Seen {
    fn new(evidence: &Evidence) -> Self {
        Self { judged: vec![None; evidence.signals.len()] }
    }

    /// What was judged of one.
    #[must_use]
    pub fn get(&self, index: SignalIndex) -> Option<Judged> {
        self.judged.get(index).copied().flatten()
    }

    /// Whether a signal holds.
    #[must_use]
    pub fn holds(&self, evidence: &Evidence, id: &str) -> bool {
        evidence.signal(id).and_then(|index| self.get(index)).is_some_and(|judged| judged.holds)
    }

    fn set(&mut self, evidence: &Evidence, id: &str, holds: bool) {
        if let Some(index) = evidence.signal(id) {
            self.put(index, Some(Judged { holds, weight: 1.0 }));
        }
    }

    fn put(&mut self, index: SignalIndex, judged: Option<Judged>) {
        if let Some(place) = self.judged.get_mut(index) {
            *place = judged;
        }
    }
}

/// What the words of a refusal come to.
#[derive(Debug, Clone)]
pub struct ExhibitWords(Seen);

/// Reads the words of a refusal.
#[must_use]
pub fn read_words(evidence: &Evidence, exhibit: &Answer) -> ExhibitWords {
    let mut seen = Seen::new(evidence);
    answer::words(evidence, exhibit, &mut seen);
    ExhibitWords(seen)
}

/// Judges all signals.
#[must_use]
pub fn judge(evidence: &Evidence, scene: &Scene<'_>) -> Seen {
    let mut seen = Seen::new(evidence);
    asked::judge(evidence, scene, &mut seen);
    answer::judge(evidence, scene, &mut seen);
    contrast::judge(evidence, scene, &mut seen);
    seen
}
