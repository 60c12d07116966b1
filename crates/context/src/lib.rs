//! Where, on what device, on which plan, when: the facts around a request.
//!
//! Absent is not unavailable: a source that works and knows nothing leaves a fact absent, and policies decide; a
//! source that does not work makes it unavailable, and if that could change the verdict the answer is 503.

pub mod clock;
pub mod directory;
pub mod fact;
pub mod geo;
pub mod network;
pub mod situate;

pub use clock::{ClockError, Moment, TimeZone};
pub use directory::{Device, Directory, Membership, Person};
pub use fact::Fact;
pub use geo::{Describes, GeoDatabase, GeoError, GeoSources, Layout, Place};
pub use network::{ZoneError, Zones};
pub use situate::{Situation, Situator};
