//! How many connections there may be, in all and of one address. It accepts nothing and knows no protocol.
//!
//! INVARIANT: a place is given back when whatever holds it is dropped, on every way a connection can end.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// The places of one door.
pub(super) struct Places {
    all: Arc<Semaphore>,
    addresses: Arc<Addresses>,
    alive: mpsc::Sender<Infallible>,
}

/// Learns when nobody holds a place any more.
pub(super) struct Vacated(mpsc::Receiver<Infallible>);

/// The place of one connection.
pub(crate) struct Place {
    _all: OwnedSemaphorePermit,
    address: Option<AddressPlace>,
    _alive: Alive,
}

/// Held by whatever must end before the door has ended.
#[derive(Clone)]
pub(crate) struct Alive(#[expect(dead_code, reason = "held, not used")] mpsc::Sender<Infallible>);

/// One of the places of an address.
pub(super) struct AddressPlace {
    addresses: Arc<Addresses>,
    key: IpAddr,
}

/// One lock for all, taken when a connection begins and when it ends, never for a request.
struct Addresses {
    counts: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
}

impl Places {
    pub(super) fn new(all: usize, of_one_address: usize) -> (Self, Vacated) {
        let (alive, vacated) = mpsc::channel(1);
        let places = Self {
            all: Arc::new(Semaphore::new(all.min(Semaphore::MAX_PERMITS))),
            addresses: Arc::new(Addresses { counts: Mutex::default(), most: of_one_address }),
            alive,
        };
        (places, Vacated(vacated))
    }

    /// For what belongs to no connection and must end before the door all the same.
    pub(super) fn alive(&self) -> Alive {
        Alive(self.alive.clone())
    }

    /// Waits for a place. `None` if there will be none.
    pub(super) async fn wait(&self) -> Option<Place> {
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(self.place(all))
    }

    /// A place, if one is free.
    pub(super) fn now(&self) -> Option<Place> {
        let all = Arc::clone(&self.all).try_acquire_owned().ok()?;
        Some(self.place(all))
    }

    fn place(&self, all: OwnedSemaphorePermit) -> Place {
        Place { _all: all, address: None, _alive: self.alive() }
    }

    /// A place among those of this address, unless all are taken.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<AddressPlace> {
        let key = key(address);
        let mut counts = self.addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key).or_default();
        if *count >= self.addresses.most {
            return None;
        }
        *count += 1;
        Some(AddressPlace { addresses: Arc::clone(&self.addresses), key })
    }
}

impl Place {
    /// The connection counts for its address too.
    pub(super) fn among(&mut self, address: AddressPlace) {
        self.address = Some(address);
    }
}

impl Vacated {
    /// Waits until no place is held. The places themselves must be gone by then.
    pub(super) async fn all(&mut self) {
        while self.0.recv().await.is_some() {}
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut counts = self.addresses.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// Whoever has one address of an IPv6 network has the whole /64.
fn key(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "that is how a test fails")]

    use super::*;

    #[test]
    fn an_address_has_its_own_bound_and_gives_places_back() {
        let (places, _vacated) = Places::new(10, 2);
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        let first = places.of_address(one).unwrap();
        let second = places.of_address(mapped).unwrap();
        assert!(places.of_address(one).is_none(), "both spellings are one address");
        assert!(places.of_address("192.0.2.2".parse().unwrap()).is_some());
        drop(first);
        let third = places.of_address(one).unwrap();
        drop((second, third));
        assert!(places.addresses.counts.lock().unwrap().is_empty(), "nothing is kept of who is gone");
    }

    #[test]
    fn a_network_of_sixty_four_bits_is_one_address() {
        let (places, _vacated) = Places::new(10, 1);
        let _held = places.of_address("2001:db8::1".parse().unwrap()).unwrap();
        assert!(places.of_address("2001:db8::ffff:1".parse().unwrap()).is_none());
        assert!(places.of_address("2001:db8:0:1::1".parse().unwrap()).is_some());
    }

    #[tokio::test]
    async fn the_last_holder_is_waited_for() {
        let (places, mut vacated) = Places::new(1, 1);
        let place = places.now().unwrap();
        assert!(places.now().is_none());
        let alive = places.alive();
        drop((places, place));
        let mut waiting = std::pin::pin!(vacated.all());
        assert!(futures_pending(&mut waiting).await, "something still lives");
        drop(alive);
        waiting.await;
    }

    async fn futures_pending<F: Future<Output = ()> + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }
}
