//! What `can`, `who` and `what` share: the words that they are asked in, and how one answer is told.

use portcullis_rehearse::who::{Brought, Can, Needs, Said, stopped};
use portcullis_rehearse::{Asked, Caller, Given, Setting, Target};
use serde_json::json;

use super::{ConfigPath, Exit, complain};
use crate::load::{self, Parts};
use crate::rehearsal::Compiled;
use crate::report;

/// Lines of a list that are printed unless more are asked for.
pub(super) const LISTED: usize = 200;

/// Loads what the configuration names and asks; 3 if it cannot be loaded.
pub(super) fn ask(path: &ConfigPath, asking: impl FnOnce(&Setting<'_>, &Brought, &Parts) -> Exit) -> Exit {
    let loaded = load::load_untested(&path.config);
    let Some(parts) = loaded.parts else {
        report::to_stderr(&loaded.findings);
        complain("the policies are not usable as they stand, so nothing was asked", None);
        return Exit::Failed;
    };
    match Compiled::of(&parts) {
        Ok(compiled) => asking(&compiled.setting(&parts), &brought(&parts), &parts),
        Err(fault) => {
            complain(fault, None);
            Exit::Failed
        }
    }
}

/// Attributes that tokens or keys may bring.
fn brought(parts: &Parts) -> Brought {
    let issuers = parts.config.issuers.iter();
    let mut brought: Brought = issuers.flat_map(|issuer| issuer.claims.attributes.keys().cloned()).collect();
    let of_tokens = parts.config.issuers.iter().any(|issuer| issuer.claims.tier.is_some());
    if of_tokens || parts.config.api_keys.is_some() {
        brought.insert("tier".to_owned());
    }
    brought
}

/// Who is meant; complains if nobody is.
pub(super) fn caller(setting: &Setting<'_>, written: &str) -> Option<Caller> {
    let caller = Caller::parse(written, setting.rulebook.directory);
    let caller =
        caller.map_err(|hint| complain(format_args!("`{written}` is no principal"), Some(&hint))).ok()?;
    if caller != Caller::Anonymous && caller.person(setting.rulebook.directory).is_none() {
        complain(
            format_args!("the directory does not know `{caller}`; what a credential would say is unknown"),
            None,
        );
    }
    Some(caller)
}

/// What is asked for. `Err`: there is no such route, or it ends before any policy is asked; that was said.
pub(super) fn target(setting: &Setting<'_>, action: &str, resource: &str) -> Result<Target, Exit> {
    match setting.find(action, resource) {
        Ok(Asked::Of(target)) => Ok(target),
        Ok(Asked::Stopped(stop)) => {
            complain(format_args!("nobody: {}", stopped(&stop)), None);
            Err(Exit::Wrong)
        }
        Err(fault) => {
            complain(&fault.message, Some(&fault.help));
            Err(Exit::Failed)
        }
    }
}

/// The facts that were given; complains about the first that cannot be.
pub(super) fn given(setting: &Setting<'_>, caller: &Caller, action: &str, facts: &[String]) -> Option<Given> {
    let mut given = Given::default();
    for fact in facts {
        if let Err(fault) = setting.give(caller, action, &mut given, fact) {
            complain(&fault.message, Some(&fault.help));
            return None;
        }
    }
    Some(given)
}

/// `if context.geo.country: one of "CA" or "US"`, for those of whom it depends.
pub(super) fn condition(setting: &Setting<'_>, target: &Target, said: &Said) -> Option<String> {
    if said.can != Can::Depends {
        return None;
    }
    Some(match setting.needs(target, said) {
        Needs::Steps(changes) => {
            let first = changes.first().map(|change| said.steps(change)).unwrap_or_default();
            format!("if {}", first.join(" and "))
        }
        Needs::NothingKnown => format!("unless {} say otherwise", said.depends_on.join(", ")),
        Needs::NotFound => format!("depending on {}", said.depends_on.join(", ")),
    })
}

/// The policies with their places, for people.
pub(super) fn by(parts: &Parts, policies: &[String]) -> String {
    let named: Vec<String> = policies
        .iter()
        .map(|id| match parts.written_at(id) {
            Some(place) => format!("{id} at {place}"),
            None => id.clone(),
        })
        .collect();
    named.join(", ")
}

/// One answer for programs.
pub(super) fn json(setting: &Setting<'_>, parts: &Parts, target: &Target, said: &Said) -> serde_json::Value {
    let policies = said.policies.iter().map(|id| json!({ "id": id, "written_at": parts.written_at(id) }));
    let needs = match (said.can, setting.needs(target, said)) {
        (Can::Yes, _) | (_, Needs::NothingKnown | Needs::NotFound) => Vec::new(),
        (_, Needs::Steps(changes)) => changes
            .iter()
            .map(|change| {
                json!({
                    "by": change.owner, "steps": said.steps(change), "permits": change.permits,
                })
            })
            .collect(),
    };
    json!({
        "can": said.can.word(),
        "policies": policies.collect::<Vec<_>>(),
        "depends_on": said.depends_on,
        "status": if said.can == Can::No { said.answer.status() } else { None },
        "reason": if said.can == Can::No { said.answer.reason() } else { None },
        "needs": needs,
    })
}

/// The exit code of a list: 0 if it is a yes to any, 4 if it depends for all of them, 1 if there is none.
pub(super) fn exit(best: Option<Can>) -> Exit {
    match best {
        Some(Can::Yes) => Exit::Done,
        Some(Can::Depends) => Exit::Depends,
        Some(Can::No) | None => Exit::Wrong,
    }
}
