//! `portcullis log`: the decisions that match, as they are written, or counted.

use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use portcullis_record::keys;
use portcullis_record::search::{self, Counts, Field, Filter, follow};
use serde_json::json;

use super::Failure;
use super::export::{self, Export};
use crate::cli::{Exit, complain, say};
use crate::config::measure;

/// Which decisions, and how.
#[derive(Debug, Default, PartialEq, clap::Args)]
pub(super) struct Show {
    /// Only what was denied.
    #[arg(long, conflicts_with = "allowed")]
    denied: bool,
    /// Only what was allowed.
    #[arg(long)]
    allowed: bool,
    /// Only with this public reason: `region_restricted`.
    #[arg(long, value_name = "REASON")]
    reason: Vec<String>,
    /// Only with this status, ours or the upstream's.
    #[arg(long, value_name = "STATUS", conflicts_with = "follow")]
    status: Vec<u16>,
    /// Not before this: a time, a date, or how long ago (`1h`, `7d`).
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// Before this.
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only this principal's, by its identifier; one with a pseudonym is found by its name, too.
    #[arg(long, value_name = "ID")]
    principal: Vec<String>,
    /// Only paths that begin like this.
    #[arg(long, value_name = "PREFIX")]
    path: Vec<String>,
    /// Only this app.
    #[arg(long, value_name = "APP")]
    app: Vec<String>,
    /// Only where this policy determined it.
    #[arg(long, value_name = "POLICY")]
    policy: Vec<String>,
    /// Show only the first so many.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["by", "per"])]
    limit: Option<usize>,
    /// Show what is written from now on.
    #[arg(long, short, conflicts_with_all = ["by", "per", "limit"])]
    follow: bool,
    /// Count, by what they have in common: `reason,country`. Also decision, status, app, route, principal, path, method,
    /// host, client, policy, tier, device, or the path of a fact.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    by: Vec<Field>,
    /// Count for each span of time: `5m`.
    #[arg(long, value_name = "SPAN", value_parser = span)]
    per: Option<SignedDuration>,
    /// Print in a form for other programs.
    #[arg(long, value_name = "FORM")]
    export: Option<Export>,
}

impl Show {
    pub(super) fn run(&self, folder: &Path) -> Result<Exit, Failure> {
        let filter = self.filter(folder)?;
        if !self.by.is_empty() || self.per.is_some() {
            return self.count(folder, &filter);
        }
        let mut to = BufWriter::new(std::io::stdout().lock());
        let mut shown = 0_usize;
        // A reader that goes away (`| head`) is no error.
        let mut done = export::begin(self.export, &mut to).is_err();
        let each = |to: &mut BufWriter<_>, line: &str| match export::print(self.export, line, to) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let found = if self.follow {
            let to = std::cell::RefCell::new(&mut to);
            follow::follow(
                folder,
                &filter,
                |line| each(&mut to.borrow_mut(), line),
                || {
                    if to.borrow_mut().flush().is_ok() {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    }
                },
            )
        } else {
            search::search(folder, &filter, |line| {
                if done || self.limit.is_some_and(|limit| shown >= limit) {
                    return ControlFlow::Break(());
                }
                shown += 1;
                let more = each(&mut to, line);
                done = more.is_break();
                more
            })
        };
        found.map_err(Failure::failed)?;
        if !done && to.flush().is_err() {
            return Ok(Exit::Done);
        }
        Ok(if shown == 0 && !self.follow && !done { Exit::Wrong } else { Exit::Done })
    }

    fn filter(&self, folder: &Path) -> Result<Filter, Failure> {
        let mut principals = self.principal.clone();
        if !principals.is_empty()
            && let Some(pseudonyms) = keys::pseudonyms(folder).map_err(Failure::failed)?
        {
            principals.extend(self.principal.iter().map(|name| pseudonyms.of(name)));
        }
        Ok(Filter {
            allowed: if self.denied { Some(false) } else { self.allowed.then_some(true) },
            reasons: self.reason.clone(),
            statuses: self.status.clone(),
            since: self.since,
            until: self.until,
            principals,
            paths: self.path.clone(),
            apps: self.app.clone(),
            policies: self.policy.clone(),
        })
    }

    fn count(&self, folder: &Path, filter: &Filter) -> Result<Exit, Failure> {
        let counts = search::count(folder, filter, &self.by, self.per).map_err(Failure::failed)?;
        match self.export {
            None => table(&counts),
            Some(Export::Csv) => {
                for ((span, group), count) in &counts.groups {
                    let span = span.map(|span| span.to_string());
                    let fields = span.into_iter().chain(group.iter().map(|part| search::show::field(part)));
                    let fields: Vec<_> = fields.chain([count.to_string()]).collect();
                    say(fields.join(","));
                }
            }
            Some(Export::Jsonl | Export::Ocsf) => {
                for ((span, group), count) in &counts.groups {
                    say(
                        json!({"since": span.map(|span| span.to_string()), "group": group, "decisions": count}),
                    );
                }
            }
        }
        for (count, text) in [
            (counts.other, "decisions are in groups beyond the first 100000"),
            (counts.left_out, "decisions in that time were left out by `log.drop`, and are not among these"),
            (counts.missing, "decisions in that time are missing from the log, which says so itself"),
        ] {
            if count > 0 {
                complain(format_args!("{count} {text}"), None);
            }
        }
        Ok(if counts.total == 0 { Exit::Wrong } else { Exit::Done })
    }
}

/// Counts for people: spans in their order, groups of one span by how many there are.
fn table(counts: &Counts) {
    let mut rows: Vec<_> = counts.groups.iter().collect();
    rows.sort_by_key(|((span, _), count)| (*span, std::cmp::Reverse(**count)));
    for ((span, group), count) in rows {
        let span = span.map(|span| format!("{span}  ")).unwrap_or_default();
        let shown = |part: &String| if part.is_empty() { "-".to_owned() } else { search::show::clean(part) };
        let group: Vec<_> = group.iter().map(shown).collect();
        say(format_args!("{span}{count:>10}  {}", group.join("  ")));
    }
    say(format_args!("{:>10}  in all", counts.total));
}

/// A time, a date, or how long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    if let Ok(ago) = span(text) {
        return Timestamp::now().checked_sub(ago).map_err(|fault| fault.to_string());
    }
    let date = || {
        let date: jiff::civil::Date = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok()
    };
    text.parse::<Timestamp>().ok().or_else(date).ok_or_else(|| {
        "write how long ago (`90s`, `1h`, `7d`), a date (`2026-11-24`), or a time (`2026-11-24T10:00:00Z`)".to_owned()
    })
}

fn span(text: &str) -> Result<SignedDuration, String> {
    SignedDuration::try_from(measure::duration(text)?).map_err(|fault| fault.to_string())
}
