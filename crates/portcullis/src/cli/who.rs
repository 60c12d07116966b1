//! `portcullis who`: who may do something.

use portcullis_rehearse::who::{Brought, Can};
use portcullis_rehearse::{Caller, Setting};
use serde_json::json;

use super::{ConfigPath, Exit, asking, complain, say};
use crate::load::Parts;

/// List who can do something: people and services of the directory, and callers without identity where a route is public.
///
/// Those for whom it depends on facts stand there with what would be enough. Groups that only a token names are not known
/// here. Exits with 0 if anybody can, 4 if it depends for all of them, 1 if nobody can, 3 if it could not be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// The method: GET, POST, …
    action: String,
    /// A route (shop/premium), a path or a URL.
    resource: String,
    /// What is known of the request: geo.country=US, at=2026-03-03T12:00:00Z; see `portcullis can`.
    #[arg(value_name = "FACT=VALUE")]
    facts: Vec<String>,
    /// List at most this many.
    #[arg(long, value_name = "COUNT", default_value_t = asking::LISTED)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    path: ConfigPath,
}

impl Who {
    pub(crate) fn run(&self) -> Exit {
        asking::ask(&self.path, |setting, brought, parts| self.ask(setting, brought, parts))
    }

    fn ask(&self, setting: &Setting<'_>, brought: &Brought, parts: &Parts) -> Exit {
        let target = match asking::target(setting, &self.action, &self.resource) {
            Ok(target) => target,
            Err(exit) => return exit,
        };
        // Attributes that are given must be those of a person, whoever it is.
        let anybody = Caller::User(String::new());
        let Some(given) = asking::given(setting, &anybody, &target.action, &self.facts) else {
            return Exit::Failed;
        };
        let (mut best, mut listed, mut more) = (None, Vec::new(), 0_usize);
        for (caller, said) in setting.who(&target, &given, brought) {
            best = best.min(Some(said.can)).or(Some(said.can));
            if listed.len() >= self.limit {
                more += 1;
            } else if self.json {
                let mut told = asking::json(setting, parts, &target, &said);
                if let Some(object) = told.as_object_mut() {
                    object.insert("principal".to_owned(), json!(caller.to_string()));
                }
                listed.push(told);
            } else {
                let how = match asking::condition(setting, &target, &said) {
                    Some(condition) => condition,
                    None => format!("by {}", asking::by(parts, &said.policies)),
                };
                say(format_args!("{caller}  {how}"));
                listed.push(serde_json::Value::Null);
            }
        }
        if self.json {
            say(json!({ "action": target.action, "resource": target.entity, "who": listed, "more": more }));
        } else if listed.is_empty() && best.is_none() {
            say("nobody whom the directory knows");
        } else if more > 0 {
            complain(format_args!("{more} more are not shown"), Some("`--limit` shows more of them"));
        }
        asking::exit(best.filter(|can| *can != Can::No))
    }
}
