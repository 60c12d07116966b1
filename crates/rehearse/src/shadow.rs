//! Asks shadow policies what they would have said, on a thread of its own, and remembers where that differs.
//!
//! Differences go to a file of their own and not into the decision log: the log is evidence, chained, kept for months and a
//! condition of every answer; a rehearsal must neither use up its room nor be able to stop a gate. The file holds references
//! and no one's data, so what must be forgotten is forgotten with the log.
//!
//! INVARIANT: nobody waits for this thread. Its queue, its file and its memory are bounded.

mod file;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use portcullis_gate::{ShadowQuestion, Shadows, bind};
use portcullis_measure::{Metrics, ShadowOutcome};

use crate::replay::{Kind, Standing};
pub use file::{Difference, Place, Said, find, read};

use file::Differences;

/// Questions that wait at most. Each holds some kilobytes; at a hundred thousand decisions a second they cover hundredths of a
/// second, and whoever asks more is a benchmark.
const QUEUE: usize = 4096;

/// How often the thread looks whether it should end.
const LOOK: Duration = Duration::from_millis(200);

/// The thread that asks.
#[derive(Debug)]
pub struct Asking {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Starts the thread. Differences go to a file in `folder`, which is made when there is one to write.
///
/// # Errors
/// Where the system gives no thread.
pub fn start(folder: PathBuf, metrics: Arc<Metrics>) -> std::io::Result<(Shadows, Asking)> {
    let (queue, questions) = sync_channel(QUEUE);
    let ended = Arc::new(AtomicBool::new(false));
    let (counting, ending) = (Arc::clone(&metrics), Arc::clone(&ended));
    let asking = move || ask(&questions, &ending, &counting, Differences::in_folder(folder));
    let thread = std::thread::Builder::new().name("shadow".to_owned()).spawn(asking)?;
    Ok((Shadows::new(queue, metrics), Asking { ended, thread }))
}

impl Asking {
    /// Answers what waits, and ends.
    pub fn stop(self) {
        self.ended.store(true, Ordering::Relaxed);
        if self.thread.join().is_err() {
            tracing::error!("the thread that asks shadow policies ended badly");
        }
    }
}

fn ask(
    questions: &Receiver<Box<ShadowQuestion>>,
    ended: &AtomicBool,
    metrics: &Metrics,
    mut differences: Differences,
) {
    loop {
        match questions.recv_timeout(LOOK) {
            Ok(question) => {
                // A policy that brings the engine down costs its own answer, not those of all others.
                let answered = catch_unwind(AssertUnwindSafe(|| answer(&question)));
                let outcome = match answered {
                    Ok(None) => ShadowOutcome::Same,
                    Ok(Some((kind, difference))) => {
                        differences.write(&difference);
                        counted(kind)
                    }
                    Err(_) => {
                        tracing::error!(reference = %question.reference, "asking the shadow policies panicked");
                        ShadowOutcome::Failed
                    }
                };
                metrics.shadow(outcome);
            }
            Err(RecvTimeoutError::Timeout) if !ended.load(Ordering::Relaxed) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// What the shadow policies would have said, where that is something else.
fn answer(question: &ShadowQuestion) -> Option<(Kind, Difference)> {
    let set = &question.set;
    let verdict = set.program.decide_facts(&set.world, &question.facts);
    let refusal = bind::refusal::denied(&verdict, &set.policies, set.on_forbid_fault);
    let standing = |said: &Option<(String, u16)>| {
        said.as_ref().map(|(reason, status)| Said { reason: reason.clone(), status: *status })
    };
    let was = question.was.as_ref();
    let was = was.map_or(Standing::Allowed, |(reason, status)| Standing::Refused(reason, *status));
    let would = refusal.map(|refusal| (refusal.code().to_owned(), refusal.status().as_u16()));
    let as_standing = would.as_ref();
    let as_standing =
        as_standing.map_or(Standing::Allowed, |(reason, status)| Standing::Refused(reason, *status));
    let kind = was.change(as_standing)?;
    let (app, route) = &question.route;
    let difference = Difference {
        reference: question.reference.to_string(),
        time: jiff::Timestamp::now().to_string(),
        kind: kind.name().to_owned(),
        place: Place { app: app.clone(), route: route.clone(), action: question.facts.action.id.to_string() },
        was: standing(&question.was),
        would: standing(&would),
        policies: verdict.reasons().take(POLICIES).map(str::to_owned).collect(),
        set: set.version.clone(),
    };
    Some((kind, difference))
}

/// Policies that are named of one difference.
const POLICIES: usize = 8;

fn counted(kind: Kind) -> ShadowOutcome {
    match kind {
        Kind::NewlyAllowed => ShadowOutcome::NewlyAllowed,
        Kind::NewlyRefused => ShadowOutcome::NewlyRefused,
        Kind::ChangedReason | Kind::Unknown => ShadowOutcome::ChangedReason,
    }
}
