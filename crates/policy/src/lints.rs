//! Lints over a whole policy set: what parses and validates, and still cannot be meant.
