//! One adaptor a peer. A cell is a peer, a workload and a size: the adaptor builds the engine and hands back what decides
//! request `i` and says allow or deny. Everything but the decision is built beforehand, the engine's own request value
//! included where its interface lets one be kept.

pub mod casbin;
pub mod casbin_github;
pub mod cedar;
pub mod floor;
pub mod floor_github;
pub mod portcullis;
pub mod rego;
mod rego_data;
pub mod rego_github;

use std::fmt;

use crate::workload::github::Forge;
use crate::workload::{SEED, tenancy, written};

/// Not a peer but the floor: code written by hand for one workload.
pub const FLOOR: &str = "hand-floor";

/// Portcullis, each way it is asked: facts made beforehand, facts made in the call, a Cedar request.
pub const PORTCULLIS: [&str; 3] = ["portcullis", "portcullis-facts", "portcullis-request"];

/// The other engines, each way they are used.
pub const OTHERS: [&str; 8] = [
    "cedar",
    "cedar-slice",
    "cedar-upsert",
    "casbin",
    "casbin-cached",
    "rego-rules",
    "rego-data",
    "rego-data-interp",
];

/// An engine with a workload, ready to decide.
pub struct Built {
    /// Decides request `i`, which is below [`Built::distinct`].
    pub decide: Box<dyn FnMut(usize) -> bool>,
    /// The right decision of each request.
    pub expected: Vec<bool>,
    /// How many of the requests are asked: all, but for caches.
    pub distinct: usize,
    /// What the policies hold in memory.
    pub policy_bytes: i64,
    /// What the entities hold.
    pub entity_bytes: i64,
    /// What it took to build.
    pub load_seconds: f64,
    /// How many policies there are.
    pub policies: usize,
    /// How many entities there are.
    pub entities: usize,
    /// Makes the engine's request value from plain facts, where that is kept out of `decide`.
    pub prepare: Option<Box<dyn FnMut(usize)>>,
}

impl fmt::Debug for Built {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Built").field("policies", &self.policies).finish_non_exhaustive()
    }
}

/// Builds a cell.
pub fn build(peer: &str, workload: &str, size: usize) -> Built {
    match (peer, workload) {
        ("portcullis", _) => portcullis::lent(written(workload, size)),
        ("portcullis-facts", _) => portcullis::made(written(workload, size)),
        ("portcullis-request", _) => portcullis::request(written(workload, size)),
        ("cedar", _) => cedar::build(written(workload, size), cedar::Store::Whole),
        ("cedar-slice", _) => cedar::build(written(workload, size), cedar::Store::Slice),
        ("cedar-upsert", _) => cedar::build(written(workload, size), cedar::Store::Upsert),
        (FLOOR, "github") => floor_github::build(Forge::new(size, SEED)),
        ("casbin", "github") => casbin_github::build(Forge::new(size, SEED)),
        ("rego-data", "github") => rego_github::build(Forge::new(size, SEED)),
        (FLOOR, _) => floor::build(&tenancy(workload, size)),
        ("casbin", _) => casbin::build(tenancy(workload, size), false),
        ("casbin-cached", _) => casbin::build(tenancy(workload, size), true),
        ("rego-rules", _) => {
            rego::build(&tenancy(workload, size), rego::Policies::Rules, rego::Engine::Machine)
        }
        ("rego-data", _) => {
            rego::build(&tenancy(workload, size), rego::Policies::Data, rego::Engine::Machine)
        }
        ("rego-data-interp", _) => {
            rego::build(&tenancy(workload, size), rego::Policies::Data, rego::Engine::Interpreter)
        }
        _ => panic!("no peer `{peer}` for `{workload}`"),
    }
}
