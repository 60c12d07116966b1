//! The sampled lines, taken apart: one row a request, and the dimensions along which requests differ.
//!
//! A row belongs to one bundle of each dimension (one whole `User-Agent`, one path), a bundle has several tags (the names a
//! rule could be written for). Bundles are counted, tags are added up from bundles.

pub(crate) mod address;
pub(crate) mod agent;
pub(crate) mod geo;
pub(crate) mod scanner;

use std::collections::HashMap;
use std::net::IpAddr;

use crate::entry::Entry;
use crate::format::{Format, Line};
use crate::tally::{Minute, Tally};

/// No bundle: the log does not say.
pub(crate) const NONE: u32 = u32::MAX;

/// What a dimension is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Subject {
    Path,
    Agent,
    Upstream,
    Method,
    Referrer,
    Query,
    Host,
    Protocol,
    Country,
    Owner,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) refused: bool,
    /// Which of the study's minutes; `NONE` where the line does not say.
    pub(crate) minute: u32,
    /// The caller's address: IPv4 mapped into IPv6.
    pub(crate) address: Option<u128>,
    /// Whose request: address and agent.
    pub(crate) client: u32,
    /// The account.
    pub(crate) user: u32,
    /// Whether it is for what pages embed.
    pub(crate) is_static: bool,
    pub(crate) status: u16,
    pub(crate) size: Option<u32>,
    /// Which of the sampled lines it is.
    pub(crate) line: u32,
}

/// One way in which requests differ.
#[derive(Debug)]
pub(crate) struct Dimension {
    pub(crate) subject: Subject,
    /// The bundle of each row.
    pub(crate) bundles: Vec<u32>,
    /// The tags of each bundle.
    pub(crate) tags: Vec<Vec<u32>>,
    /// The name and rank of each tag.
    pub(crate) names: Vec<(String, u8)>,
}

/// Everything that the search looks at.
#[derive(Debug, Default)]
pub(crate) struct Study {
    pub(crate) rows: Vec<Row>,
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) users: Vec<String>,
    pub(crate) clients: Vec<String>,
    /// Paths, for what is asked about single requests.
    pub(crate) paths: Interner,
    pub(crate) path_of: Vec<u32>,
    /// Minutes since 1970 and what all lines say of each, from the first to the last without gaps.
    pub(crate) minutes: Vec<(i64, Minute)>,
    /// Minutes that each of the study's minutes stands for: 1 unless the log is of years.
    pub(crate) width: i64,
    pub(crate) weights: [f64; 2],
    pub(crate) offset: i16,
    /// Hosts that are the site's own, as referrers show them.
    pub(crate) own_hosts: Vec<String>,
    pub(crate) lines: Vec<String>,
    /// What lines say of who answered, with how many of those refused do.
    pub(crate) notes: Vec<(String, u64)>,
}

/// Strings by number.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    numbers: HashMap<String, u32, ahash::RandomState>,
    pub(crate) strings: Vec<String>,
}

impl Interner {
    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = u32::try_from(self.strings.len()).unwrap_or(NONE);
        self.strings.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn number_or_none(&mut self, text: &str) -> u32 {
        if text.is_empty() { NONE } else { self.number(text) }
    }
}

/// Most minutes that are told apart; longer logs are looked at in wider steps.
const MOST_MINUTES: i64 = 40_000;

impl Study {
    /// Takes the sampled lines apart.
    pub(crate) fn of(tally: &Tally, formats: &[Format], geo: Option<&geo::Geo>) -> Self {
        let mut study = Self {
            weights: [tally.sample.weight(false), tally.sample.weight(true)],
            offset: tally.minutes.offset(),
            ..Self::default()
        };
        study.set_minutes(&tally.minutes.in_order());
        let mut builder = Builder::default();
        let other = Format::Text;
        for sampled in tally.sample.lines() {
            let format = formats.get(sampled.file as usize).unwrap_or(&other);
            let text = String::from_utf8_lossy(sampled.line);
            let Some((Line::Request(entry), _)) = format.read_anyhow(&text) else { continue };
            let line = u32::try_from(study.lines.len()).unwrap_or(NONE);
            study.lines.push(if sampled.refused { text.trim_end().to_owned() } else { String::new() });
            study.add(&entry, line, &mut builder, geo);
        }
        study.users = builder.users.strings;
        study.clients = builder.clients.strings;
        study.paths = builder.paths;
        study.own_hosts = builder.referrers.own(&study.rows);
        builder.notes.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        study.notes = builder.notes;
        study.dimensions = builder.parts.into_iter().map(Part::into_dimension).collect();
        let own = study.own_hosts.clone();
        study.dimensions.push(builder.referrers.into_dimension(&own));
        study.dimensions.retain(|dimension| dimension.tags.len() > 1);
        study
    }

