//! The end of service as connections see it: first they are asked to end, then they are cut off.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

/// Says that service ends.
pub(super) struct Closing(watch::Sender<Stage>);

/// Learns that service ends.
#[derive(Debug, Clone)]
pub(crate) struct Ending(watch::Receiver<Stage>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Serving,
    /// No new connections, and no new requests beyond those on their way.
    Draining,
    /// Whatever is left is cut off.
    Over,
}

pub(super) fn ending() -> (Closing, Ending) {
    let (sender, receiver) = watch::channel(Stage::Serving);
    (Closing(sender), Ending(receiver))
}

impl Closing {
    pub(super) fn begin(&self) {
        self.0.send_replace(Stage::Draining);
    }

    pub(super) fn cut_off(&self) {
        self.0.send_replace(Stage::Over);
    }
}

impl Ending {
    /// Whether service is about to end.
    pub(crate) fn has_begun(&self) -> bool {
        *self.0.borrow() > Stage::Serving
    }

    /// Waits until service is about to end. What is under way may go on.
    pub(crate) async fn begun(&mut self) {
        self.reached(Stage::Draining).await;
    }

    /// Waits until service is about to end and whatever was on its way then has had the time to arrive. A caller whose
    /// connection closes just as it sends a request cannot know whether it may send it again.
    pub(super) async fn lingered(&mut self) {
        self.begun().await;
        sleep(LINGER).await;
    }

    /// Waits until whatever is under way is cut off: tunnels and streams too.
    pub(crate) async fn over(&mut self) {
        self.reached(Stage::Over).await;
    }

    async fn reached(&mut self, stage: Stage) {
        // An error means that the sender is gone, which is the end too.
        drop(self.0.wait_for(|now| *now >= stage).await);
    }
}

/// A request and a handshake take a round trip; those around the world take this.
const LINGER: Duration = Duration::from_millis(250);
