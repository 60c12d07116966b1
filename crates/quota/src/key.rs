//! What requests are counted by, as 128 bits. The parts themselves (names, addresses, keys) are not kept.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::OnceLock;

/// Whose requests are counted together: a keyed hash of the parts that tell callers apart.
///
/// The hash is SipHash under keys drawn at random when the process starts, so that nobody can choose names that fall into
/// one shard or share a bucket; 128 bits, so that two callers do not share one by chance either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

impl Key {
    /// The key of `parts`, in their order. Each part's length is hashed with it: `["ab", "c"]` is not `["a", "bc"]`.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        static SECRETS: OnceLock<[RandomState; 2]> = OnceLock::new();
        let secrets = SECRETS.get_or_init(|| [RandomState::new(), RandomState::new()]);
        let [high, low] = secrets.each_ref().map(|secret| {
            let mut hasher = secret.build_hasher();
            hasher.write_usize(parts.len());
            for part in parts {
                hasher.write_usize(part.len());
                hasher.write(part);
            }
            hasher.finish()
        });
        Self { high, low }
    }

    /// The key of an address: all of an IPv4 address, the first 64 bits of an IPv6 one.
    ///
    /// A single host owns a whole /64 (RFC 4291 §2.5.1, RFC 7421) and may use a new address of it for each request
    /// (RFC 8981), so counting whole IPv6 addresses counts nothing. Sites often hold a /56 or /48 (RFC 6177); counting by
    /// those would make neighbours pay for each other, so whoever has more /64s has more buckets. An IPv4 address written
    /// as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address.
    #[must_use]
    pub fn of_address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of(&[b"ipv4", &address.octets()]),
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64));
                Self::of(&[b"ipv6", &network.octets()])
            }
        }
    }
}

impl Hash for Key {
    /// Half of the key is enough of a hash: it is one already.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

/// Hands a key's own bits to the table, instead of hashing a hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn address(text: &str) -> Key {
        Key::of_address(text.parse().unwrap())
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        let different: [&[&[u8]]; 7] =
            [&[], &[b""], &[b"", b""], &[b"ab", b"c"], &[b"a", b"bc"], &[b"abc"], &[b"c", b"ab"]];
        let keys: BTreeSet<_> =
            different.iter().map(|parts| Key::of(parts)).map(|k| (k.high, k.low)).collect();
        assert_eq!(keys.len(), different.len());
        assert_eq!(Key::of(&[b"a", b"b"]), Key::of(&[b"a", b"b"]));
        assert_ne!(Key::of(&[b"a"]).high, Key::of(&[b"a"]).low, "two independent halves");
    }

    #[test]
    fn a_host_is_its_64_bit_network() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }

    #[test]
    fn no_name_is_an_address() {
        assert_ne!(address("192.0.2.1"), Key::of(&[b"192.0.2.1"]));
    }
}
