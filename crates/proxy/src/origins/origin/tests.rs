//! Which address is chosen. What connections do is tested through sockets.

use super::*;

fn origin(addresses: &[&str]) -> Origin {
    let first = addresses.first().expect("an address").parse().expect("an authority");
    let mut target = OriginTarget::plain(first);
    target.addresses = addresses.iter().map(|address| address.parse().expect("an authority")).collect();
    Origin::new(&target, &Limits::default(), &Default::default())
}

fn chosen(origin: &Origin, tried: &[Arc<Address>]) -> Arc<Address> {
    origin.choose(tried).expect("an address")
}

fn place(origin: &Origin) -> Arc<tokio::sync::OwnedSemaphorePermit> {
    Arc::new(Arc::clone(&origin.places).try_acquire_owned().expect("a place"))
}

#[tokio::test]
async fn equals_are_taken_in_turn_and_the_least_loaded_first() {
    let origin = origin(&["a:1", "b:1", "c:1"]);
    let first: Vec<_> = (0..3).map(|_| chosen(&origin, &[]).authority.to_string()).collect();
    assert_eq!(first, ["a:1", "b:1", "c:1"]);
    let busy = [chosen(&origin, &[]), chosen(&origin, &[])];
    let leases: Vec<_> = busy.iter().map(|address| address.lease(place(&origin))).collect();
    for _ in 0..3 {
        assert_eq!(chosen(&origin, &[]).authority, "c:1");
    }
    drop(leases);
    assert_ne!(chosen(&origin, &[]).authority, chosen(&origin, &[]).authority, "all are equal again");
}

#[tokio::test]
async fn what_is_out_or_tried_comes_last() {
    let origin = origin(&["a:1", "b:1", "c:1"]);
    let [a, b, c] = [(); 3].map(|()| chosen(&origin, &[]));
    (0..3).for_each(|_| a.standing.failed());
    for _ in 0..4 {
        assert_ne!(chosen(&origin, &[]).authority, "a:1");
        assert_eq!(chosen(&origin, std::slice::from_ref(&b)).authority, "c:1");
    }
    let both = [Arc::clone(&b), Arc::clone(&c)];
    assert_ne!(chosen(&origin, &both).authority, "a:1", "one that is up, rather than one that is out");
    for address in [&b, &c] {
        (0..3).for_each(|_| address.standing.failed());
    }
    assert_eq!(chosen(&origin, &both).authority, "a:1", "all are out: one that was not tried");
}
