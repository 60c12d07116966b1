//! `portcullis can`: may they, asked without a request.

use portcullis_rehearse::Setting;
use portcullis_rehearse::who::{Brought, Can as Says, Needs, Said};
use serde_json::json;

use super::{ConfigPath, Exit, asking, say};
use crate::load::Parts;

/// Ask whether somebody can do something, without sending a request.
///
/// Facts that are not given are unknown, and the answer may depend on them. Exits with 0 for yes, 1 for no, 4 if it
/// depends, 3 if it could not be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Can {
    /// Who: alice, service:ci, anonymous, User::"alice".
    principal: String,
    /// The method: GET, POST, …
    action: String,
    /// A route (shop/premium), a path or a URL.
    resource: String,
    /// What is known: geo.country=US, tier=premium, group=staff, device=ID, at=2026-03-03T12:00:00Z; nothing behind the
    /// `=` means that it is absent.
    #[arg(value_name = "FACT=VALUE")]
    facts: Vec<String>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    path: ConfigPath,
}

impl Can {
    pub(crate) fn run(&self) -> Exit {
        asking::ask(&self.path, |setting, brought, parts| self.ask(setting, brought, parts))
    }

    fn ask(&self, setting: &Setting<'_>, brought: &Brought, parts: &Parts) -> Exit {
        let Some(caller) = asking::caller(setting, &self.principal) else { return Exit::Failed };
        let target = match asking::target(setting, &self.action, &self.resource) {
            Ok(target) => target,
            Err(exit) => return exit,
        };
        let Some(given) = asking::given(setting, &caller, &target.action, &self.facts) else {
            return Exit::Failed;
        };
        let said = setting.can(&caller, &target, &given, brought);
        if self.json {
            let mut told = asking::json(setting, parts, &target, &said);
            if let Some(object) = told.as_object_mut() {
                object.insert("principal".to_owned(), json!(caller.to_string()));
                object.insert("action".to_owned(), json!(target.action));
                object.insert("resource".to_owned(), json!(target.entity));
            }
            say(told);
        } else {
            match said.can {
                Says::Yes => say(format_args!("yes, by {}", asking::by(parts, &said.policies))),
                Says::No => no(parts, &said),
                Says::Depends => say(format_args!("it depends on {}", said.depends_on.join(", "))),
            }
            if said.can != Says::Yes {
                tell(&setting.needs(&target, &said), &said);
            }
        }
        asking::exit(Some(said.can))
    }
}

fn no(parts: &Parts, said: &Said) {
    let answer = &said.answer;
    let status = answer.status().map_or_else(String::new, |status| status.to_string());
    let reason = answer.reason().unwrap_or_default();
    if said.policies.is_empty() {
        say(format_args!("no: nothing permits it ({status} {reason})"));
    } else {
        say(format_args!("no, by {} ({status} {reason})", asking::by(parts, &said.policies)));
    }
}

fn tell(needs: &Needs, said: &Said) {
    match needs {
        Needs::NothingKnown => say("with all of these absent it would be a yes"),
        Needs::NotFound => say("no change of few facts was found that would have it be a yes"),
        Needs::Steps(changes) => {
            for change in changes {
                let words = said.steps(change).join(" and ");
                if said.can == Says::Depends {
                    say(format_args!("a yes, for example, with {words}"));
                } else {
                    say(format_args!("it would be a yes with {words}; that is for {}", change.owner.title()));
                }
            }
        }
    }
}
