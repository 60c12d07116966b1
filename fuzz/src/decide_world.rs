//! A world of policies, entities and requests that the bytes choose: the engine says what the official Cedar says, in every
//! way it can be asked. The generator is the one of the long run, in small.

use portcullis_worlds::check::Engine;
use portcullis_worlds::generate::{self, Extent};
use portcullis_worlds::run;
use portcullis_worlds::source::Source;

/// What must hold.
pub fn check(input: &[u8]) {
    let case = generate::case(&mut Source::from_bytes(input), Extent::SMALL);
    if let Err(fault) = run::case(&case, 0, Engine::OURS) {
        panic!("{}", run::told(0, &case, &fault, Engine::OURS));
    }
}
