//! One policy as a decision reads it: its scope as tests, its conditions as clauses.
//!
//! INVARIANT: scopes cannot fail, so a policy whose scope does not match is neither true nor erring.

use std::mem::size_of_val;

use crate::evaluate::Clause;
use crate::graph::NodeId;
use crate::name::Print;
use crate::situation::{Situation, Subject};
use crate::texts::Texts;

/// An entity that some policy names in its scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Literal(pub(crate) u32);

/// A scope's test of principal, action or resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Test {
    Any,
    Equal(Literal),
    In(Literal),
    /// In one of a list's entities.
    InSome(u32),
    /// Of a type.
    Is(u32),
    /// Of a type, and in an entity: one of the list of such pairs.
    IsIn(u32),
    /// A slot that nothing fills.
    Never,
}

/// Principal, action or resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Dimension {
    Principal,
    Action,
    Resource,
}

impl Dimension {
    pub(crate) const ALL: [Self; 3] = [Self::Resource, Self::Principal, Self::Action];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Action => "action",
            Self::Resource => "resource",
        }
    }

    /// Its bit in [`Proven`].
    fn bit(self) -> u8 {
        match self {
            Self::Principal => 1,
            Self::Action => 2,
            Self::Resource => 4,
        }
    }
}

/// What the way through the index has shown already: the tests by `==` and `in` of these dimensions hold.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Proven(u8);

impl Proven {
    pub(crate) fn with(self, dimension: Dimension) -> Self {
        Self(self.0 | dimension.bit())
    }

    fn has(self, dimension: Dimension) -> bool {
        self.0 & dimension.bit() != 0
    }
}

/// One policy. Small, because a decision touches many.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    /// Its place in the order of ids.
    pub(crate) policy: u32,
    pub(crate) forbid: bool,
    /// Whether the reference evaluator decides it.
    pub(crate) reference: bool,
    principal: Test,
    action: Test,
    resource: Test,
    clauses: (u32, u32),
}

impl Rule {
    pub(crate) fn new(policy: u32, forbid: bool, tests: [Test; 3], clauses: (u32, u32)) -> Self {
        let [principal, action, resource] = tests;
        Self { policy, forbid, reference: false, principal, action, resource, clauses }
    }

    pub(crate) fn test(&self, dimension: Dimension) -> Test {
        match dimension {
            Dimension::Principal => self.principal,
            Dimension::Action => self.action,
            Dimension::Resource => self.resource,
        }
    }
}

/// What the rules of a program refer to.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    /// The prints of literals: a decision needs nothing else of them.
    prints: Vec<Print>,
    /// The types of literals, as in `kinds`, and their identifiers.
    literals: Vec<u32>,
    ids: Texts,
    /// The actions that scopes name by `==`, sorted by print. There are few, and every decision asks for one of them.
    actions: Vec<(Print, Literal)>,
    pub(crate) lists: Vec<Box<[Literal]>>,
    pub(crate) kinds: Vec<Box<str>>,
    pub(crate) kinds_in: Vec<(u32, Literal)>,
    pub(crate) clauses: Vec<Clause>,
}

impl Terms {
    /// Adds a name that no literal has yet.
    pub(crate) fn add_literal(&mut self, print: Print, kind: u32, id: &str) {
        self.prints.push(print);
        self.literals.push(kind);
        self.ids.push(id);
    }

    /// Type and identifier of a literal.
    pub(crate) fn literal(&self, literal: Literal) -> Option<(&str, &str)> {
        let kind = self.literals.get(at(literal.0))?;
        Some((self.kind(*kind), self.ids.get(literal.0)))
    }

    #[inline]
    pub(crate) fn print(&self, literal: Literal) -> Option<Print> {
        self.prints.get(at(literal.0)).copied()
    }

    /// The types of all literals, some twice.
    pub(crate) fn literal_kinds(&self) -> impl Iterator<Item = &str> {
        self.literals.iter().map(|kind| self.kind(*kind))
    }

    pub(crate) fn list(&self, list: u32) -> &[Literal] {
        self.lists.get(at(list)).map_or(&[], |list| list)
    }

    pub(crate) fn kind(&self, kind: u32) -> &str {
        self.kinds.get(at(kind)).map_or("", |kind| kind)
    }

    /// The type and the entity of an `is … in …`.
    pub(crate) fn kind_in(&self, pair: u32) -> Option<(u32, Literal)> {
        self.kinds_in.get(at(pair)).copied()
    }

    pub(crate) fn clauses(&self, rule: &Rule) -> &[Clause] {
        let (start, end) = rule.clauses;
        self.clauses.get(at(start)..at(end)).unwrap_or(&[])
    }

