//! Access lines about one request's path, whichever server wrote them: the refused request as it was logged, and whether
//! one member of a pool refuses while others do not.

use std::collections::BTreeMap;

use crate::hop::Hop;
use crate::logs::{self, AccessLine};
use crate::report::{Clue, Place, Strength};

/// Access lines for the request's path.
#[derive(Debug, Default)]
pub(crate) struct Accessed {
    pub(crate) lines: Vec<AccessLine>,
    /// The refused request itself, as it was logged.
    pub(crate) refused: Option<AccessLine>,
}

impl Accessed {
    /// Keeps the lines about this path.
    pub(crate) fn learn(&mut self, lines: impl Iterator<Item = AccessLine>, hop: &Hop) {
        self.lines.extend(lines.filter(|line| logs::fit(hop, &line.method, &line.target).is_some()));
    }

    /// Chooses the line of the refusal. What an upstream is named in is worth more than a plain line.
    pub(crate) fn choose(&mut self, hop: &Hop) {
        let refused = self.lines.iter().filter(|line| line.status == 403).filter_map(|line| {
            logs::fit(hop, &line.method, &line.target).map(|fit| (fit, line.when, line.clone()))
        });
        let mut refused: Vec<_> = refused.collect();
        if refused.iter().any(|(_, _, line)| !line.upstream_status.is_empty()) {
            refused.retain(|(_, _, line)| !line.upstream_status.is_empty());
        }
        self.refused = logs::best(refused, hop.at);
    }

    /// The request with what the log knows better: the client's address, a guessed agent.
    pub(crate) fn refined(&self, hop: &Hop) -> Hop {
        let mut hop = hop.clone();
        let Some(line) = &self.refused else { return hop };
        if hop.client.is_none() {
            hop.client = line.client;
        }
        if let Some(agent) = &line.user_agent
            && agent != "-"
            && hop.guessed.iter().any(|name| name == "User-Agent")
        {
            hop.set_header("User-Agent", agent);
        }
        hop
    }

    /// The same request answered now so, now so, by a pool of which no log names the member.
    pub(crate) fn changing(&self, members: usize) -> Option<Clue> {
        let refused = self.refused.as_ref()?;
        let same = || {
            self.lines.iter().filter(|line| line.method == refused.method && line.target == refused.target)
        };
        let (all, bad) = (same().count(), same().filter(|line| line.status == 403).count());
        let good = same().filter(|line| line.status < 400).count();
        (good > 0 && refused.upstream.is_empty()).then(|| {
            let said = format!("the same request was refused {bad} of {all} times, and goes to one of {members} members of a pool");
            Clue::new("lb.one-bad-backend", Strength::Strong, said)
                .quoting(Some(logs::quote(&refused.text)))
                .fixed_by(["log $upstream_addr, then take the member out that refuses".to_owned()])
        })
    }

    /// One member of a pool refuses, others do not.
    pub(crate) fn one_of_many(&self, place: Option<Place>, hop: &Hop) -> Option<Clue> {
        let mut shares: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for line in self.lines.iter().filter(|line| !line.upstream.is_empty() && line.upstream != "-") {
            let entry = shares.entry(line.upstream.as_str()).or_default();
            entry.0 += usize::from(line.status == 403);
            entry.1 += 1;
        }
        let bad: Vec<&str> = shares
            .iter()
            .filter(|(_, (refused, all))| refused * 10 >= all * 9)
            .map(|(member, _)| *member)
            .collect();
        let good = shares.iter().filter(|(_, (refused, all))| refused * 10 <= *all).count();
        let ([bad], true) = (bad.as_slice(), good > 0) else { return None };
        let table: Vec<String> =
            shares.iter().map(|(member, (refused, all))| format!("{member}: {refused} of {all}")).collect();
        let said = format!(
            "only `{bad}` answers 403 to `{}`; refused per member: {}",
            hop.raw_path(),
            table.join(", ")
        );
        Some(
            Clue::new("lb.one-bad-backend", Strength::Decisive, said)
                .at(place)
                .quoting(self.refused.as_ref().map(|line| logs::quote(&line.text)))
                .fixed_by([format!("take `{bad}` out of the pool, then compare its release, configuration and permissions with the others")]),
        )
    }
}
