//! From server to server: which root answers where the request is sent, and what it comes to there.

use std::path::PathBuf;

use crate::application;
use crate::beside;
use crate::condition::Truth;
use crate::hop::{self, Hop};
use crate::report::{Clue, SiteReport, Strength};
use crate::site::{Next, Role, Site};
use crate::source::Files;

/// Servers on one way.
const MOST_HOPS: u8 = 8;
/// Judgements in one run: pools fan out.
const MOST_JUDGED: usize = 64;

/// Follows the request from its entry.
pub(crate) fn follow(
    sites: &[Box<dyn Site>],
    sources: &[PathBuf],
    mut first: Hop,
    files: &mut Files,
) -> SiteReport {
    let mut report = SiteReport::default();
    let Some(entry) = entry(sites, &first) else {
        report.clues.extend(sources.iter().filter_map(|source| application::from_source(source, &first)));
        return report;
    };
    // Whoever reaches a server that listens at the loopback address alone is on this machine.
    let elsewhere = entry.listens("192.0.2.1", first.port);
    if first.client.is_none()
        && entry.listens("127.0.0.1", first.port) == Truth::Yes
        && elsewhere == Truth::No
    {
        first.client = hop::loopback("localhost");
    }
    let mut way = Way { sites, sources, files, report: &mut report, judged: 0 };
    way.step(entry, first);
    report
}

/// The root that listens where the request was sent; if none says so, the one that nothing else leads to.
fn entry<'s>(sites: &'s [Box<dyn Site>], hop: &Hop) -> Option<&'s dyn Site> {
    let listening = |wanted: Truth| sites.iter().find(|site| site.listens(&hop.address, hop.port) == wanted);
    // A forward proxy does not listen at the destination; it is asked in its place.
    listening(Truth::Yes)
        .or_else(|| sites.iter().find(|site| site.forwards()))
        .or_else(|| listening(Truth::Unknown))
        .or(sites.first())
        .map(Box::as_ref)
}

struct Way<'s, 'f> {
    sites: &'s [Box<dyn Site>],
    sources: &'s [PathBuf],
    files: &'f mut Files,
    report: &'f mut SiteReport,
    judged: usize,
}

