//! Planned.
