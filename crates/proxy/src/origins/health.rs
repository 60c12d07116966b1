//! Asks one address regularly whether it is there, and tells its standing. Each time on a connection of its own, since an
//! address that takes no new connections is not there, whatever the old ones do.

use std::sync::Arc;
use std::time::Duration;

use http::header::{HOST, USER_AGENT};
use http::uri::{Authority, Parts};
use http::{HeaderValue, Method, Request, Uri};
use portcullis_gate::HealthCheck;
use portcullis_measure::Metrics;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::address::Address;
use super::standing::chance;
use super::{Protocols, Sender};
use crate::caller::{CallerBody, Upload};

/// Where it is counted what checks of one address find. Dropped, the address is no longer counted.
pub(super) struct Told {
    metrics: Arc<Metrics>,
    app: String,
    address: String,
}

impl Told {
    pub(super) fn new(metrics: Arc<Metrics>, app: &str, address: &Authority) -> Self {
        Self { metrics, app: app.to_owned(), address: address.to_string() }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.metrics.origin_gone(&self.app, &self.address);
    }
}

/// Checks until it is aborted.
pub(super) async fn check(check: HealthCheck, address: Arc<Address>, told: Told) {
    let period = check.interval.max(SHORTEST_INTERVAL);
    // Many gates that began together do not ask together.
    let span = u64::try_from(period.as_millis()).unwrap_or(u64::MAX).max(1);
    sleep(Duration::from_millis(chance() % span)).await;
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut row = Row::default();
    loop {
        ticks.tick().await;
        let found = timeout(check.timeout, ask(&check, &address)).await;
        let found = found.unwrap_or_else(|_| Err(format!("no answer within {:?}", check.timeout)));
        told.metrics.origin_health(&told.app, &told.address, found.is_ok());
        let needed = if found.is_ok() { check.up_after } else { check.down_after };
        if row.add(found.is_ok()) >= needed.max(1) && address.standing.checked(found.is_ok()) {
            match found {
                Ok(()) => tracing::info!(address = %address.authority, "an origin's address is up again"),
                Err(fault) => {
                    tracing::warn!(address = %address.authority, %fault, "an origin's address is down");
                }
            }
        }
    }
}

/// How often in a row the same was found.
#[derive(Debug, Default)]
struct Row {
    up: bool,
    length: u32,
}

impl Row {
    fn add(&mut self, up: bool) -> u32 {
        self.length = if self.up == up { self.length.saturating_add(1) } else { 1 };
        self.up = up;
        self.length
    }
}

async fn ask(check: &HealthCheck, address: &Address) -> Result<(), String> {
    let sender = address.fresh(Protocols::PreferHttp1).await.map_err(|fault| fault.to_string())?;
    let request = request(check, address, &sender).ok_or("the check's target is no target")?;
    let answered = match sender {
        Sender::Http1(mut sender) => sender.send_request(request).await,
        Sender::Http2(mut shared) => shared.sender.send_request(request).await,
    };
    let status = answered.map_err(|fault| super::fault::told(&fault))?.status();
    if status.is_success() || status.is_redirection() { Ok(()) } else { Err(format!("it answered {status}")) }
}

fn request(check: &HealthCheck, address: &Address, sender: &Sender) -> Option<Request<CallerBody>> {
    let mut request = Request::new(Upload::nothing().body()?);
    *request.method_mut() = Method::GET;
    let mut uri = Parts::default();
    uri.path_and_query = Some(check.target.clone());
    if let Sender::Http2(_) = sender {
        uri.scheme = Some(address.scheme());
        uri.authority = Some(address.authority.clone());
    } else {
        let host = HeaderValue::from_str(address.authority.as_str()).ok()?;
        request.headers_mut().insert(HOST, host);
    }
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("portcullis-health"));
    *request.uri_mut() = Uri::from_parts(uri).ok()?;
    Some(request)
}

/// A check that never rests would be a load of its own.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_in_a_row_counts() {
        let mut row = Row::default();
        let found: Vec<_> = [true, true, false, false, true].map(|up| row.add(up)).into();
        assert_eq!(found, [1, 2, 1, 2, 1]);
    }
}
