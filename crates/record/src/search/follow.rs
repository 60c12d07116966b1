//! Follows the log while it is written.

use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use super::filter::Filter;
use crate::read::lines::Lines;
use crate::read::{self, ReadError};

/// Hands over every decision that matches and is written from now on, until it is told to stop; `idle` is asked from
/// time to time while nothing is. What an origin answered is not known yet, so a status is only ever ours.
pub fn follow(
    folder: &Path,
    filter: &Filter,
    mut each: impl FnMut(&str) -> ControlFlow<()>,
    mut idle: impl FnMut() -> ControlFlow<()>,
) -> Result<(), ReadError> {
    let mut known = None;
    let mut lines: Option<Lines> = None;
    loop {
        let mut newer = read::list(folder)?;
        newer.retain(|(begun, _)| known.is_none_or(|known| *begun > known));
        let beginning = known.is_none();
        if let Some(open) = &mut lines
            && hand_over(open, filter, &mut each)?.is_break()
        {
            return Ok(());
        }
        if beginning {
            newer.drain(..newer.len().saturating_sub(1));
        }
        for (begun, path) in newer {
            known = Some(begun);
            let mut open = match Lines::open(&path) {
                Ok(open) => open,
                // Deleted meanwhile, being too old.
                Err(fault) if fault.kind() == io::ErrorKind::NotFound => continue,
                Err(fault) => return Err(ReadError::File { file: path, fault }),
            };
            let handed = if beginning {
                hand_over(&mut open, filter, &mut |_| ControlFlow::Continue(()))?
            } else {
                hand_over(&mut open, filter, &mut each)?
            };
            if handed.is_break() {
                return Ok(());
            }
            lines = Some(open);
        }
        if idle().is_break() {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

fn hand_over(
    lines: &mut Lines,
    filter: &Filter,
    each: &mut impl FnMut(&str) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ReadError> {
    loop {
        match lines.next_text(false) {
            Ok(Some(text)) if filter.matches(text) => {
                if each(text).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            Ok(Some(_)) | Err(ReadError::Line { .. }) => {}
            Ok(None) => return Ok(ControlFlow::Continue(())),
            Err(fault) => return Err(fault),
        }
    }
}

/// How long until it is looked again: at once, for a person.
const LOOK: Duration = Duration::from_millis(200);
