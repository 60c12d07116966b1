//! What is known of the names of facts: they are the same in every request, and to look for secrets in one takes longer than
//! to find it here.
//!
//! INVARIANT: bounded. A name that finds no room is looked at each time.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;

/// What a fact's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Its value is not to be written.
    pub(super) is_secret: bool,
    /// It looks like a credential itself, at least in part.
    pub(super) is_masked: bool,
}

/// Names seen so far. Read without a lock; copied when one is added, which happens once a name.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths(Arc<ArcSwap<HashMap<Box<str>, Standing>>>);

/// Names that are remembered: policies name some dozens of facts.
const MOST_NAMES: usize = 512;

/// Longer names are none that people write.
const LONGEST_NAME: usize = 128;

impl Paths {
    /// What the name says, found out by `look` where it is not known.
    pub(super) fn of(&self, path: &str, look: impl FnOnce() -> Standing) -> Standing {
        let known = self.0.load();
        if let Some(standing) = known.get(path) {
            return *standing;
        }
        let standing = look();
        if known.len() < MOST_NAMES && path.len() <= LONGEST_NAME {
            self.0.rcu(|known| {
                let mut more = HashMap::clone(known);
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

    #[test]
    fn a_name_is_looked_at_once() {
        let paths = Paths::default();
        let standing = Standing { is_secret: true, is_masked: false };
        assert_eq!(paths.of("principal.password", || standing), standing);
        assert_eq!(paths.of("principal.password", || unreachable!("it is known")), standing);
        assert_eq!(paths.clone().of("principal.password", || unreachable!("it is shared")), standing);
    }

    #[test]
    fn names_that_find_no_room_are_looked_at_each_time() {
        let paths = Paths::default();
        let plain = Standing { is_secret: false, is_masked: false };
        for at in 0..2 * MOST_NAMES {
            assert_eq!(paths.of(&format!("principal.a{at}"), || plain), plain);
        }
        assert_eq!(paths.0.load().len(), MOST_NAMES);
        let long = "a".repeat(LONGEST_NAME + 1);
        let secret = Standing { is_secret: true, is_masked: false };
        assert_eq!((paths.of(&long, || plain), paths.of(&long, || secret)), (plain, secret));
    }
}
