//! A policy set made ready to decide with.

use cedar_policy::{Entities, PolicySet, Request, Schema};

use crate::{Facts, Verdict, World};

/// A policy set made ready to decide with.
#[derive(Debug)]
pub struct Program {
    policies: PolicySet,
}

/// Why a policy set cannot be made into a program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {}
