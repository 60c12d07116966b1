//! The same policies in another guise: in another order, among others that can never matter, with a schema known, without
//! an index. No answer may change.

use cedar_policy::{Policy, PolicyId, PolicySet};
use portcullis_decision::{Program, World};

use crate::check::{Check, Fault, compiled};
use crate::official::{gather, schema};
use crate::source::Source;

impl Check<'_> {
    pub(super) fn other_programs(&self, source: &mut Source<'_>) -> Result<(), Fault> {
        let set = &self.subject.set;
        // A program and a world are made in each; one of them at a time is enough.
        match source.below(3) {
            0 => {
                let set = disguised(set, source).map_err(Fault::Refused)?;
                self.ask("among other policies", &compiled(&set, "compile among others")?)
            }
            1 => {
                let schema = schema().map_err(Fault::Refused)?;
                let program = Program::compile_with_schema(set, &schema).map_err(|fault| Fault::Differs {
                    way: "compile with schema",
                    request: 0,
                    expected: "a program".to_owned(),
                    found: fault.to_string(),
                })?;
                self.ask("with schema", &program)
            }
            _ => match self.engine.unindexed.and_then(|compile| compile(set)) {
                Some(program) => self.ask("without index", &program),
                None => Ok(()),
            },
        }
    }

    fn ask(&self, way: &'static str, program: &Program) -> Result<(), Fault> {
        // A world outlives the program it was made for.
        let stranger = compiled(&PolicySet::new(), "compile nothing")?;
        let world = World::new(&stranger, &self.whole);
        for (place, answer) in self.sample() {
            self.decide(way, program, &world, place, answer)?;
        }
        Ok(())
    }
}

/// The same policies in another order, and others beside them.
fn disguised(set: &PolicySet, source: &mut Source<'_>) -> Result<PolicySet, String> {
    let mut policies: Vec<Policy> = set.policies().cloned().collect();
    for place in 0..IRRELEVANT_SCOPES.len() {
        let condition = source.word(IRRELEVANT_CONDITIONS);
        let scope = IRRELEVANT_SCOPES.get(place).copied().unwrap_or_default();
        let effect = source.word(&["permit", "forbid"]);
        let (id, text) =
            (format!("p{place} irrelevant"), format!("{effect}({scope}) when {{ {condition} }};"));
        policies.push(Policy::parse(Some(PolicyId::new(id)), text).map_err(|fault| fault.to_string())?);
    }
    source.shuffle(&mut policies);
    let mut disguised = PolicySet::new();
    gather(&mut disguised, set.templates(), policies.iter(), Clone::clone)?;
    Ok(disguised)
}

/// Scopes that no request matches: no world has a type called `Nowhere`.
const IRRELEVANT_SCOPES: &[&str] = &[
    "principal == Nowhere::\"x\", action, resource",
    "principal in Nowhere::\"x\", action, resource",
    "principal is Nowhere, action, resource",
    "principal is User in Nowhere::\"x\", action, resource",
    "principal, action == Nowhere::Action::\"view\", resource",
    "principal, action in [Nowhere::Action::\"view\", Nowhere::Action::\"edit\"], resource",
    "principal, action in [], resource",
    "principal, action, resource == Nowhere::\"x\"",
    "principal, action, resource in Nowhere::\"x\"",
    "principal, action, resource is Nowhere",
];

const IRRELEVANT_CONDITIONS: &[&str] = &[
    "true",
    "principal.nothing",
    "context.level < 3",
    "context.address.isInRange(ip(\"10.0.0.0/8\"))",
    "context.tier == \"gold\"",
    "1 + true == 2",
    "[\"gold\", \"free\"].contains(principal.tier)",
    "resource in Folder::\"alice\"",
    "ip(\"nonsense\").isIpv4()",
];
