//! A small shop for the tests of this crate.

use portcullis_context::Directory;
use portcullis_decision::{Program, Value, World};
use portcullis_gate::{Apps, ForbidFault, bind};
use portcullis_policy::{Policies, SourceText};

use crate::question::FactPath;
use crate::{Question, Rulebook};

/// Everything that a rulebook borrows from.
pub(crate) struct Shop {
    program: Program,
    pub(crate) world: World,
    policies: Policies,
    pub(crate) directory: Directory,
}

impl Shop {
    /// These policies, and this directory.
    pub(crate) fn new(policies: &str, directory: &str) -> Self {
        let written = SourceText { name: "policies/shop.cedar".to_owned(), text: policies.to_owned() };
        let loaded = Policies::load(&[written], None, &[]);
        let policies = loaded.policies.unwrap_or_else(|| panic!("{:?}", loaded.findings));
        let directory =
            Directory::load(&[("directory.toml".to_owned(), directory.to_owned())]).expect("a directory");
        let entities =
            bind::entities::entities(&directory, &Apps::default(), &policies.schema).expect("entities");
        let program = Program::compile_with_schema(&policies.set, &policies.schema).expect("a program");
        let world = World::new(&program, &entities);
        Self { program, world, policies, directory }
    }

    pub(crate) fn rulebook(&self) -> Rulebook<'_> {
        Rulebook {
            program: &self.program,
            world: &self.world,
            policies: &self.policies,
            directory: &self.directory,
            on_forbid_fault: ForbidFault::Unavailable,
        }
    }
}

/// Alice asks for the premium pages, on a Tuesday at noon.
pub(crate) fn alice() -> Question {
    let name = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
    let mut question = Question::new(name("User", "alice"), "GET", name("Route", "shop/premium"));
    let text = |text: &'static str| Value::String(text.into());
    for (path, value) in [
        ("principal.tier", text("free")),
        ("context.geo.country", text("DE")),
        ("context.network.ip", Value::Address([192, 0, 2, 7].into())),
        ("context.network.zones", Value::Set(Vec::new())),
        ("context.device.compliant", Value::Bool(false)),
        ("context.device.last_seen", Value::Datetime(NOON - 9 * DAY)),
        ("context.auth.method", text("jwt")),
        ("context.auth.scopes", Value::Set(vec![text("read")])),
        ("context.auth.amr", Value::Set(Vec::new())),
        ("context.request.method", text("GET")),
        ("context.request.path", text("/premium")),
        ("context.time.now", Value::Datetime(NOON)),
        ("context.time.minute", Value::Long(720)),
        ("context.time.weekday", Value::Long(2)),
    ] {
        question.set(&path.parse::<FactPath>().expect("a fact"), value);
    }
    question
}

/// 2026-03-03T12:00:00Z, a Tuesday.
pub(crate) const NOON: i64 = 1_772_539_200_000;

/// Milliseconds.
pub(crate) const DAY: i64 = 86_400_000;
