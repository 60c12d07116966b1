//! `portcullis shadow`: what shadow policies would have said otherwise.

use std::collections::BTreeMap;

use clap::ValueEnum;
use portcullis_rehearse::shadow::{self, Difference, Said};

use super::{ConfigPath, Exit, complain, say};
use crate::load;

/// Show where shadow policies (`policies.shadow`) would have answered otherwise than those in force.
///
/// Differences are written by a running gate, each with its reference: `portcullis why` tells the decision. Exits with 1 if
/// there are any.
#[derive(Debug, clap::Args)]
pub(crate) struct Shadow {
    /// What to group differences by.
    #[arg(long, value_name = "WHAT", default_value = "answer")]
    by: By,
    /// Only those that the shadow policies of this version made; by default those of the last.
    #[arg(long, value_name = "VERSION")]
    set: Option<String>,
    /// Print every difference as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    path: ConfigPath,
}

/// What differences have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// What was said, and would have been.
    Answer,
    /// The shadow policies that decided.
    Policy,
    /// App, route and action.
    Route,
}

/// References that are shown of each group.
const EXAMPLES: usize = 3;

impl Shadow {
    pub(crate) fn run(&self) -> Exit {
        let loaded = load::load_untested(&self.path.config);
        let Some(folder) = loaded.log_folder.map(|folder| folder.with_file_name("shadow")) else {
            complain(
                format_args!("cannot tell from `{}` where the data is", self.path.config.display()),
                Some("`portcullis check` says what is wrong with it; `--config FILE` names another"),
            );
            return Exit::Failed;
        };
        let mut differences = match shadow::read(&folder) {
            Ok(differences) => differences,
            Err(fault) => {
                complain(format_args!("cannot read `{}`: {fault}", folder.display()), None);
                return Exit::Failed;
            }
        };
        let last = differences.last().map(|difference| difference.set.clone());
        if let Some(set) = self.set.as_ref().or(last.as_ref()) {
            differences.retain(|difference| difference.set.starts_with(set.as_str()));
        }
        if self.json {
            say(serde_json::json!({ "differences": differences }));
        } else {
            say(self.text(&differences));
        }
        if differences.is_empty() { Exit::Done } else { Exit::Wrong }
    }

    fn text(&self, differences: &[Difference]) -> String {
        let Some(last) = differences.last() else {
            return "no difference is remembered".to_owned();
        };
        let mut kinds: BTreeMap<&str, BTreeMap<String, Vec<&Difference>>> = BTreeMap::new();
        for difference in differences {
            for name in self.names(difference) {
                kinds.entry(&difference.kind).or_default().entry(name).or_default().push(difference);
            }
        }
        let set = last.set.get(..12).unwrap_or(&last.set);
        let mut lines = vec![format!("{} differences by the shadow policies {set}", differences.len())];
        for (kind, groups) in kinds {
            lines.push(format!("\n{}:", kind.replace('-', " ")));
            let mut groups: Vec<_> = groups.into_iter().collect();
            groups.sort_by(|(a, those), (b, these)| these.len().cmp(&those.len()).then_with(|| a.cmp(b)));
            for (name, group) in groups {
                let references = group.iter().rev().take(EXAMPLES).map(|one| one.reference.as_str());
                lines.push(format!("{:>8}  {name}", group.len()));
                lines.push(format!("{:>10}{}", "", references.collect::<Vec<_>>().join("  ")));
            }
        }
        lines.join("\n")
    }

    fn names(&self, difference: &Difference) -> Vec<String> {
        match self.by {
            By::Answer => vec![answer(difference)],
            By::Policy if difference.policies.is_empty() => vec!["(no permit)".to_owned()],
            By::Policy => difference.policies.clone(),
            By::Route => {
                let place = &difference.place;
                vec![format!("{} {}/{}", place.action, place.app, place.route)]
            }
        }
    }
}

/// `allowed → 403 tier_required`
fn answer(difference: &Difference) -> String {
    let said = |said: &Option<Said>| {
        said.as_ref().map_or("allowed".to_owned(), |said| format!("{} {}", said.status, said.reason))
    };
    format!("{} → {}", said(&difference.was), said(&difference.would))
}
