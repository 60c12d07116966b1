//! `portcullis explain`: the reference page of any status or public reason we send.

use portcullis_response::catalogue;

use super::{Exit, complain, say};

/// Explain a status or a public reason: what it means, why it occurs, what to do.
///
/// Without a key, lists every page there is.
#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// A status (403) or a code (region_restricted).
    #[arg(value_name = "STATUS|CODE")]
    key: Option<String>,
}

impl Explain {
    pub(crate) fn run(&self) -> Exit {
        let Some(key) = &self.key else {
            for page in catalogue::all() {
                say(format_args!("{:<28} {}", page.key, page.title));
            }
            return Exit::Done;
        };
        if let Some(page) = catalogue::find(key) {
            say(page.to_text().trim_end());
            return Exit::Done;
        }
        let hint = catalogue::nearest(key).map_or_else(
            || {
                "`portcullis explain` lists every page; a code of your own is explained by its status"
                    .to_owned()
            },
            |near| format!("did you mean `{near}`?"),
        );
        complain(format_args!("there is no page for `{key}`"), Some(&hint));
        Exit::Wrong
    }
}