    fn set_minutes(&mut self, counted: &[(i64, Minute)]) {
        // Clocks that are wrong by years would stretch the axis: the middle 99.99 % of the requests set its ends.
        let total: u64 = counted.iter().map(|(_, minute)| minute.all).sum();
        let (mut before, mut first, mut last) = (0u64, None, 0);
        for (minute, counts) in counted {
            before += counts.all;
            if first.is_none() && before * 20_000 > total {
                first = Some(*minute);
            }
            if (before - counts.all) * 20_000 <= total.saturating_mul(19_999) {
                last = *minute;
            }
        }
        let Some(first) = first else { return };
        self.width = ((last - first) / MOST_MINUTES + 1).max(1);
        let length = usize::try_from((last - first) / self.width + 1).unwrap_or(1);
        self.minutes = (0..length).map(|at| (first + at as i64 * self.width, Minute::default())).collect();
        for (minute, counts) in counted {
            if let Some((_, mine)) = usize::try_from((minute - first).div_euclid(self.width))
                .ok()
                .and_then(|at| self.minutes.get_mut(at))
            {
                mine.all += counts.all;
                mine.refused += counts.refused;
            }
        }
    }

    fn add(&mut self, entry: &Entry<'_>, line: u32, builder: &mut Builder, geo: Option<&geo::Geo>) {
        let path = builder.paths.number(entry.path());
        self.path_of.push(path);
        let address = entry.address.parse::<IpAddr>().ok();
        builder.bundles(entry, address, geo);
        let minute = entry.time.and_then(|time| {
            let first = self.minutes.first()?.0;
            let at = (time.seconds.div_euclid(60) - first).div_euclid(self.width.max(1));
            u32::try_from(at).ok().filter(|at| (*at as usize) < self.minutes.len())
        });
        builder.client.clear();
        builder.client.push_str(&entry.address);
        builder.client.push(' ');
        builder.client.push_str(&entry.agent);
        let refused = entry.status == 403;
        if refused && !entry.note.is_empty() {
            let known = builder.notes.len();
            match builder.notes.iter_mut().find(|(note, _)| *note == entry.note) {
                Some((_, count)) => *count += 1,
                None if known < 64 => builder.notes.push((entry.note.to_string(), 1)),
                None => {}
            }
        }
        let client = std::mem::take(&mut builder.client);
        self.rows.push(Row {
            refused,
            minute: minute.unwrap_or(NONE),
            address: address.map(mapped),
            client: builder.clients.number(&client),
            user: builder.users.number_or_none(&entry.user),
            is_static: address::is_static(entry.path()),
            status: entry.status,
            size: entry.size.and_then(|size| u32::try_from(size).ok()),
            line,
        });
        builder.client = client;
    }

    /// How many lines a row stands for.
    pub(crate) fn weight(&self, row: &Row) -> f64 {
        let [other, refused] = self.weights;
        if row.refused { refused } else { other }
    }
}

/// An address as one number, IPv4 mapped into IPv6.
pub(crate) fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => u128::from(four.to_ipv6_mapped()),
        IpAddr::V6(six) => u128::from(six),
    }
}

/// What is gathered while rows are added.
struct Builder {
    parts: Vec<Part>,
    referrers: Referrers,
    users: Interner,
    clients: Interner,
    paths: Interner,
    notes: Vec<(String, u64)>,
    client: String,
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
    fn bundles(&mut self, entry: &Entry<'_>, address: Option<IpAddr>, geo: Option<&geo::Geo>) {
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
struct Part {
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
            let tags = tags.into_iter().map(|(name, rank)| self.tag(&name, rank)).collect();
            self.tags.push(tags);
        }
        self.bundles.push(number);
    }

    fn tag(&mut self, name: &str, rank: u8) -> u32 {
        let number = self.names.number(name);
        if number as usize == self.ranks.len() {
            self.ranks.push(rank);
        }
        number
    }

    fn into_dimension(self) -> Dimension {
        let names = self.names.strings.into_iter().zip(self.ranks).collect();
        Dimension { subject: self.subject, bundles: self.bundles, tags: self.tags, names }
    }
}

/// Referrers, whose tags can only be told once it is known which host is the site's own.
#[derive(Default)]
struct Referrers {
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
    fn own(&self, rows: &[Row]) -> Vec<String> {
        let mut counts = vec![0u64; self.hosts.strings.len()];
        for (host, row) in self.of_rows.iter().zip(rows) {
            if !row.refused
                && let Some(count) = counts.get_mut(*host as usize)
            {
                *count += 1;
            }
        }
        let named = || self.hosts.strings.iter().zip(&counts).filter(|(host, _)| !host.is_empty());
        let asked = |host: &str| self.asked.strings.iter().any(|asked| asked == host);
        let known: Vec<String> =
            named().filter(|(host, _)| asked(host)).map(|(host, _)| host.clone()).collect();
        if !known.is_empty() {
            return known;
        }
        let most = named().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0)));
        let total: u64 = named().map(|(_, count)| count).sum();
        most.filter(|(_, count)| **count * 3 > total).map(|(host, _)| host.clone()).into_iter().collect()
    }

    fn into_dimension(self, own: &[String]) -> Dimension {
        let mut part = Part::new(Subject::Referrer);
        let another = part.tag("another site", 2);
        let mut tags = Vec::new();
        for host in &self.hosts.strings {
            tags.push(if host.is_empty() {
                vec![part.tag("no referrer", 1)]
            } else if own.contains(host) {
                vec![part.tag(host, 1)]
            } else {
                vec![part.tag(host, 1), another]
            });
        }
        part.tags = tags;
        part.bundles = self.of_rows;
        part.into_dimension()
    }
}
