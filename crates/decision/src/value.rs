//! Cedar values as programs and worlds keep them. They know no request; what a decision reads of one is a
//! [`View`](view::View).
//!
//! INVARIANT: two [`Stored`] are equal exactly if Cedar calls the values equal. Sets are sorted and without duplicates,
//! records are sorted by name, so that equality, order and search need nothing but comparison.

pub(crate) mod official;
pub(crate) mod view;

use std::net::IpAddr;
use std::sync::Arc;

use crate::name::Name;

/// A value that stands still.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stored {
    Bool(bool),
    Long(i64),
    Text(Arc<str>),
    Entity(Name),
    Network(Network),
    /// In ten-thousandths.
    Decimal(i64),
    /// Milliseconds since the Unix epoch.
    Datetime(i64),
    /// Milliseconds.
    Duration(i64),
    Set(Arc<Items>),
    Record(Arc<Fields>),
    /// What only partial evaluation could make something of. It is present, and reading it fails.
    Residual,
}

/// Cedar's `ipaddr`: an address, or a range written as an address and a prefix length. `10.0.0.1/24` and
/// `10.0.0.0/24` are different values and the same range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

impl Network {
    pub(crate) fn single(address: IpAddr) -> Self {
        Self { address, prefix: if address.is_ipv4() { 32 } else { 128 } }
    }

    /// Reads what Cedar writes, `address/prefix`, and plain addresses.
    pub(crate) fn read(text: &str) -> Option<Self> {
        match text.split_once('/') {
            Some((address, prefix)) => {
                Some(Self { address: address.parse().ok()?, prefix: prefix.parse().ok()? })
            }
            None => Some(Self::single(text.parse().ok()?)),
        }
    }

    /// The first `prefix` bits of the address, the others zero.
    pub(crate) fn masked(self, prefix: u8) -> u128 {
        match self.address {
            IpAddr::V4(address) => u128::from(
                u32::from(address) & u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0),
            ),
            IpAddr::V6(address) => {
                u128::from(address)
                    & u128::MAX.checked_shl(128_u32.saturating_sub(prefix.into())).unwrap_or(0)
            }
        }
    }

    /// Whether every address of this range is in `other`.
    pub(crate) fn is_in(self, other: Self) -> bool {
        self.address.is_ipv4() == other.address.is_ipv4()
            && other.prefix <= self.prefix
            && self.masked(other.prefix) == other.masked(other.prefix)
    }

    pub(crate) fn is_loopback(self) -> bool {
        self.address.is_loopback() && self.prefix >= if self.address.is_ipv4() { 8 } else { 128 }
    }

    pub(crate) fn is_multicast(self) -> bool {
        self.address.is_multicast() && self.prefix >= if self.address.is_ipv4() { 4 } else { 8 }
    }
}

/// The elements of a set: sorted, each once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Items {
    items: Box<[Stored]>,
    /// How each element begins, if all are texts: see [`beginning`].
    beginnings: Box<[u64]>,
}

impl FromIterator<Stored> for Items {
    fn from_iter<I: IntoIterator<Item = Stored>>(items: I) -> Self {
        let mut items: Vec<Stored> = items.into_iter().collect();
        items.sort_unstable();
        items.dedup();
        let beginning = |item: &Stored| match item {
            Stored::Text(text) => Some(beginning(text)),
            _ => None,
        };
        let beginnings = items.iter().map(beginning).collect::<Option<_>>().unwrap_or_default();
        Self { items: items.into_boxed_slice(), beginnings }
    }
}

impl Items {
    pub(crate) fn as_slice(&self) -> &[Stored] {
        &self.items
    }

    /// Whether a text is among them; `None` if not all of them are texts.
    #[inline]
    pub(crate) fn contains_text(&self, text: &str) -> Option<bool> {
        if self.beginnings.len() != self.items.len() {
            return None;
        }
        let wanted = beginning(text);
        let first = if self.beginnings.len() <= FEW {
            self.beginnings.iter().position(|known| *known >= wanted).unwrap_or(self.beginnings.len())
        } else {
            self.beginnings.partition_point(|known| *known < wanted)
        };
        let same = self.beginnings.iter().zip(&self.items).skip(first);
        let mut same = same.take_while(|(known, _)| **known == wanted);
        Some(same.any(|(_, item)| matches!(item, Stored::Text(known) if **known == *text)))
    }
}

/// So few are faster looked at one by one.
const FEW: usize = 16;

/// The first eight bytes of a text as a number, the first byte counting most and missing ones as zero: texts in order
/// have beginnings in order.
#[inline]
fn beginning(text: &str) -> u64 {
    match text.as_bytes().first_chunk::<8>() {
        Some(first) => u64::from_be_bytes(*first),
        None => {
            let some = text.bytes().fold(0, |number, byte| (number << 8) | u64::from(byte));
            some.checked_shl(8 * (8 - u32::try_from(text.len()).unwrap_or(8))).unwrap_or(0)
        }
    }
}

/// The fields of a record, or the attributes of an entity: sorted by name. Entities of one kind have the same names,
/// so these are shared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fields {
    names: Arc<[Arc<str>]>,
    values: Box<[Stored]>,
}

impl Fields {
    /// Fields in any order; of a name given twice, the first counts.
    pub(crate) fn new(fields: impl IntoIterator<Item = (Arc<str>, Stored)>) -> Self {
        let mut fields: Vec<(Arc<str>, Stored)> = fields.into_iter().collect();
        fields.sort_by(|(a, _), (b, _)| a.cmp(b));
        fields.dedup_by(|(a, _), (b, _)| a == b);
        let (names, values): (Vec<_>, Vec<_>) = fields.into_iter().unzip();
        Self { names: names.into(), values: values.into_boxed_slice() }
    }

    /// The same fields with names shared with all others that passed through `shapes`.
    pub(crate) fn sharing(mut self, shapes: &mut Shapes) -> Self {
        match shapes.0.get(&self.names) {
            Some(known) => self.names = Arc::clone(known),
            None => {
                shapes.0.insert(Arc::clone(&self.names));
            }
        }
        self
    }

    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&Stored> {
        let at = if self.names.len() <= 8 {
            self.names.iter().position(|known| known.len() == name.len() && **known == *name)
        } else {
            self.names.binary_search_by(|known| (**known).cmp(name)).ok()
        };
        self.values.get(at?)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Stored)> {
        self.names.iter().zip(&self.values)
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

/// The lists of names that are in use.
#[derive(Debug, Default)]
pub(crate) struct Shapes(std::collections::BTreeSet<Arc<[Arc<str>]>>);

#[cfg(test)]
mod tests;
