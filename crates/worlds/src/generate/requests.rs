//! Requests: mostly by those the world knows, now and then by strangers.

use crate::case::{Case, Request};
use crate::generate::Maker;

impl Maker<'_, '_> {
    /// Asks.
    pub(super) fn requests(&mut self, case: &mut Case) {
        let many = self.source.between(self.extent.requests.div_ceil(2), self.extent.requests);
        for _ in 0..many {
            // Half of the time what was asked before, a little changed: decisions turn on a single fact.
            let last = case.requests.last().cloned();
            let request = match last {
                Some(mut request) if self.source.chance(50) => {
                    match self.source.below(4) {
                        0 => request.principal = self.principal(),
                        1 => request.action = self.action(),
                        2 => request.resource = self.resource(),
                        _ => request.context = self.context(),
                    }
                    request
                }
                _ => Request {
                    principal: self.principal(),
                    action: self.action(),
                    resource: self.resource(),
                    context: self.context(),
                },
            };
            case.requests.push(request);
        }
    }

    fn principal(&mut self) -> crate::value::Name {
        if self.source.chance(10) { self.any_name() } else { self.picked(|maker| &maker.principals) }
    }

    fn action(&mut self) -> crate::value::Name {
        if self.source.chance(3) { self.any_name() } else { self.picked(|maker| &maker.actions) }
    }

    fn resource(&mut self) -> crate::value::Name {
        match self.source.weighted(&[8, 2, 1]) {
            0 => self.picked(|maker| &maker.resources),
            1 => self.picked(|maker| &maker.above_resources),
            _ => self.any_name(),
        }
    }

    fn context(&mut self) -> crate::value::Fields {
        // A few requests know nothing of their circumstances.
        let present = if self.source.chance(5) { 0 } else { 100_usize.saturating_sub(self.absent) };
        self.attributes(present)
    }
}
