//! Policies that pin nothing in their scope, and ask only the context: equality, networks, patterns.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{ask, bare, numbered, question};
use crate::random::Random;
use crate::workload::question::{Plain, Question, Written};

const USERS: usize = 100;
const COUNTRIES: [&str; 6] = ["DE", "FR", "US", "JP", "BR", "IN"];

/// A host, two countries and an hour; two policies a host.
pub(super) fn context(size: usize, random: &mut Random) -> Written {
    let hosts = size / 2 + 1;
    let permits: Vec<(usize, usize, i64)> =
        (0..size).map(|number| (number % hosts, random.below(5), random.below(24) as i64)).collect();
    let mut policies = String::new();
    for (host, country, hour) in &permits {
        let (first, second) = (COUNTRIES[*country], COUNTRIES[country + 1]);
        writeln!(
            policies,
            "permit(principal, action, resource) when {{ context.request.host == \"app{host}.example\" && \
             [\"{first}\", \"{second}\"].contains(context.geo.country) && context.time.hour < {hour} }};"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let (mut host, mut country, hour) = permits[random.below(size)];
        let mut hour = hour - 1;
        if !suit {
            (host, country, hour) = (random.below(hosts), random.below(6), random.below(24) as i64);
        }
        let allow = permits.iter().any(|permit| {
            permit.0 == host && (permit.1 == country || permit.1 + 1 == country) && hour < permit.2
        });
        let context = vec![
            ("request", Plain::Record(vec![("host", Plain::text(format!("app{host}.example")))])),
            ("geo", Plain::Record(vec![("country", Plain::text(COUNTRIES[country]))])),
            ("time", Plain::Record(vec![("hour", Plain::Long(hour))])),
        ];
        by_somebody(random, context, allow)
    });
    written(policies, questions)
}

/// Forbids of a network each, of both families and many lengths, and one permit.
pub(super) fn denylist(size: usize, random: &mut Random) -> Written {
    let networks: Vec<Network> = (0..size).map(|_| Network::draw(random)).collect();
    let mut policies = "permit(principal, action, resource);\n".to_owned();
    for network in &networks {
        let (address, length) = (network.address, network.length);
        writeln!(
            policies,
            "forbid(principal, action, resource) when {{ context.ip.isInRange(ip(\"{address}/{length}\")) }};"
        )
        .unwrap();
    }
    let questions = ask(random, |random, suit| {
        let address = if suit {
            networks[random.below(size)].address
        } else {
            Ipv4Addr::from_bits(0x0A00_0000 | random.below(1 << 24) as u32).into()
        };
        let allow = !networks.iter().any(|network| network.holds(address));
        by_somebody(random, vec![("ip", Plain::Address(address))], allow)
    });
    written(policies, questions)
}

/// Three in four by the beginning of a path, one in four by the end of a host.
pub(super) fn like(size: usize, random: &mut Random) -> Written {
    let by_host = |team: usize| team % 4 == 3;
    let mut policies = String::new();
    for team in 0..size {
        let condition = if by_host(team) {
            format!("context.host like \"*.team{team}.example\"")
        } else {
            format!("context.path like \"/team{team}/*/reports/*\"")
        };
        writeln!(policies, "permit(principal, action, resource) when {{ {condition} }};").unwrap();
    }
    let questions = ask(random, |random, suit| {
        // A team that no policy knows where nothing is to suit.
        let team = random.below(size) + if suit { 0 } else { size };
        let (host, path) = (format!("www.team{team}.example"), format!("/team{team}/q3/reports/42"));
        let allow = team < size;
        let (host, path) = match (random.chance(50), by_host(team)) {
            (true, true) => (host, "/".to_owned()),
            (true, false) => ("localhost".to_owned(), path),
            (false, _) => (host, path),
        };
        by_somebody(random, vec![("host", Plain::Text(host)), ("path", Plain::Text(path))], allow)
    });
    written(policies, questions)
}

struct Network {
    address: IpAddr,
    length: u32,
}

impl Network {
    /// Never within 10.0.0.0/8.
    fn draw(random: &mut Random) -> Self {
        if random.chance(50) {
            let length = 16 + random.below(17) as u32;
            let bits = ((11 + random.below(180)) as u32) << 24 | random.below(1 << 24) as u32;
            Self { address: Ipv4Addr::from_bits(bits & (u32::MAX << (32 - length))).into(), length }
        } else {
            let length = 32 + random.below(97) as u32;
            let bits = (0x2001_0db8_u128 << 96) | (u128::from(random.number()) << 32);
            Self { address: Ipv6Addr::from_bits(bits & (u128::MAX << (128 - length))).into(), length }
        }
    }

    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                (network.to_bits() ^ address.to_bits()) & (u32::MAX << (32 - self.length)) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()) & (u128::MAX << (128 - self.length)) == 0
            }
            _ => false,
        }
    }
}

fn by_somebody(random: &mut Random, context: Vec<(&'static str, Plain)>, allow: bool) -> Question {
    let user = numbered("User", "u", random.below(USERS));
    question(user, "GET", numbered("Route", "r", 0), context, allow)
}

fn written(policies: String, questions: Vec<Question>) -> Written {
    let entities = Box::new(|| {
        let mut entities = bare("User", "u", USERS);
        entities.extend(bare("Route", "r", 1));
        entities
    });
    Written { policies, entities, questions }
}
