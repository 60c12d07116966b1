//! What a decision costs, beside the engines people would embed instead, on the same seeded worlds in one run.
//!
//! A workload says what is asked and which answer is right; a peer is an engine that answers; a section measures cells,
//! which are a peer with a workload of some size; rows are what came out. The two binaries differ in their allocator.

pub mod children;
pub mod command;
pub mod memory;
pub mod peer;
pub mod random;
pub mod row;
pub mod section;
pub mod summary;
pub mod workload;
