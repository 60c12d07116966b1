//! What it costs to make a program and a world, and what these hold in memory once the official policy set and the
//! official entities are gone.

use std::time::Instant;

use cedar_policy::{Entities, PolicySet};
use portcullis_decision::{Program, World};

use crate::memory::counted_in_use;
use crate::row::Figures;
use crate::section::Cell;
use crate::workload::written;

pub(super) const COLUMNS: [&str; 4] = ["parse_s", "compile_s", "entities_s", "world_s"];
pub(super) const BYTE_COLUMNS: [&str; 5] =
    ["official_mib", "program_mib", "official_entities_mib", "world_mib", "both_mib"];

pub(super) fn measure(cell: &Cell) -> Figures {
    let written = written(&cell.workload, cell.size);
    let start = Instant::now();
    let set: PolicySet = written.policies.parse().unwrap();
    let parsed = start.elapsed();
    let start = Instant::now();
    let program = Program::compile(&set).unwrap();
    let compiled = start.elapsed();
    let start = Instant::now();
    let entities = Entities::from_entities((written.entities)(), None).unwrap();
    let loaded = start.elapsed();
    let start = Instant::now();
    let world = World::new(&program, &entities);
    let built = start.elapsed();
    drop((program, world));
    vec![
        ("parse_s", parsed.as_secs_f64()),
        ("compile_s", compiled.as_secs_f64()),
        ("entities_s", loaded.as_secs_f64()),
        ("world_s", built.as_secs_f64()),
    ]
}

/// By the allocator that counts: bytes asked for and not given back.
pub(super) fn bytes(cell: &Cell) -> Figures {
    let written = written(&cell.workload, cell.size);
    let empty = counted_in_use();
    let set: PolicySet = written.policies.parse().unwrap();
    let official = counted_in_use() - empty;
    let program = Program::compile(&set).unwrap();
    drop(set);
    let with_program = counted_in_use();
    let entities = Entities::from_entities((written.entities)(), None).unwrap();
    let official_entities = counted_in_use() - with_program;
    let world = World::new(&program, &entities);
    drop(entities);
    let with_world = counted_in_use();
    drop((program, world));
    let mebibytes = |bytes: i64| bytes as f64 / 1_048_576.0;
    vec![
        ("official_mib", mebibytes(official)),
        ("official_entities_mib", mebibytes(official_entities)),
        ("program_mib", mebibytes(with_program - empty)),
        ("world_mib", mebibytes(with_world - with_program)),
        ("both_mib", mebibytes(with_world - empty)),
    ]
}
