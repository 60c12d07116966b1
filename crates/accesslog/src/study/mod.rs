//! The sampled lines, taken apart: one row a request, and the dimensions along which requests differ.
//!
//! A row belongs to one bundle of each dimension (one whole `User-Agent`, one path), a bundle has several tags (the names a
//! rule could be written for). Bundles are counted, tags are added up from bundles.

pub(crate) mod address;
pub(crate) mod agent;
mod build;
pub(crate) mod geo;
pub(crate) mod scanner;

use std::collections::HashMap;
use std::net::IpAddr;

use build::{Builder, Part};

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
