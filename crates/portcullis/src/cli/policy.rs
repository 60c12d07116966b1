//! `portcullis policy`: what is in force.

use super::{ConfigPath, Exit, complain, say};
use crate::{load, report};

/// Look at the policies.
#[derive(Debug, clap::Args)]
pub(crate) struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print every policy in force: those written, and those the guards became, each with where it comes from.
    Show {
        /// Only the policies whose id contains this text.
        #[arg(value_name = "TEXT")]
        only: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        path: ConfigPath,
    },
}

impl Policy {
    pub(crate) fn run(&self) -> Exit {
        let Action::Show { only, json, path } = &self.action;
        let loaded = load::load_all(&path.config);
        report::to_stderr(&loaded.findings);
        let Some(parts) = loaded.parts else {
            complain("the policies are not usable as they stand", None);
            return Exit::Wrong;
        };
        let wanted = parts
            .policies
            .texts
            .iter()
            .filter(|(id, _)| only.as_deref().is_none_or(|only| id.contains(only)));
        if *json {
            let policies: Vec<_> = wanted
                .map(|(id, text)| {
                    serde_json::json!({ "id": id, "written": parts.written_at(id), "cedar": text })
                })
                .collect();
            say(serde_json::Value::Array(policies));
        } else {
            for (id, text) in wanted {
                let written = parts.written_at(id).unwrap_or_default();
                say(format_args!("// {id}: {written}\n{}\n", text.trim_end()));
            }
        }
        Exit::Done
    }
}
