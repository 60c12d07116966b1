//! `portcullis what`: what somebody may do.

use http::Method;
use portcullis_rehearse::who::Brought;
use portcullis_rehearse::{Caller, Setting};
use serde_json::json;

use super::{ConfigPath, Exit, asking, complain, say};
use crate::load::Parts;

/// List what somebody can do: routes and methods, each with the policies that let them.
///
/// What depends on facts stands there with what would be enough. Exits with 0 if they can do anything, 4 if it depends for
/// all of it, 1 if nothing, 3 if it could not be asked.
#[derive(Debug, clap::Args)]
pub(crate) struct What {
    /// Who: alice, service:ci, anonymous, User::"alice".
    principal: String,
    /// What is known: geo.country=US, tier=premium; see `portcullis can`.
    #[arg(value_name = "FACT=VALUE")]
    facts: Vec<String>,
    /// Only this method.
    #[arg(long, value_name = "METHOD")]
    method: Option<Method>,
    /// List at most this many.
    #[arg(long, value_name = "COUNT", default_value_t = asking::LISTED)]
    limit: usize,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    path: ConfigPath,
}

/// Methods of one route that are told alike.
struct Line {
    entity: String,
    methods: Vec<String>,
    how: String,
}

impl What {
    pub(crate) fn run(&self) -> Exit {
        asking::ask(&self.path, |setting, brought, parts| self.ask(setting, brought, parts))
    }

    fn ask(&self, setting: &Setting<'_>, brought: &Brought, parts: &Parts) -> Exit {
        let Some(caller) = asking::caller(setting, &self.principal) else { return Exit::Failed };
        let Some(given) = asking::given(setting, &caller, "GET", &self.facts) else { return Exit::Failed };
        let mut best = None;
        let (mut lines, mut listed, mut more) = (Vec::<Line>::new(), Vec::new(), 0_usize);
        for (target, said) in setting.what(&caller, self.method.as_ref(), &given, brought) {
            best = best.min(Some(said.can)).or(Some(said.can));
            if listed.len().max(lines.len()) >= self.limit {
                more += 1;
            } else if self.json {
                let mut told = asking::json(setting, parts, &target, &said);
                if let Some(object) = told.as_object_mut() {
                    object.insert("action".to_owned(), json!(target.action));
                    object.insert("resource".to_owned(), json!(target.entity));
                }
                listed.push(told);
            } else {
                let how = asking::condition(setting, &target, &said)
                    .unwrap_or_else(|| format!("by {}", asking::by(parts, &said.policies)));
                match lines.last_mut().filter(|line| line.entity == target.entity && line.how == how) {
                    Some(line) => line.methods.push(target.method),
                    None => lines.push(Line { entity: target.entity, methods: vec![target.method], how }),
                }
            }
        }
        self.tell(&caller, &lines, listed, more);
        asking::exit(best)
    }

    fn tell(&self, caller: &Caller, lines: &[Line], listed: Vec<serde_json::Value>, more: usize) {
        if self.json {
            say(json!({ "principal": caller.to_string(), "what": listed, "more": more }));
            return;
        }
        for line in lines {
            say(format_args!("{}  {}  {}", line.entity, line.methods.join(" "), line.how));
        }
        if lines.is_empty() {
            say("nothing");
        }
        if more > 0 {
            complain(format_args!("{more} more are not shown"), Some("`--limit` shows more of them"));
        }
    }
}
