//! Gathering the dimensions while rows are added: bundles are numbered, the tags of each new one are told.
//!
//! INVARIANT: names are bounded, whatever callers send; what comes after is in the study without a name.

use std::collections::HashSet;
use std::net::IpAddr;

use super::{Dimension, Interner, NONE, Row, Subject, address, agent, geo};
use crate::entry::Entry;

/// Most names of one dimension: words of queries are whatever callers send.
const MOST_NAMES: usize = 1 << 17;

/// What is gathered while rows are added.
pub(super) struct Builder {
    pub(super) parts: Vec<Part>,
    pub(super) referrers: Referrers,
    pub(super) users: Interner,
    pub(super) clients: Interner,
    pub(super) paths: Interner,
    pub(super) notes: Vec<(String, u64)>,
    pub(super) client: String,
}

impl Default for Builder {
    fn default() -> Self {
        use Subject::{Agent, Country, Host, Method, Owner, Path, Protocol, Query, Upstream};
        let subjects = [Path, Agent, Upstream, Method, Query, Host, Protocol, Country, Owner];
        Self {
            parts: subjects.into_iter().map(Part::new).collect(),
            referrers: Referrers::default(),
            users: Interner::default(),
            clients: Interner::default(),
            paths: Interner::default(),
            notes: Vec::new(),
            client: String::new(),
        }
    }
}

impl Builder {
    pub(super) fn bundles(&mut self, entry: &Entry<'_>, address: Option<IpAddr>, geo: Option<&geo::Geo>) {
        let place = address.zip(geo).map(|(address, geo)| geo.place(address)).unwrap_or_default();
        for part in &mut self.parts {
            let bundle = match part.subject {
                Subject::Path => entry.path(),
                Subject::Agent => &entry.agent,
                Subject::Upstream => &entry.upstream,
                Subject::Method => &entry.method,
                Subject::Query => &entry.target,
                Subject::Host => &entry.host,
                Subject::Protocol => &entry.protocol,
                Subject::Country => &place.country,
                Subject::Owner => &place.owner,
                Subject::Referrer => continue,
            };
            part.add(bundle);
        }
        self.referrers.add(entry);
    }
}

/// A dimension that grows.
pub(super) struct Part {
    subject: Subject,
    bundles: Vec<u32>,
    known: Interner,
    tags: Vec<Vec<u32>>,
    names: Interner,
    ranks: Vec<u8>,
}

impl Part {
    fn new(subject: Subject) -> Self {
        let known = Interner::default();
        Self {
            subject,
            bundles: Vec::new(),
            known,
            tags: Vec::new(),
            names: Interner::default(),
            ranks: Vec::new(),
        }
    }

    fn add(&mut self, bundle: &str) {
        let is_query = self.subject == Subject::Query;
        // What has no query and nothing odd in its path is one bundle: nothing to tell apart by words.
        let plain = is_query && !bundle.contains(['?', '%']) && !bundle.contains("..");
        let bundle = if plain { "" } else { bundle };
        if bundle.is_empty() && !matches!(self.subject, Subject::Agent | Subject::Query) {
            self.bundles.push(NONE);
            return;
        }
        let number = self.known.number(bundle);
        if number as usize == self.tags.len() {
            let tags = match self.subject {
                Subject::Path => address::path_tags(bundle),
                Subject::Agent => agent::tags(bundle),
                Subject::Query => address::query_tags(bundle),
                _ => vec![(bundle.to_owned(), 0)],
            };
            let tags = tags.into_iter().filter_map(|(name, rank)| self.tag(&name, rank)).collect();
            self.tags.push(tags);
        }
        self.bundles.push(number);
    }

    /// The number of a name; none where there are too many names already.
    fn tag(&mut self, name: &str, rank: u8) -> Option<u32> {
        if self.names.strings.len() >= MOST_NAMES && !self.names.numbers.contains_key(name) {
            return None;
        }
        let number = self.names.number(name);
        if number as usize == self.ranks.len() {
            self.ranks.push(rank);
        }
        Some(number)
    }

    pub(super) fn into_dimension(self) -> Dimension {
        let names = self.names.strings.into_iter().zip(self.ranks).collect();
        Dimension { subject: self.subject, bundles: self.bundles, tags: self.tags, names }
    }
}

/// Referrers, whose tags can only be told once it is known which host is the site's own.
#[derive(Default)]
pub(super) struct Referrers {
    hosts: Interner,
    of_rows: Vec<u32>,
    asked: Interner,
}

impl Referrers {
    fn add(&mut self, entry: &Entry<'_>) {
        self.of_rows.push(self.hosts.number(address::referrer_host(&entry.referrer)));
        if !entry.host.is_empty() && self.asked.strings.len() < 1_000 {
            self.asked.number(address::referrer_host(&entry.host));
        }
    }

    /// The site's own hosts: those that were asked for, or else the one most visitors come from.
    pub(super) fn own(&self, rows: &[Row]) -> Vec<String> {
        let mut counts = vec![0u64; self.hosts.strings.len()];
        for (host, row) in self.of_rows.iter().zip(rows) {
            if !row.refused
                && let Some(count) = counts.get_mut(*host as usize)
            {
                *count += 1;
            }
        }
        let named = || self.hosts.strings.iter().zip(&counts).filter(|(host, _)| !host.is_empty());
        let asked = |host: &str| self.asked.numbers.contains_key(host);
        let known: Vec<String> =
            named().filter(|(host, _)| asked(host)).map(|(host, _)| host.clone()).collect();
        if !known.is_empty() {
            return known;
        }
        let most = named().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        let total: u64 = named().map(|(_, count)| count).sum();
        most.filter(|(_, count)| **count * 3 > total).map(|(host, _)| host.clone()).into_iter().collect()
    }

    pub(super) fn into_dimension(self, own: &[String]) -> Dimension {
        let mut part = Part::new(Subject::Referrer);
        let another = part.tag("another site", 2);
        let own: HashSet<&String> = own.iter().collect();
        let is_own = |host: &String| own.contains(host);
        let mut tags = Vec::new();
        for host in &self.hosts.strings {
            let own = if host.is_empty() { part.tag("no referrer", 1) } else { part.tag(host, 1) };
            let foreign = !host.is_empty() && !is_own(host);
            tags.push(own.into_iter().chain(another.filter(|_| foreign)).collect());
        }
        part.tags = tags;
        part.bundles = self.of_rows;
        part.into_dimension()
    }
}
