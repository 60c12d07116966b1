//! A timer that runs while nothing moves. It knows neither bodies nor sockets.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// Runs from the first wait after the last movement.
#[derive(Debug)]
pub(crate) struct Idle {
    limit: Duration,
    running: bool,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Idle {
    pub(crate) fn new(limit: Duration) -> Self {
        Self { limit, running: false, timer: None }
    }

    /// Something moved.
    pub(crate) fn moved(&mut self) {
        self.running = false;
    }

    /// Nothing moves: ready once that has lasted too long.
    pub(crate) fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(self.limit)));
        if !self.running {
            timer.as_mut().reset(Instant::now() + self.limit);
            self.running = true;
        }
        timer.as_mut().poll(context)
    }
}
