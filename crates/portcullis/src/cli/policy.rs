//! `portcullis policy`: what is in force.

use portcullis_decision::Program;

use super::{ConfigPath, Exit, complain, say};
use crate::load::Parts;
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
    /// Compile the policies and say what became of them: how a decision finds each, and which it has to look at each
    /// time.
    Compile {
        /// Print every form of the policies whose id contains this text: as written, its scope, its conditions as
        /// operations, and what it is found by.
        #[arg(long, value_name = "TEXT", num_args = 0..=1, default_missing_value = "")]
        show: Option<String>,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        path: ConfigPath,
    },
}

impl Policy {
    pub(crate) fn run(&self) -> Exit {
        let (Action::Show { path, .. } | Action::Compile { path, .. }) = &self.action;
        let loaded = load::load_untested(&path.config);
        report::to_stderr(&loaded.findings);
        let Some(parts) = loaded.parts else {
            complain("the policies are not usable as they stand", None);
            return Exit::Wrong;
        };
        match &self.action {
            Action::Show { only, json, .. } => show(&parts, only.as_deref(), *json),
            Action::Compile { show, json, .. } => compile(&parts, show.as_deref(), *json),
        }
    }
}

/// The policies whose id contains `only`, with their texts.
fn wanted<'p>(parts: &'p Parts, only: Option<&'p str>) -> impl Iterator<Item = (&'p String, &'p String)> {
    parts.policies.texts.iter().filter(move |(id, _)| only.is_none_or(|only| id.contains(only)))
}

fn show(parts: &Parts, only: Option<&str>, json: bool) -> Exit {
    if json {
        let policies: Vec<_> = wanted(parts, only)
            .map(|(id, text)| serde_json::json!({ "id": id, "written": parts.written_at(id), "cedar": text }))
            .collect();
        say(serde_json::Value::Array(policies));
    } else {
        for (id, text) in wanted(parts, only) {
            let written = parts.written_at(id).unwrap_or_default();
            say(format_args!("// {id}: {written}\n{}\n", text.trim_end()));
        }
    }
    Exit::Done
}

fn compile(parts: &Parts, show: Option<&str>, json: bool) -> Exit {
    let program = match Program::compile_with_schema(&parts.policies.set, &parts.policies.schema) {
        Ok(program) => program,
        Err(fault) => {
            complain(fault.to_string(), None);
            return Exit::Wrong;
        }
    };
    let report = program.report();
    if json {
        let handed: Vec<_> = report
            .handed
            .iter()
            .map(|handed| serde_json::json!({ "policy": handed.policy, "why": handed.why }))
            .collect();
        say(serde_json::json!({
            "policies": report.policies,
            "found_by": report.found_by,
            "unindexed": report.unindexed,
            "reference": handed,
            "operations": report.nodes,
            "bytes": report.bytes,
        }));
        return Exit::Done;
    }
    let Some(only) = show else {
        say(report.to_string().trim_end());
        return Exit::Done;
    };
    for (id, text) in wanted(parts, Some(only)) {
        let written = parts.written_at(id).unwrap_or_default();
        let compiled = program.show(id).unwrap_or_default();
        say(format_args!("// {id}: {written}\n{}\n\n{compiled}", text.trim_end()));
    }
    Exit::Done
}
