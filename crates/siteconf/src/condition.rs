//! Three-valued truth: what a condition of a configuration comes to when not everything it reads is known.

use std::ops::Not;

/// Whether a condition holds for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Truth {
    Yes,
    No,
    /// It reads something that cannot be known from here.
    Unknown,
}

impl Truth {
    pub(crate) fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::No, _) | (_, Truth::No) => Truth::No,
            (Truth::Yes, Truth::Yes) => Truth::Yes,
            _ => Truth::Unknown,
        }
    }

    pub(crate) fn or(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::Yes, _) | (_, Truth::Yes) => Truth::Yes,
            (Truth::No, Truth::No) => Truth::No,
            _ => Truth::Unknown,
        }
    }
}

/// Reads conditions that are chained by `||`, `&&`, `!` and parentheses: several servers write them alike, and differ in
/// what they compare.
pub(crate) trait Conditions {
    /// Passes by a sign if it comes next.
    fn take(&mut self, sign: &str) -> bool;

    /// What stands between the signs.
    fn comparison(&mut self) -> Truth;

    /// How deep parentheses and negations are nested here.
    fn depth(&mut self) -> &mut u8;

    /// Passes by all that is left: it is nested too deep to be followed.
    fn give_up(&mut self);

    fn either(&mut self) -> Truth {
        let mut truth = self.both();
        while self.take("||") {
            truth = truth.or(self.both());
        }
        truth
    }

    fn both(&mut self) -> Truth {
        let mut truth = self.one();
        while self.take("&&") {
            truth = truth.and(self.one());
        }
        truth
    }

    fn one(&mut self) -> Truth {
        *self.depth() += 1;
        if *self.depth() > MOST_DEPTH {
            self.give_up();
            return Truth::Unknown;
        }
        let truth = if self.take("!") {
            !self.one()
        } else if self.take("(") {
            let truth = self.either();
            self.take(")");
            truth
        } else {
            self.comparison()
        };
        *self.depth() -= 1;
        truth
    }
}

/// Nobody nests conditions deeper by hand.
const MOST_DEPTH: u8 = 24;

impl Not for Truth {
    type Output = Truth;
    fn not(self) -> Truth {
        match self {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Truth {
        if holds { Truth::Yes } else { Truth::No }
    }
}

impl From<Option<bool>> for Truth {
    fn from(holds: Option<bool>) -> Truth {
        holds.map_or(Truth::Unknown, Truth::from)
    }
}
