//! What is known of the names of facts: they are the same in every request, and to look for secrets in one takes longer than
//! to find it here.
//!
//! INVARIANT: bounded. A name that finds no room is looked at each time.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

/// What a fact's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Its value is not to be written.
    pub(crate) is_secret: bool,
    /// It looks like a credential itself, at least in part.
    pub(crate) is_masked: bool,
}

/// Names seen so far. Read without a lock; copied when one is added, which happens once a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths(Arc<ArcSwap<Names>>);

type Names = HashMap<Box<str>, Standing, ahash::RandomState>;

/// The names known at one moment, for a whole record.
pub(crate) type Known = Guard<Arc<Names>>;

/// Names that are remembered: policies name some dozens of facts.
const MOST_NAMES: usize = 512;

/// Longer names are none that people write.
const LONGEST_NAME: usize = 128;

impl Paths {
    /// The names known now.
    pub(super) fn known(&self) -> Known {
        self.0.load()
    }

    /// What the name says, found out by `look` where it is not known.
    pub(super) fn of(&self, known: &Known, path: &str, look: impl FnOnce() -> Standing) -> Standing {
        if let Some(standing) = known.get(path) {
            return *standing;
        }
        let standing = look();
        if known.len() < MOST_NAMES && path.len() <= LONGEST_NAME {
            self.0.rcu(|known| {
                let mut more = Names::clone(known);
                more.insert(path.into(), standing);
                more
            });
        }
        standing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(paths: &Paths, path: &str, look: impl FnOnce() -> Standing) -> Standing {
        paths.of(&paths.known(), path, look)
    }

    #[test]
    fn a_name_is_looked_at_once() {
        let paths = Paths::default();
        let standing = Standing { is_secret: true, is_masked: false };
        assert_eq!(of(&paths, "principal.password", || standing), standing);
        assert_eq!(of(&paths, "principal.password", || unreachable!("it is known")), standing);
        assert_eq!(of(&paths.clone(), "principal.password", || unreachable!("it is shared")), standing);
    }

    #[test]
    fn names_that_find_no_room_are_looked_at_each_time() {
        let paths = Paths::default();
        let plain = Standing { is_secret: false, is_masked: false };
        for at in 0..2 * MOST_NAMES {
            assert_eq!(of(&paths, &format!("principal.a{at}"), || plain), plain);
        }
        assert_eq!(paths.known().len(), MOST_NAMES);
        let long = "a".repeat(LONGEST_NAME + 1);
        let secret = Standing { is_secret: true, is_masked: false };
        assert_eq!((of(&paths, &long, || plain), of(&paths, &long, || secret)), (plain, secret));
    }
}
