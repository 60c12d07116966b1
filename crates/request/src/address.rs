//! Forwarded addresses, believed only from peers that were named.

/// The peers whose `X-Forwarded-*` count. Empty by default: nobody's do.
#[derive(Debug, Clone, Default)]
pub struct TrustedPeers(pub(crate) Vec<ipnet::IpNet>);
