//! Families of policies that differ in a constant only: denylists, thresholds, roles. An index over what they test has to
//! find exactly those that hold, and all of them where what they test is missing or of another type.

use crate::case::{Actions, Case, Condition, Policy, Reference, Scope};
use crate::generate::Maker;
use crate::generate::policies::Temper;
use crate::generate::terms::long;
use crate::term::{Head, Piece, Term};
use crate::value::Value;
use crate::vocabulary::{KINDS, Kind};

/// What the policies of a family have in common.
struct Family {
    operand: Term,
    kind: Kind,
    form: usize,
    /// Comes before the test, and after it.
    before: Option<Term>,
    after: Option<Term>,
    policy: Policy,
}

impl Maker<'_, '_> {
    /// Writes one family.
    pub(super) fn guards(&mut self, case: &mut Case, number: usize) {
        let most = self.extent.guards;
        let many = match self.source.weighted(&[6, 3, 1]) {
            0 => self.source.between(2, 12.min(most)),
            1 => self.source.between(2, 60.min(most)),
            _ => self.source.between(2, most),
        };
        let family = self.family();
        for member in 0..many {
            let mut policy = family.policy.clone();
            policy.id = format!("g{number} {member}");
            let test = self.member(&family, member);
            let parts: Vec<_> =
                family.before.iter().cloned().chain([test]).chain(family.after.iter().cloned()).collect();
            let body = match <[Term; 1]>::try_from(parts) {
                Ok([alone]) => alone,
                Err(parts) => Term::new(Head::Between("&&"), parts),
            };
            if family.form == ROLES {
                let name = self.picked(|maker| &maker.above_principals);
                policy.principal = Scope::In(Reference::Entity(name));
                if self.source.chance(50) {
                    let name = self.picked(|maker| &maker.above_resources);
                    policy.resource = Scope::In(Reference::Entity(name));
                }
            } else if let Some(condition) = policy.conditions.first_mut() {
                condition.body = body;
            }
            // One of them may be unlike the others.
            if self.source.chance(2) {
                policy.forbid = !policy.forbid;
            }
            case.policies.push(policy);
        }
    }

    fn family(&mut self) -> Family {
        let form = self.source.weighted(&[3, 3, 3, 2, 2, 2, 1, 2, 1, 1, 2]);
        let kind = match form {
            RANGES => Kind::Ip,
            ORDERED => {
                *self.source.pick(&[Kind::Long, Kind::Datetime, Kind::Duration]).unwrap_or(&Kind::Long)
            }
            PATTERNS => Kind::Text,
            ABOVE => Kind::Entity,
            HOLDS => *self.source.pick(&[Kind::Texts, Kind::Longs, Kind::Entities]).unwrap_or(&Kind::Texts),
            PRICES => Kind::Decimal,
            _ => *self
                .source
                .pick(&[Kind::Text, Kind::Long, Kind::Entity, Kind::Ip, Kind::Bool])
                .unwrap_or(&Kind::Text),
        };
        // Now and then what is tested cannot be of the right type, and all of them err.
        let tested =
            if self.source.chance(6) { self.source.pick(KINDS).copied().unwrap_or(kind) } else { kind };
        let operand = if form == ABOVE && self.source.chance(60) {
            Term::variable("principal")
        } else {
            self.path(tested)
        };
        let before = match self.source.weighted(&[6, 2, 1]) {
            0 => None,
            1 => match (&operand.head, operand.parts.first()) {
                (Head::Attribute(name), Some(holder)) => Some(holder.clone().has(name.clone())),
                _ => None,
            },
            _ => Some(self.term(Kind::Bool, 1)),
        };
        let after = self.source.chance(20).then(|| self.term(Kind::Bool, 1));
        let temper = Temper { forbid: 70, open: 75 };
        let policy = Policy {
            id: String::new(),
            forbid: self.source.chance(temper.forbid),
            principal: self.scope(temper, true, false),
            action: if self.source.chance(70) { Actions::Any } else { self.actions(temper) },
            resource: self.scope(temper, false, false),
            conditions: vec![Condition { unless: self.source.chance(12), body: Term::bool(true) }],
        };
        Family { operand, kind, form, before, after, policy }
    }

    fn member(&mut self, family: &Family, member: usize) -> Term {
        let operand = family.operand.clone();
        match family.form {
            RANGES => {
                let range = match self.source.weighted(&[5, 2, 1]) {
                    0 => {
                        let width = self.source.word(&["8", "16", "24", "32", "31", "12"]);
                        Term::call("ip", &format!("10.{}.{}.0/{width}", member % 256, member / 256))
                    }
                    1 => self.literal(Kind::Ip),
                    _ => Term::call("ip", &format!("2001:db8:{member:x}::/{}", self.source.between(16, 128))),
                };
                operand.method("isInRange", [range])
            }
            ORDERED => {
                let constant = if family.kind == Kind::Long && self.source.chance(60) {
                    long(member)
                } else {
                    self.literal(family.kind)
                };
                let operator = self.source.word(&["<", "<=", ">", ">="]);
                if self.source.chance(30) {
                    Term::between(constant, operator, operand)
                } else {
                    Term::between(operand, operator, constant)
                }
            }
            LISTED => self.constants(family.kind).method("contains", [operand]),
            PATTERNS => {
                let pattern = if self.source.chance(50) {
                    vec![Piece::Text(format!("text {member}")), Piece::Any]
                } else {
                    self.pattern()
                };
                Term::new(Head::Like(pattern), vec![operand])
            }
            ABOVE => {
                let many = self.source.weighted(&[4, 1, 1]);
                let names: Vec<_> = (0..many).map(|_| Term::entity(self.any_name())).collect();
                let above = if names.is_empty() {
                    Term::entity(self.any_name())
                } else {
                    Term::new(Head::Set, names)
                };
                Term::between(operand, "in", above)
            }
            HOLDS => {
                let element = family.kind.element().unwrap_or(Kind::Text);
                if self.source.chance(70) {
                    let item = self.literal(element);
                    operand.method("contains", [item])
                } else {
                    let method = self.source.word(&["containsAny", "containsAll"]);
                    let items = self.constants(element);
                    operand.method(method, [items])
                }
            }
            PRICES => {
                let method =
                    self.source.word(&["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"]);
                let price = self.literal(Kind::Decimal);
                operand.method(method, [price])
            }
            PRESENT => {
                let name = self.any_attribute();
                self.holder().has(name)
            }
            DIFFERENT => Term::between(operand, "!=", self.constant(family.kind, member)),
            _ => {
                let constant = self.constant(family.kind, member);
                if self.source.chance(30) {
                    Term::between(constant, "==", operand)
                } else {
                    Term::between(operand, "==", constant)
                }
            }
        }
    }

    fn constant(&mut self, kind: Kind, member: usize) -> Term {
        match kind {
            Kind::Text if self.source.chance(60) => Term::value(Value::Text(format!("text {member}"))),
            Kind::Long if self.source.chance(60) => long(member),
            kind => self.literal(kind),
        }
    }
}

/// The forms of tests; what has no name here is an equality.
const RANGES: usize = 1;
const ORDERED: usize = 2;
const LISTED: usize = 3;
const PATTERNS: usize = 4;
const ABOVE: usize = 5;
const PRESENT: usize = 6;
const HOLDS: usize = 7;
const PRICES: usize = 8;
const DIFFERENT: usize = 9;
const ROLES: usize = 10;