impl<'s> Way<'s, '_> {
    /// Judges the request at one server and follows it. Says whether something certainly refuses it from there on.
    fn step(&mut self, site: &dyn Site, hop: Hop) -> Truth {
        if hop.depth > MOST_HOPS || self.judged >= MOST_JUDGED {
            return Truth::Unknown;
        }
        self.judged += 1;
        let judgement = site.judge(&hop, self.files);
        self.report.servers.extend(judgement.server);
        let refused = judgement.clues.iter().any(|clue| clue.strength == Strength::Decisive);
        self.report.clues.extend(judgement.clues);
        if refused {
            return Truth::Yes;
        }
        let mut outcome = Truth::No;
        let origins = judgement.next.iter().filter(|next| next.role == Role::Origin).count();
        let keeps = self.report.clues.iter().position(|clue| clue.cause == "cache.stale-403");
        let mut known = false;
        let mut refusing = Vec::new();
        let mut passing = 0_usize;
        for next in &judgement.next {
            let (clues, servers) = (self.report.clues.len(), self.report.servers.len());
            let inner = self.inner(next, site);
            let found = self.listening(next).is_some();
            known |= found;
            if next.role == Role::Origin && inner == Truth::Yes {
                refusing.push(next.label.clone());
            }
            passing += usize::from(found && next.role == Role::Origin && inner != Truth::Yes);
            if next.refused == Truth::No {
                // Another member of the pool answered; this one is looked at for comparison only.
                self.report.clues.truncate(clues);
                self.report.servers.truncate(servers);
                continue;
            }
            outcome = outcome.or(inner);
        }
        if let Some(clue) = keeps.and_then(|at| self.report.clues.get_mut(at))
            && known
            && outcome != Truth::Yes
        {
            clue.strength = Strength::Strong;
            clue.said =
                format!("{}; the server behind it does not refuse the request as it stands now", clue.said);
        }
        if origins > 1 && !known && refusing.is_empty() {
            let said = format!("the request goes to one of {origins} members of a pool, which may differ");
            let clue = Clue::new("lb.one-bad-backend", Strength::Suggestive, said).fixed_by([
                "repeat the request some times: one bad member shows as a steady share of 403".to_owned(),
            ]);
            self.report.clues.push(clue);
        }
        if passing > 0 && refusing.len() == 1 {
            self.one_of_many(&refusing, origins);
        }
        outcome
    }

    /// The root that answers there.
    fn listening(&self, next: &Next) -> Option<&'s dyn Site> {
        let found = self.sites.iter().find(|site| match &next.socket {
            Some(socket) => site.listens_at(socket),
            None => site.listens(&next.hop.address, next.hop.port) == Truth::Yes,
        });
        found.map(Box::as_ref)
    }

    /// What becomes of the request at the next server.
    fn inner(&mut self, next: &Next, from: &dyn Site) -> Truth {
        let found = self.listening(next);
        let before = self.report.clues.len();
        let inner = match found {
            Some(site) => self.step(site, next.hop.clone()),
            None => Truth::Unknown,
        };
        match next.role {
            Role::Authorizer => self.authorizer(next, from, inner, before),
            Role::Php if found.is_none() => self.php(next),
            Role::Origin if found.is_none() => self.application(next, from),
            Role::Origin | Role::Php => inner,
        }
    }

    /// An authorizer's refusal is the server's that asked it.
    fn authorizer(&mut self, next: &Next, from: &dyn Site, inner: Truth, before: usize) -> Truth {
        for clue in self.report.clues.iter_mut().skip(before) {
            clue.strength = clue.strength.min(Strength::Suggestive);
        }
        let sure = inner == Truth::Yes || next.refused == Truth::Yes;
        let (cause, fix) = match from.kind() {
            "caddy" => (
                "caddy.forward_auth",
                "pass Cookie, Authorization and the original URI to the authorizer (`copy_headers`, `header_up`)",
            ),
            "envoy" => (
                "envoy.ext_authz",
                "look the request up in the authorizer's log; pass the header fields it needs (`allowed_headers`)",
            ),
            _ => (
                "nginx.auth_request-denied",
                "repeat the subrequest against the authorizer with the same cookies; pass it Cookie, Authorization and `X-Original-URI`",
            ),
        };
        let said = format!("the request must be let pass by the authorizer at `{}` first", next.label);
        let strength = if sure { Strength::Decisive } else { Strength::Strong };
        let again = format!(
            "curl -i -H 'Cookie: …' http://{}:{}{}",
            next.hop.address, next.hop.port, next.hop.target
        );
        self.report
            .clues
            .push(Clue::new(cause, strength, said).by(from.kind()).fixed_by([again, fix.to_owned()]));
        if sure { Truth::Yes } else { Truth::Unknown }
    }

    fn application(&mut self, next: &Next, from: &dyn Site) -> Truth {
        let sure = next.refused == Truth::Yes;
        let said = if sure {
            format!("{} passed on the 403 that `{}` answered, says its log", from.kind(), next.label)
        } else {
            format!(
                "{} has no rule that refuses the request and passes it on to `{}`",
                from.kind(),
                next.label
            )
        };
        let strength = if sure { Strength::Strong } else { Strength::Suggestive };
        self.report.clues.extend(application::from_logs(&from.log_folders(), &next.hop));
        let mut sources = self.sources.to_vec();
        if next.hop.client.is_some() {
            sources.extend(beside::sources_of(next.hop.port));
        }
        self.report
            .clues
            .extend(sources.iter().filter_map(|source| application::from_source(source, &next.hop)));
        self.report.clues.push(Clue::new("app.unspecified", strength, said).fixed_by([
            format!("read the log of the application at `{}` at that time", next.label),
            format!(
                "curl -i -H 'Host: {}' http://{}:{}{}",
                next.hop.host(),
                next.hop.address,
                next.hop.port,
                next.hop.target
            ),
        ]));
        next.refused
    }

    /// PHP-FPM, whose own configuration is not at hand.
    fn php(&mut self, next: &Next) -> Truth {
        let script = next.hop.header("x-script-filename").unwrap_or("").to_owned();
        let found = crate::fpm::judged(&script, None, next.refused);
        match found {
            Some(clue) => {
                self.report.clues.push(clue);
                Truth::Unknown
            }
            None => {
                let said =
                    format!("`{script}` is run by PHP at `{}`; what it answers is its own", next.label);
                self.report.clues.push(Clue::new("app.unspecified", Strength::Suggestive, said));
                Truth::Unknown
            }
        }
    }

    fn one_of_many(&mut self, refusing: &[String], origins: usize) {
        let said =
            format!("of {origins} members of the pool, only `{}` refuses the request", refusing.join(", "));
        let clue = Clue::new("lb.one-bad-backend", Strength::Decisive, said).fixed_by([format!(
            "take `{}` out of the pool, and compare its configuration with the others",
            refusing.join(", ")
        )]);
        for clue in &mut self.report.clues {
            clue.strength = clue.strength.min(Strength::Strong);
        }
        self.report.clues.push(clue);
    }
}
