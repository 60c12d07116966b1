//! `portcullis why`: what was decided under a reference, why, and what would have it decided otherwise.

use std::path::Path;
use std::time::SystemTime;

use portcullis_record::why::Beside;
use portcullis_record::{Remembered, read, why};
use portcullis_rehearse::Past;
use portcullis_rehearse::why::for_caller;
use portcullis_request::Reference;

use super::{ConfigPath, Exit, complain, say};
use crate::load::{self, Parts};
use crate::rehearsal::Rehearsal;

/// Explain one decision: what was decided, by which clauses of which policies, on which facts; the smallest change that
/// would have let the request in; and what the same request would come to now.
///
/// The reference stands on every refusal we send, on the page and in `X-Portcullis-Ref`; read aloud, typed without
/// dashes or in lower case it is still understood.
#[derive(Debug, clap::Args)]
pub(crate) struct Why {
    /// The reference.
    #[arg(value_name = "REF")]
    reference: String,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Print only what may be forwarded to the caller: the public reason and what they can do, and nothing of the
    /// policies behind it.
    #[arg(long, conflicts_with = "json")]
    for_caller: bool,
    #[command(flatten)]
    path: ConfigPath,
}

impl Why {
    pub(crate) fn run(&self) -> Exit {
        let reference: Reference = match self.reference.parse() {
            Ok(reference) => reference,
            Err(fault) => {
                complain(&fault, Some("a reference is 26 letters and digits: 06BQX7-M2K4T-…"));
                return Exit::Wrong;
            }
        };
        // The log is read even when policies or data are broken just now: that is when people ask.
        let loaded = load::load_untested(&self.path.config);
        let Some(folder) = loaded.log_folder else {
            complain(
                format_args!("cannot tell from `{}` where the log is", self.path.config.display()),
                Some("`portcullis check` says what is wrong with it; `--config FILE` names another"),
            );
            return Exit::Failed;
        };
        if !folder.exists() {
            complain(
                format_args!(
                    "there is no log in `{}` yet: no gate ran with this configuration",
                    folder.display()
                ),
                Some("`--config FILE` names another"),
            );
            return Exit::Wrong;
        }
        match read::find(&folder, reference) {
            Ok(Some(remembered)) => {
                self.tell(&folder, &remembered, loaded.parts);
                Exit::Done
            }
            Ok(None) => {
                complain(
                    format_args!("no decision `{reference}` in `{}`", folder.display()),
                    Some(
                        "it may be older than the log is kept, or another gate's; hidden refusals show no reference",
                    ),
                );
                Exit::Wrong
            }
            Err(fault) => {
                complain(format_args!("cannot read the log in `{}`: {fault}", folder.display()), None);
                Exit::Failed
            }
        }
    }

    fn tell(&self, log: &Path, remembered: &Remembered, parts: Option<Parts>) {
        if self.for_caller {
            // What the caller was told then; the sentences of now only where those are kept no longer.
            let past = Past::of_record(log, &remembered.entry).ok();
            let today = parts.as_ref().map(|parts| &parts.policies);
            say(for_caller(remembered, past.as_ref().map(Past::policies).or(today)).trim_end());
            return;
        }
        let beside = match parts.map(Rehearsal::of) {
            Some(Ok(rehearsal)) => rehearsal.explainer(log).beside(remembered, SystemTime::now()),
            Some(Err(fault)) => unexplained(&fault),
            None => unexplained("the configuration is not usable just now; `portcullis check` says why"),
        };
        if self.json {
            say(why::to_json(remembered, &beside));
        } else {
            say(why::tell(remembered, &beside).trim_end());
        }
    }
}

/// The record is told all the same.
fn unexplained(fault: &str) -> Beside {
    complain(format_args!("only what the record says can be told: {fault}"), None);
    Beside::default()
}
