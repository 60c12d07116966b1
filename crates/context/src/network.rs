//! Network zones: names for sets of networks (`office`, `vpn`), and which of them an address is in.
//!
//! It knows nothing of who may forward addresses; it is asked with the address that was settled. Cost of a question
//! follows the number of different prefix lengths, not the number of networks.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use ipnet::IpNet;

/// Named networks, ready to be asked.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    /// Sorted.
    names: Vec<String>,
    /// Indices into `names` by network.
    networks: HashMap<IpNet, Vec<usize>>,
    /// Prefix lengths in use, by address family.
    lengths_v4: BTreeSet<u8>,
    lengths_v6: BTreeSet<u8>,
}

/// Why networks or zones cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// Not CIDR notation.
    #[error("`{network}` is not a network\nhint: {hint}")]
    NotANetwork {
        /// As written.
        network: String,
        /// What it should look like.
        hint: String,
    },
    /// An address inside the network stands where the network's own should.
    #[error(
        "`{network}` has host bits set\nhint: write `{whole}` for the whole network, `{host}` for the one address"
    )]
    HostBits {
        /// As written.
        network: String,
        /// The network it is in.
        whole: String,
        /// The address alone.
        host: String,
    },
    /// Addresses are compared unmapped, so such a network would never match.
    #[error("`{network}` is an IPv4 network written as IPv6\nhint: {hint}")]
    Mapped {
        /// As written.
        network: String,
        /// The IPv4 form.
        hint: String,
    },
    /// A zone's name is empty, too long, or not printable.
    #[error("`{name}` cannot name a zone\nhint: use 1 to {MAX_NAME} letters, digits, `-`, `_` or `.`")]
    Name {
        /// As written, shortened.
        name: String,
    },
    /// More networks than are accepted.
    #[error(
        "{count} networks are more than {MAX_NETWORKS}\nhint: join neighbouring networks into larger ones"
    )]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// A zone's name may have this many characters; it is written into every record.
pub const MAX_NAME: usize = 64;
/// All zones together may have this many networks (about 10 MB); lists of this size belong into a geo database.
pub const MAX_NETWORKS: usize = 100_000;

impl Zones {
    /// Checks the networks and makes them ready to be asked.
    ///
    /// # Errors
    /// The first network or name that cannot be used, with how to write it.
    pub fn new(zones: BTreeMap<String, Vec<IpNet>>) -> Result<Self, ZoneError> {
        let count = zones.values().map(Vec::len).sum();
        if count > MAX_NETWORKS {
            return Err(ZoneError::TooMany { count });
        }
        let mut built = Self::default();
        for (index, (name, networks)) in zones.into_iter().enumerate() {
            check_name(&name)?;
            for network in networks {
                built.insert(check(network, &network.to_string())?, index);
            }
            built.names.push(name);
        }
        Ok(built)
    }

    /// The zones an address is in, sorted by name. An IPv4 address mapped into IPv6 is asked for as IPv4.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Vec<&str> {
        let address = address.to_canonical();
        let lengths = match address {
            IpAddr::V4(_) => &self.lengths_v4,
            IpAddr::V6(_) => &self.lengths_v6,
        };
        let mut found: Vec<usize> = lengths
            .iter()
            .filter_map(|length| IpNet::new(address, *length).ok())
            .filter_map(|network| self.networks.get(&network.trunc()))
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        found.dedup();
        found.into_iter().filter_map(|index| self.names.get(index)).map(String::as_str).collect()
    }

    /// The names of all zones, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn insert(&mut self, network: IpNet, zone: usize) {
        let lengths = match network {
            IpNet::V4(_) => &mut self.lengths_v4,
            IpNet::V6(_) => &mut self.lengths_v6,
        };
        lengths.insert(network.prefix_len());
        self.networks.entry(network).or_default().push(zone);
    }
}

/// Reads a network in CIDR notation (RFC 4632 §3.1); a bare address is the network of it alone.
///
/// # Errors
/// When it is no network, or has host bits set, with how to write it.
pub fn network(written: &str) -> Result<IpNet, ZoneError> {
    let parsed = match written.split_once('/') {
        // The standard library's addresses, since `ipnet` reads `010.0.0.0` as ten where others read eight.
        Some((address, length)) => address
            .parse::<IpAddr>()
            .ok()
            .zip(length.parse::<u8>().ok().filter(|_| length.bytes().all(|byte| byte.is_ascii_digit())))
            .and_then(|(address, length)| IpNet::new(address, length).ok()),
        None => written.parse::<IpAddr>().ok().map(IpNet::from),
    };
    check(parsed.ok_or_else(|| not_a_network(written))?, written)
}

fn check(network: IpNet, written: &str) -> Result<IpNet, ZoneError> {
    if network != network.trunc() {
        let host = network.addr().to_canonical().to_string();
        return Err(ZoneError::HostBits {
            network: written.to_owned(),
            whole: network.trunc().to_string(),
            host,
        });
    }
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && v6.prefix_len() >= 96
    {
        let hint = format!("write `{v4}/{}`", v6.prefix_len() - 96);
        return Err(ZoneError::Mapped { network: written.to_owned(), hint });
    }
    Ok(network)
}

fn not_a_network(written: &str) -> ZoneError {
    let network: String = written.chars().take(MAX_NAME).collect();
    let hint = match written.split_once('/') {
        Some((address, length)) if address.parse::<IpAddr>().is_ok() => {
            let most = if address.contains(':') { 128 } else { 32 };
            format!("the number after `/` is the prefix length, 0 to {most}, not `{length}`")
        }
        _ => "use CIDR notation: `10.0.0.0/8`, `2001:db8::/32`, or one address".to_owned(),
    };
    ZoneError::NotANetwork { network, hint }
}

fn check_name(name: &str) -> Result<(), ZoneError> {
    let plain = |character: char| character.is_alphanumeric() || matches!(character, '-' | '_' | '.');
    if name.is_empty() || name.chars().count() > MAX_NAME || !name.chars().all(plain) {
        return Err(ZoneError::Name { name: name.chars().take(MAX_NAME).collect() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
