//! Makes a case small that shows a difference: what can go goes, and what must stay becomes as plain as it can be. Greedy,
//! first in large steps; a case that a person can read is what matters, not the smallest one there is.

mod pieces;

use crate::case::Case;

/// How often the case is tried before it is called small enough.
const TRIES: usize = 6_000;

/// A smaller case that still fails; `fails` is asked about each try.
pub fn shrink(case: &Case, mut fails: impl FnMut(&Case) -> bool) -> Case {
    let mut search = Search { smallest: case.clone(), tries: 0, fails: &mut fails };
    loop {
        let before = search.tries;
        let size = search.smallest.clone();
        search.lists();
        search.policies();
        search.entities();
        search.terms();
        if search.smallest == size || search.tries >= TRIES || search.tries == before {
            return search.smallest;
        }
    }
}

struct Search<'f> {
    smallest: Case,
    tries: usize,
    fails: &'f mut dyn FnMut(&Case) -> bool,
}

impl Search<'_> {
    /// Keeps a case if it fails still.
    fn keep(&mut self, case: Case) -> bool {
        if self.tries >= TRIES || case == self.smallest {
            return false;
        }
        self.tries = self.tries.saturating_add(1);
        let failed = (self.fails)(&case);
        if failed {
            self.smallest = case;
        }
        failed
    }

    /// Changes the case, and keeps that if it fails still.
    fn attempt(&mut self, change: impl FnOnce(&mut Case)) -> bool {
        let mut case = self.smallest.clone();
        change(&mut case);
        // A link without its template would be refused.
        case.links.retain(|link| case.policies.iter().any(|policy| policy.id == link.template));
        self.keep(case)
    }

    /// Takes runs of items out of a list, from long runs to single items.
    fn thin<T>(&mut self, list: impl Fn(&mut Case) -> Option<&mut Vec<T>>) {
        let mut case = self.smallest.clone();
        let mut run = list(&mut case).map_or(0, |list| list.len());
        while run > 0 {
            let mut from = 0;
            loop {
                let mut case = self.smallest.clone();
                let length = list(&mut case).map_or(0, |list| list.len());
                if from >= length {
                    break;
                }
                let to = from.saturating_add(run).min(length);
                let gone = self.attempt(|case| {
                    if let Some(list) = list(case) {
                        list.drain(from..to);
                    }
                });
                if !gone {
                    from = to;
                }
            }
            run /= 2;
        }
    }
}
