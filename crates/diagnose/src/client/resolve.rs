//! Where a name is: what the caller said by hand, else what the system's resolver says.

use std::net::{IpAddr, SocketAddr};

use tokio::net::lookup_host;

use crate::answer::Failure;
use crate::asked::{Asked, Family, Url};

/// The addresses of a name as the system's resolver gives them, hosts file included; each once.
///
/// # Errors
///
/// The name is unknown, or the resolver fails.
pub async fn lookup(host: &str, port: u16) -> Result<Vec<IpAddr>, Failure> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(vec![address]);
    }
    let found = lookup_host((host, port)).await.map_err(|fault| {
        let why = fault.to_string();
        let unknown =
            ["not known", "No address", "nodename", "No such host"].iter().any(|text| why.contains(text));
        if unknown {
            Failure::NoSuchHost(host.to_owned())
        } else {
            Failure::Resolver { host: host.to_owned(), why }
        }
    })?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.map(|address| address.ip()) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() { Err(Failure::NoSuchHost(host.to_owned())) } else { Ok(addresses) }
}

pub(super) async fn addresses(asked: &Asked, only: Option<IpAddr>) -> Result<Vec<SocketAddr>, Failure> {
    let (host, port) = (&asked.url.host, asked.url.port);
    let found = match only {
        Some(address) => vec![address],
        None => match by_hand(asked) {
            Some(addresses) => addresses.to_vec(),
            None => lookup(host, port).await?,
        },
    };
    let fits = |address: &IpAddr| match asked.family {
        Family::Any => true,
        Family::Four => address.is_ipv4(),
        Family::Six => address.is_ipv6(),
    };
    let fitting: Vec<_> =
        found.into_iter().filter(fits).map(|address| SocketAddr::new(address, port)).collect();
    if fitting.is_empty() {
        return Err(Failure::NoSuchHost(format!("{host} (in the address family asked for)")));
    }
    Ok(fitting)
}

/// What `--resolve` says of the host.
pub(crate) fn by_hand(asked: &Asked) -> Option<&[IpAddr]> {
    let fits = |host: &str| host == "*" || host.eq_ignore_ascii_case(&asked.url.host);
    asked
        .resolve
        .iter()
        .find(|resolve| fits(&resolve.host) && resolve.port == asked.url.port)
        .map(|resolve| resolve.addresses.as_slice())
}

pub(super) async fn addresses_of_proxy(proxy: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let found = lookup(&proxy.host, proxy.port).await?;
    Ok(found.into_iter().map(|address| SocketAddr::new(address, proxy.port)).collect())
}
