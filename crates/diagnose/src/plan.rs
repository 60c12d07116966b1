//! Which probe next: of those that make sense for this request, the one whose outcome is expected to tell the remaining
//! causes apart best; none when nothing is left to learn. It sends nothing.

use std::collections::HashSet;

use crate::asked::{Asked, Scheme, Version};
use crate::evidence::Evidence;
use crate::infer::{Ranking, expected_gain};
use crate::probe::Probe;
use crate::signals::Seen;

/// Below this a probe is not worth a request of somebody's server.
const WORTH: f64 = 0.035;
/// Above this the first cause is certain enough.
const CERTAIN: f64 = 0.985;

/// Probes that make sense for a request, in the order in which they are considered.
#[must_use]
pub fn candidates(asked: &Asked, made_up: &str, addresses: &[std::net::IpAddr]) -> Vec<Probe> {
    let mut probes = vec![
        Probe::Get,
        Probe::Child,
        Probe::Sibling,
        Probe::Suffix,
        Probe::Root,
        Probe::Credentials,
        Probe::Cookie,
        Probe::Query,
        Probe::Origin,
        Probe::Referer,
        Probe::OwnReferer,
        Probe::Agent,
        Probe::Browser,
        Probe::ExtraHeader,
        Probe::Plain,
        Probe::Host,
        Probe::Direct,
        Probe::Port,
        Probe::Scheme,
        Probe::Cache,
        Probe::Dot,
        Probe::Slash,
        Probe::Parent,
        Probe::OtherVersion,
        Probe::Repeat,
        Probe::Pause,
    ];
    if asked.method != "GET" && asked.method != "HEAD" && asked.is_unsafe() {
        // Where the method is the thing, the same in GET is the base of all that follows.
        probes.retain(|probe| {
            !matches!(
                probe,
                Probe::Agent | Probe::Browser | Probe::Origin | Probe::Referer | Probe::OwnReferer
            )
        });
    }
    if asked.version == Version::Any && asked.url.scheme == Scheme::Http {
        probes.retain(|probe| *probe != Probe::OtherVersion);
    }
    if asked.proxy.is_none() && addresses.len() > 1 {
        probes.extend(addresses.iter().take(4).copied().map(Probe::Address));
    }
    probes.retain(|probe| probe.apply(asked, made_up).is_some());
    probes
}

/// The best of what is left, with what it is expected to bring.
#[must_use]
pub fn next(
    evidence: &Evidence,
    ranking: &Ranking,
    seen: &Seen,
    left: &[Probe],
    made: &HashSet<Probe>,
) -> Option<(Probe, f64)> {
    if ranking.first().is_none_or(|(_, confidence)| confidence >= CERTAIN) {
        return None;
    }
    let open = |probe: &Probe| {
        let group = probe.group();
        // Every address is asked, everything else once.
        matches!(probe, Probe::Address(_))
            || !evidence.outcomes(group).any(|(index, _)| seen.get(index).is_some())
    };
    let mut best: Option<(Probe, f64)> = None;
    for probe in left.iter().filter(|probe| !made.contains(*probe) && open(probe)) {
        let mut gain = expected_gain(evidence, ranking, probe.group());
        if *probe == Probe::Pause {
            gain *= 0.4; // it costs the reader's time besides
        }
        if gain > best.as_ref().map_or(WORTH, |(_, gain)| *gain) {
            best = Some((probe.clone(), gain));
        }
    }
    best
}
