use std::sync::Arc;
use std::task::Wake;

use http::StatusCode;

use super::*;

fn poll(heads: &Heads) -> Poll<Decision> {
    heads.poll_decision(&mut Context::from_waker(Waker::noop()))
}

fn fault() -> HeadFault {
    HeadFault {
        code: "malformed_request",
        status: StatusCode::BAD_REQUEST,
        detail: String::new(),
        method: None,
        target: None,
        host: None,
    }
}

#[test]
fn a_fault_reaches_the_request_in_its_place_once() {
    let heads = Heads::new();
    heads.refuse(3, fault());
    let faults: Vec<bool> = (0..5).map(|_| heads.next().fault.is_some()).collect();
    assert_eq!(faults, [false, false, true, false, false]);
}

#[test]
fn an_upgrade_reaches_the_request_in_its_place_and_the_first_decision_counts() {
    let heads = Heads::new();
    assert!(heads.next().upgrade.is_none());
    heads.hold(2);
    let upgrade = heads.next().upgrade.unwrap();
    assert_eq!(poll(&heads), Poll::Pending);
    upgrade.go_on_raw();
    assert_eq!(poll(&heads), Poll::Ready(Decision::Raw));
    heads.hold(3);
    drop(heads.next());
    assert_eq!(poll(&heads), Poll::Ready(Decision::End));
}

/// A reader that goes on to the next head as soon as it is woken.
struct Eager(Heads);

impl Wake for Eager {
    fn wake(self: Arc<Self>) {
        assert_eq!(poll(&self.0), Poll::Ready(Decision::Http));
        self.0.hold(2);
    }
}

#[test]
fn a_decision_never_reaches_the_head_after_its_own() {
    let heads = Heads::new();
    heads.hold(1);
    let first = heads.next().upgrade.unwrap();
    let eager = Waker::from(Arc::new(Eager(heads.clone())));
    assert_eq!(heads.poll_decision(&mut Context::from_waker(&eager)), Poll::Pending);
    // The reader holds the next head before the first decision is dropped.
    first.go_on_http();
    assert_eq!(poll(&heads), Poll::Pending);
    heads.next().upgrade.unwrap().go_on_raw();
    assert_eq!(poll(&heads), Poll::Ready(Decision::Raw));
}
