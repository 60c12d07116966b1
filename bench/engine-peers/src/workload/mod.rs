//! What is decided: seeded worlds, their policies, and requests of which a direct reference says beforehand what the
//! decision must be, so that a peer that is fast but wrong is caught. No engine's types are needed to read them, Cedar's
//! entities aside.

pub mod github;
pub mod github_cedar;
pub mod hard;
pub mod question;
pub mod saas;
pub mod saas_cedar;
pub mod saas_requests;

use github::Forge;
use question::Written;
use saas::Tenancy;

/// The seed of every world.
pub const SEED: u64 = 20_261_122;

/// The three workloads that every peer runs.
pub const COMMON: [&str; 3] = ["saas", "rbac", "github"];

/// A workload written in Cedar, for the peers that speak it.
pub fn written(workload: &str, size: usize) -> Written {
    match workload {
        "github" => github_cedar::written(Forge::new(size, SEED)),
        "saas" | "rbac" => saas_cedar::written(tenancy(workload, size)),
        _ => hard::written(workload, size),
    }
}

/// The world of `saas`, or of `rbac`, which is the same without conditions.
pub fn tenancy(workload: &str, policies: usize) -> Tenancy {
    Tenancy::new(policies, workload == "saas", SEED)
}