    pub(crate) fn nodes(&self, rule: &Rule) -> Vec<NodeId> {
        self.clauses(rule).iter().map(|clause| clause.node).collect()
    }

    /// A test as Cedar writes it.
    pub(crate) fn show(&self, test: Test) -> String {
        let name =
            |literal| self.literal(literal).map_or_else(String::new, |(kind, id)| format!("{kind}::{id:?}"));
        match test {
            Test::Any => "any".to_owned(),
            Test::Equal(literal) => format!("== {}", name(literal)),
            Test::In(literal) => format!("in {}", name(literal)),
            Test::InSome(list) => {
                format!(
                    "in [{}]",
                    self.list(list).iter().map(|literal| name(*literal)).collect::<Vec<_>>().join(", ")
                )
            }
            Test::Is(kind) => format!("is {}", self.kind(kind)),
            Test::IsIn(pair) => self.kind_in(pair).map_or_else(String::new, |(kind, literal)| {
                format!("is {} in {}", self.kind(kind), name(literal))
            }),
            Test::Never => "never: its slot is open".to_owned(),
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.prints)
            + size_of_val(&*self.literals)
            + self.ids.bytes()
            + self.lists.iter().map(|list| size_of_val(list) + size_of_val(&**list)).sum::<usize>()
            + size_of_val(&*self.clauses)
            + size_of_val(&*self.kinds_in)
    }

    /// All literals are there.
    pub(crate) fn finish(&mut self, rules: &[Rule]) {
        let actions = rules.iter().filter_map(|rule| match rule.action {
            Test::Equal(literal) => Some((self.print(literal)?, literal)),
            _ => None,
        });
        self.actions = actions.collect();
        self.actions.sort_unstable();
        self.actions.dedup();
        self.clauses.shrink_to_fit();
        self.prints.shrink_to_fit();
        self.literals.shrink_to_fit();
        self.ids.shrink();
    }

    /// What rules call this action, if some name it.
    pub(crate) fn action(&self, print: Print) -> Option<Literal> {
        let place = self.actions.binary_search_by(|(known, _)| known.cmp(&print)).ok()?;
        self.actions.get(place).map(|(_, literal)| *literal)
    }

    /// Whether the scope of a rule admits the request, given what is proven already and what rules call its action.
    #[inline]
    pub(crate) fn admits(
        &self,
        rule: &Rule,
        situation: &Situation<'_>,
        proven: Proven,
        action: Option<Literal>,
    ) -> bool {
        let by_action = match rule.action {
            Test::Any => true,
            Test::Equal(literal) => Some(literal) == action,
            test => self.holds(test, &situation.action, situation),
        };
        by_action
            && self.proven_or_holds(
                rule.principal,
                Dimension::Principal,
                proven,
                &situation.principal,
                situation,
            )
            && self.proven_or_holds(
                rule.resource,
                Dimension::Resource,
                proven,
                &situation.resource,
                situation,
            )
    }

    /// Whether a rule is about this action and resource, whoever asks.
    pub(crate) fn admits_but_for_principal(&self, rule: &Rule, situation: &Situation<'_>) -> bool {
        self.holds(rule.action, &situation.action, situation)
            && self.holds(rule.resource, &situation.resource, situation)
    }

    #[inline]
    fn proven_or_holds<'v>(
        &self,
        test: Test,
        dimension: Dimension,
        proven: Proven,
        subject: &Subject<'v>,
        situation: &Situation<'v>,
    ) -> bool {
        match test {
            Test::Any => true,
            Test::Equal(_) | Test::In(_) if proven.has(dimension) => true,
            test => self.holds(test, subject, situation),
        }
    }

    pub(crate) fn holds<'v>(&self, test: Test, subject: &Subject<'v>, situation: &Situation<'v>) -> bool {
        let is_in =
            |literal| self.print(literal).is_some_and(|print| situation.is_subject_in(subject, print));
        match test {
            Test::Any => true,
            Test::Equal(literal) => self.print(literal) == Some(subject.view.print),
            Test::In(literal) => is_in(literal),
            Test::InSome(list) => self.list(list).iter().any(|literal| is_in(*literal)),
            Test::Is(kind) => self.kind(kind) == subject.view.kind(),
            Test::IsIn(pair) => self
                .kind_in(pair)
                .is_some_and(|(kind, literal)| self.kind(kind) == subject.view.kind() && is_in(literal)),
            Test::Never => false,
        }
    }
}

fn at(index: u32) -> usize {
    usize::try_from(index).unwrap_or(usize::MAX)
}
