//! Names of entities, and the prints by which they are found and compared.
//!
//! A print is a keyed 128-bit SipHash-1-3 of type and identifier (Aumasson, Bernstein 2012). The key is drawn once a
//! process, so callers cannot choose collisions; and because programs and worlds share it, they need no common table of
//! names: each can change without the other. A name that comes with a request is hashed once, and nothing of it is
//! compared letter by letter afterwards.
//!
//! INVARIANT: prints are equal exactly if the names are, but for a chance of 2⁻⁶⁴ among four thousand million names.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use cedar_policy_core::ast::{self, Eid, EntityType, EntityUID};
use siphasher::sip128::{Hash128, Hasher128, SipHasher13};

/// What a name is compared by. Two words, since one of sixteen bytes would have every value aligned to sixteen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Print {
    low: u64,
    high: u64,
}

/// The hasher with this process's key; copied, never fed.
static KEYED: LazyLock<SipHasher13> = LazyLock::new(|| {
    // `RandomState` is how the standard library gives away the system's randomness.
    let random = RandomState::new();
    SipHasher13::new_with_keys(random.hash_one(1_u8), random.hash_one(2_u8))
});

/// Names up to this length are hashed in one piece, which takes half of what three pieces take.
const ONE_PIECE: usize = 64;

/// Between type and identifier. No UTF-8 text has this byte, so no other pair of texts is the same sequence.
const BETWEEN: u8 = 0xff;

impl Print {
    /// The print of the entity of type `kind` with the identifier `id`.
    #[inline]
    pub(crate) fn of(kind: &str, id: &str) -> Self {
        let mut whole = [0; ONE_PIECE];
        let length = kind.len() + 1 + id.len();
        if let Some(whole) = whole.get_mut(..length)
            && let Some((of_kind, rest)) = whole.split_at_mut_checked(kind.len())
            && let [between, of_id @ ..] = rest
        {
            of_kind.copy_from_slice(kind.as_bytes());
            *between = BETWEEN;
            of_id.copy_from_slice(id.as_bytes());
            return KEYED.hash(whole).into();
        }
        Self::of_long(kind, id)
    }

    #[cold]
    fn of_long(kind: &str, id: &str) -> Self {
        let mut hasher = *KEYED;
        hasher.write(kind.as_bytes());
        hasher.write_u8(BETWEEN);
        hasher.write(id.as_bytes());
        hasher.finish128().into()
    }

    /// Where it lands in a table of prints.
    #[inline]
    pub(crate) fn hash(self) -> u64 {
        self.low
    }

    /// In which of several tables it lands; has nothing to do with where in it.
    #[inline]
    pub(crate) fn part(self) -> u64 {
        self.high
    }
}

impl From<Hash128> for Print {
    #[inline]
    fn from(hash: Hash128) -> Self {
        Self { low: hash.h1, high: hash.h2 }
    }
}

/// The name of an entity with its print. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) print: Print,
    /// Apart, since a decision only compares.
    text: Arc<Text>,
}

struct Text {
    kind: Arc<str>,
    id: Box<str>,
}

impl Name {
    pub(crate) fn new(kind: Arc<str>, id: &str) -> Self {
        Self { print: Print::of(&kind, id), text: Arc::new(Text { kind, id: id.into() }) }
    }

    pub(crate) fn of(uid: &EntityUID) -> Self {
        Self::new(uid.entity_type().to_string().into(), AsRef::<str>::as_ref(uid.eid()))
    }

    /// As [`Name::of`], with the text of the type shared.
    pub(crate) fn sharing(uid: &EntityUID, kinds: &mut Kinds) -> Self {
        Self::new(kinds.of(uid.entity_type()), AsRef::<str>::as_ref(uid.eid()))
    }

    /// The type with its namespace, as Cedar writes it: `Shop::Order`.
    #[inline]
    pub(crate) fn kind(&self) -> &Arc<str> {
        &self.text.kind
    }

    /// The identifier.
    pub(crate) fn id(&self) -> &str {
        &self.text.id
    }

    /// The bytes that its letters occupy, those of the type left out.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Text>() + self.text.id.len()
    }

    /// The name as Cedar has it; `None` only if `kind` is no type name, which no constructor of this crate lets in.
    pub(crate) fn to_cedar(&self) -> Option<EntityUID> {
        let kind = ast::Name::from_str(self.kind()).ok()?;
        Some(EntityUID::from_components(EntityType::from(kind), Eid::new(self.id()), None))
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
        write!(f, "{}::{:?}", self.kind(), self.id())
    }
}
