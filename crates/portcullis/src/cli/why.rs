//! `portcullis why`: what was decided under a reference, and why.

use portcullis_record::{read, why};
use portcullis_request::Reference;

use super::{ConfigPath, Exit, complain, say};
use crate::load;

/// Explain one decision: what was decided, by which policy or for want of which, on which facts.
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
        let loaded = load::load_all(&self.path.config);
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
                let written = |policy: &str| loaded.parts.as_ref().and_then(|parts| parts.written_at(policy));
                if self.json {
                    say(why::to_json(&remembered, &written));
                } else {
                    say(why::tell(&remembered, &written).trim_end());
                }
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
}
