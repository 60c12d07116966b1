//! Policies as text, whatever the official parser takes, against worlds that stand still: the engine says what the official
//! Cedar says. What the parser refuses is none of ours.

use std::str::FromStr;
use std::sync::LazyLock;

use cedar_policy::PolicySet;
use portcullis_worlds::case::Case;
use portcullis_worlds::check::{self, Engine, Subject};
use portcullis_worlds::generate::{self, Extent};
use portcullis_worlds::source::Source;

/// Enough requests that a scope is met now and then.
const EXTENT: Extent = Extent { requests: 12, policies: 1, guards: 2, huge: 40 };

/// Rich in what policies may speak of; which ones they are was chosen once.
static WORLDS: LazyLock<Vec<Case>> =
    LazyLock::new(|| (20..23).map(|seed| generate::case(&mut Source::from_seed(seed), EXTENT)).collect());

/// What must hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // The official evaluator gives up on what is nested too deep, by the stack that is left.
    if input.len() > 8_192 || depth(text) > 60 {
        return;
    }
    let Ok(set) = PolicySet::from_str(text) else { return };
    for (seed, world) in (0..).zip(&*WORLDS) {
        let subject = Subject {
            set: set.clone(),
            entities: world.entities.clone(),
            overlay: world.overlay.clone(),
            requests: world.requests.clone(),
        };
        if let Err(fault) = check::subject(&subject, seed, Engine::OURS) {
            panic!("{fault}\n{text}");
        }
    }
}

/// How deep it may be nested: by brackets, and by what nests without any.
fn depth(text: &str) -> usize {
    let (mut open, mut deepest) = (0_usize, 0);
    for character in text.chars() {
        match character {
            '(' | '[' | '{' => open += 1,
            ')' | ']' | '}' => open = open.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(open);
    }
    let without = ["if", "else", "&&", "||", ".", "+", "-", "*", "!"];
    deepest + without.iter().map(|word| text.matches(word).count()).sum::<usize>() / 8
}
