//! Allocations of a decision in the steady state, each decision counted alone. Runs in the binary whose allocator counts.

use std::time::{Duration, Instant};

use crate::memory::counted;
use crate::peer::build;
use crate::row::Figures;
use crate::section::Cell;
use crate::section::decisions::Asking;

pub(super) const COLUMNS: [&str; 5] = ["allocations", "most", "bytes", "decisions", "wrong"];

const LONGEST: Duration = Duration::from_secs(4);

pub(super) fn measure(cell: &Cell) -> Figures {
    let mut asking = Asking::new(build(&cell.peer, &cell.workload, cell.size));
    let requests = asking.distinct();
    // Each request twice, where that does not take too long, so that whatever grows has grown.
    let start = Instant::now();
    for _ in 0..2 * requests {
        asking.decide();
        if start.elapsed() > LONGEST {
            break;
        }
    }
    let (mut allocations, mut most, mut bytes, mut decisions) = (0, 0, 0, 0);
    let start = Instant::now();
    while decisions < requests && start.elapsed() < LONGEST {
        let before = counted();
        asking.decide();
        let after = counted();
        let made = after.allocations - before.allocations + after.reallocations - before.reallocations;
        allocations += made;
        most = most.max(made);
        bytes += after.bytes_allocated - before.bytes_allocated;
        decisions += 1;
    }
    vec![
        ("allocations", allocations as f64 / decisions as f64),
        ("most", most as f64),
        ("bytes", bytes as f64 / decisions as f64),
        ("decisions", decisions as f64),
        ("wrong", asking.wrong as f64),
    ]
}
