//! What must hold for every input, one module for each fuzz target, each with one function `check`. Nothing here needs
//! the fuzzer: the workspace's tests compile the same files and replay `seeds/` through them.

pub mod access_log;
pub mod believed;
pub mod canonical_path;
pub mod configuration;
pub mod decide_policies;
pub mod decide_world;
pub mod forwarded;
pub mod head;
pub mod headers;
pub mod jwks;
pub mod pasted;
pub mod proxy_protocol;
pub mod raw_head;
pub mod site;
pub mod token;
