//! The results that a condition can have, as a set of three: true, false, an error.

/// Which results a boolean expression can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outcomes {
    pub(crate) yes: bool,
    pub(crate) no: bool,
    pub(crate) fails: bool,
}

impl Outcomes {
    pub(crate) const YES: Self = Self { yes: true, no: false, fails: false };
    pub(crate) const NO: Self = Self { yes: false, no: true, fails: false };
    pub(crate) const FAILS: Self = Self { yes: false, no: false, fails: true };
    pub(crate) const UNCERTAIN: Self = Self { yes: true, no: true, fails: false };
    pub(crate) const ALL: Self = Self { yes: true, no: true, fails: true };

    pub(crate) const NONE: Self = Self { yes: false, no: false, fails: false };

    pub(crate) fn or_else(self, other: Self) -> Self {
        Self { yes: self.yes || other.yes, no: self.no || other.no, fails: self.fails || other.fails }
    }

    pub(crate) fn is_open(self) -> bool {
        !matches!(self, Self::YES | Self::NO | Self::FAILS)
    }

    pub(crate) fn of(value: bool) -> Self {
        if value { Self::YES } else { Self::NO }
    }
}

impl From<crate::evaluate::Outcome> for Outcomes {
    fn from(outcome: crate::evaluate::Outcome) -> Self {
        match outcome {
            crate::evaluate::Outcome::Yes => Self::YES,
            crate::evaluate::Outcome::No => Self::NO,
            crate::evaluate::Outcome::Fails => Self::FAILS,
        }
    }
}
