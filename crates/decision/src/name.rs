//! Names of entities, and the prints by which they are compared.
//!
//! A print is a keyed 128-bit SipHash-1-3 of type and identifier (Aumasson, Bernstein 2012). The key is drawn once a
//! process, so callers cannot choose collisions; and because programs and worlds share it, they need no common table of
//! names: each can change without the other. Tables are looked up by a faster hash, also keyed, and what is found is
//! compared letter by letter; so the print of a name that is known is read, not computed.
//!
//! INVARIANT: prints are equal exactly if the names are, but for a chance of 2⁻⁶⁴ among four thousand million names.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use cedar_policy_core::ast::{self, Eid, EntityType, EntityUID};
use siphasher::sip128::{Hasher128, SipHasher13};

/// What a name is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Print(u128);

/// The hasher with this process's key; copied, never fed.
static KEYED: LazyLock<SipHasher13> = LazyLock::new(|| {
    // `RandomState` is how the standard library gives away the system's randomness.
    let random = RandomState::new();
    SipHasher13::new_with_keys(random.hash_one(1_u8), random.hash_one(2_u8))
});

/// The faster hash of tables, with a key of its own.
static TABLES: LazyLock<ahash::RandomState> = LazyLock::new(ahash::RandomState::new);

impl Print {
    /// The print of the entity of type `kind` with the identifier `id`.
    pub(crate) fn of(kind: &str, id: &str) -> Self {
        let mut hasher = *KEYED;
        hasher.write(kind.as_bytes());
        // No UTF-8 text has this byte, so no other pair of texts is the same sequence.
        hasher.write_u8(0xff);
        hasher.write(id.as_bytes());
        Self(hasher.finish128().as_u128())
    }

    /// Where it lands in a table of prints.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        self.0 as u64
    }
}

/// Where a name lands in a table of names.
#[inline]
pub(crate) fn place(kind: &str, id: &str) -> u64 {
    let mut hasher = TABLES.build_hasher();
    hasher.write(kind.as_bytes());
    // No more than speed is at stake where two pairs of texts are the same sequence.
    hasher.write(id.as_bytes());
    hasher.finish()
}

/// The name of an entity with its print.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) print: Print,
    /// See [`place`].
    pub(crate) place: u64,
    /// The type with its namespace, as Cedar writes it: `Shop::Order`.
    pub(crate) kind: Arc<str>,
    pub(crate) id: Box<str>,
}

impl Name {
    pub(crate) fn new(kind: Arc<str>, id: &str) -> Self {
        Self { print: Print::of(&kind, id), place: place(&kind, id), kind, id: id.into() }
    }

    pub(crate) fn of(uid: &EntityUID) -> Self {
        Self::new(uid.entity_type().to_string().into(), AsRef::<str>::as_ref(uid.eid()))
    }

    /// As [`Name::of`], with the text of the type shared.
    pub(crate) fn sharing(uid: &EntityUID, kinds: &mut Kinds) -> Self {
        Self::new(kinds.of(uid.entity_type()), AsRef::<str>::as_ref(uid.eid()))
    }

    /// Whether it is this name, letter by letter.
    #[inline]
    pub(crate) fn is(&self, kind: &str, id: &str) -> bool {
        *self.id == *id && *self.kind == *kind
    }

    /// The name as Cedar has it; `None` only if `kind` is no type name, which no constructor of this crate lets in.
    pub(crate) fn to_cedar(&self) -> Option<EntityUID> {
        let kind = ast::Name::from_str(&self.kind).ok()?;
        Some(EntityUID::from_components(EntityType::from(kind), Eid::new(self.id.as_ref()), None))
    }
}

/// The texts of entity types, each once.
#[derive(Debug, Default)]
pub(crate) struct Kinds(HashMap<EntityType, Arc<str>>);

impl Kinds {
    /// All of them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Arc<str>> {
        self.0.values().cloned()
    }

    pub(crate) fn of(&mut self, kind: &EntityType) -> Arc<str> {
        match self.0.get(kind) {
            Some(known) => Arc::clone(known),
            None => {
                let text: Arc<str> = kind.to_string().into();
                self.0.insert(kind.clone(), Arc::clone(&text));
                text
            }
        }
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.print == other.print
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.print.cmp(&other.print)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{:?}", self.kind, self.id)
    }
}
