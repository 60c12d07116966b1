//! Plants the tree: at each branch, the dimension that leaves the fewest rules to look at, then the values that many
//! rules compare with constants.

use std::collections::BTreeMap;
use std::fmt;

use hashbrown::HashTable;

use super::operand::{self, Operand};
use super::{Branch, Index, Keyed, Operands, Split};
use crate::evaluate::Clause;
use crate::graph::{Function, Graph, Node, NodeId, Operator};
use crate::rule::{Dimension, Literal, Rule, Terms, Test};
use crate::value::{Network, Stored};

/// So few rules are looked at as they are: about what a look-up costs.
const LEAF: usize = 6;

/// So many rules have to ask of the same value before it is looked up.
const GROUP: usize = 6;

/// How many entries the tables of one operand may have for each of its rules, so that sets of ten thousand texts do not
/// make an index larger than the policies.
const ENTRIES: usize = 64;

/// What serves a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Key {
    /// The entity that its scope pins, by dimension.
    Scope(Dimension),
    /// The type that its scope names.
    Kind(Dimension),
    /// A constant in its first clauses.
    Operand,
    /// Nothing, and nothing has to: it never applies.
    Never,
    /// Nothing: it is looked at for every request that comes by.
    None,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope(dimension) => f.write_str(dimension.name()),
            Self::Kind(dimension) => write!(f, "type of {}", dimension.name()),
            Self::Operand => f.write_str("value"),
            Self::Never | Self::None => f.write_str("nothing"),
        }
    }
}

/// What serves each policy, where there is an index.
#[derive(Debug, Default)]
pub(crate) struct Keys(Box<[Option<Key>]>);

impl Keys {
    /// What serves a policy; the first that does counts.
    fn add(&mut self, policy: u32, key: Key) {
        if let Some(of) = usize::try_from(policy).ok().and_then(|at| self.0.get_mut(at)) {
            of.get_or_insert(key);
        }
    }

    pub(crate) fn get(&self, policy: u32) -> Option<Key> {
        *self.0.get(usize::try_from(policy).ok()?)?
    }

    /// Policies, in their order, and what serves each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, Key)> {
        (0..).zip(&self.0).filter_map(|(policy, key)| Some((policy, (*key)?)))
    }
}

/// Plants the index. Also says for each rule, by policy, what serves it.
pub(crate) fn build(rules: Vec<Rule>, terms: &Terms, graph: &Graph) -> (Index, Keys) {
    let keys = Keys(vec![None; rules.len()].into_boxed_slice());
    let mut build = Build { index: Index::default(), terms, graph, keys };
    let (never, applicable): (Vec<Rule>, Vec<Rule>) = rules
        .into_iter()
        .partition(|rule| Dimension::ALL.iter().any(|dimension| rule.test(*dimension) == Test::Never));
    never.iter().for_each(|rule| build.keys.add(rule.policy, Key::Never));
    build.index.root = build.branch(applicable, &Dimension::ALL, Key::None);
    (build.index, build.keys)
}

struct Build<'a> {
    index: Index,
    terms: &'a Terms,
    graph: &'a Graph,
    keys: Keys,
}

/// Rules by where they lie in one dimension.
#[derive(Default)]
struct Divided {
    equal: BTreeMap<Literal, Vec<Rule>>,
    within: BTreeMap<Literal, Vec<Rule>>,
    kinds: BTreeMap<u32, Vec<Rule>>,
    rest: Vec<Rule>,
}

impl Divided {
    /// About how many rules a request meets: all of the rest, and one key's share of the others.
    fn expected(&self, count: usize) -> usize {
        let groups = self.equal.values().chain(self.within.values()).chain(self.kinds.values());
        let squares: usize = groups.map(|group| group.len().saturating_mul(group.len())).sum();
        self.rest.len().saturating_add(squares / count.max(1))
    }
}

impl Build<'_> {
    fn branch(&mut self, rules: Vec<Rule>, unused: &[Dimension], served_by: Key) -> Branch {
        if rules.len() <= LEAF {
            return self.leaf(rules, served_by);
        }
        // Even where all lie under one key, requests for other entities pass them by.
        let best = unused
            .iter()
            .map(|dimension| (*dimension, self.divide(&rules, *dimension)))
            .filter(|(_, divided)| divided.rest.len().saturating_mul(4) <= rules.len().saturating_mul(3))
            .min_by_key(|(_, divided)| divided.expected(rules.len()));
        match best {
            Some((dimension, divided)) => {
                let unused: Vec<_> = unused.iter().copied().filter(|other| *other != dimension).collect();
                self.split(dimension, divided, &unused, served_by)
            }
            None => self.operands(rules, served_by),
        }
    }

    fn leaf(&mut self, rules: Vec<Rule>, served_by: Key) -> Branch {
        if rules.is_empty() {
            return Branch::Nothing;
        }
        for rule in &rules {
            self.keys.add(rule.policy, served_by);
        }
        let (start, count) = self.lay(rules);
        Branch::Leaf { start, count }
    }

    fn lay(&mut self, rules: Vec<Rule>) -> (u32, u32) {
        let start = u32::try_from(self.index.rules.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(rules.len()).unwrap_or(0);
        self.index.rules.extend(rules);
        (start, count)
    }

    fn divide(&self, rules: &[Rule], dimension: Dimension) -> Divided {
        let mut divided = Divided::default();
        for rule in rules {
            match rule.test(dimension) {
                Test::Any | Test::Never => divided.rest.push(*rule),
                Test::Equal(literal) => divided.equal.entry(literal).or_default().push(*rule),
                Test::In(literal) => divided.within.entry(literal).or_default().push(*rule),
                Test::InSome(list) => {
                    for literal in self.terms.list(list) {
                        divided.within.entry(*literal).or_default().push(*rule);
                    }
                }
                Test::Is(kind) => divided.kinds.entry(kind).or_default().push(*rule),
                Test::IsIn(pair) => match self.terms.kind_in(pair) {
                    Some((_, literal)) => divided.within.entry(literal).or_default().push(*rule),
                    None => divided.rest.push(*rule),
                },
            }
        }
        divided
    }

    fn split(
        &mut self,
        dimension: Dimension,
        divided: Divided,
        unused: &[Dimension],
        served_by: Key,
    ) -> Branch {
        let key = Key::Scope(dimension);
        let equal = self.table(divided.equal, unused, key);
        let within = self.table(divided.within, unused, key);
        let kinds = divided.kinds.into_iter();
        let kinds =
            kinds.map(|(kind, rules)| (kind, self.branch(rules, unused, Key::Kind(dimension)))).collect();
        let rest = self.branch(divided.rest, unused, served_by);
        let at = u32::try_from(self.index.splits.len()).unwrap_or(u32::MAX);
        self.index.splits.push(Split { dimension, equal, within, kinds, rest });
        Branch::Split(at)
    }

    fn table(
        &mut self,
        groups: BTreeMap<Literal, Vec<Rule>>,
        unused: &[Dimension],
        key: Key,
    ) -> HashTable<Keyed> {
        let mut table = HashTable::with_capacity(groups.len());
        for (literal, rules) in groups {
            let Some(print) = self.terms.print(literal) else { continue };
            let keyed = Keyed { print, branch: self.branch(rules, unused, key) };
            table.insert_unique(keyed.print.hash(), keyed, |keyed| keyed.print.hash());
        }
        table
    }

    /// Rules whose first clauses ask of the same value are looked up by it; the others are looked at one by one.
    fn operands(&mut self, rules: Vec<Rule>, served_by: Key) -> Branch {
        let mut groups: BTreeMap<GroupKey, Vec<(Rule, Asked<'_>)>> = BTreeMap::new();
        let (mut rest, graph) = (Vec::new(), self.graph);
        for rule in rules {
            match asked(self.terms.clauses(&rule), graph).filter(|_| !rule.reference) {
                Some((key, asked)) => groups.entry(key).or_default().push((rule, asked)),
                None => rest.push(rule),
            }
        }
        let mut operands = Vec::new();
        for (key, members) in groups {
            let entries: usize = members.iter().map(|(_, asked)| asked.entries()).sum();
            if members.len() < GROUP || entries > members.len().saturating_mul(ENTRIES) {
                rest.extend(members.into_iter().map(|(rule, _)| rule));
            } else {
                operands.push(self.operand(key, members));
            }
        }
        if operands.is_empty() {
            rest.sort_by_key(|rule| rule.policy);
            return self.leaf(rest, served_by);
        }
        rest.sort_by_key(|rule| rule.policy);
        let rest = self.leaf(rest, served_by);
        let at = u32::try_from(self.index.operands.len()).unwrap_or(u32::MAX);
        self.index.operands.push(Operands { groups: operands, rest });
        Branch::Operands(at)
    }

    fn operand(&mut self, key: GroupKey, members: Vec<(Rule, Asked<'_>)>) -> Operand {
        let all: Vec<Rule> = members.iter().map(|(rule, _)| *rule).collect();
        let guard = all.first().and_then(|rule| self.terms.clauses(rule).first()).copied();
        for rule in &all {
            self.keys.add(rule.policy, Key::Operand);
        }
        let members_at = self.lay(all);
        let mut choices: BTreeMap<Asked<'_>, Vec<Rule>> = BTreeMap::new();
        for (rule, asked) in members {
            choices.entry(asked).or_default().push(rule);
        }
        let (asked, rules): (Vec<_>, Vec<_>) =
            choices.into_iter().map(|(asked, rules)| (asked, self.lay(rules))).unzip();
        let numbered = || asked.iter().zip(0_u32..);
        let choices = if key.networks {
            operand::networks(numbered().filter_map(|(asked, choice)| match asked {
                Asked::Network(network) => Some((*network, choice)),
                Asked::Value(_) | Asked::OneOf(_) => None,
            }))
        } else {
            operand::values(numbered().flat_map(|(asked, choice)| {
                let values = match asked {
                    Asked::Network(_) => &[][..],
                    Asked::Value(value) => std::slice::from_ref(*value),
                    Asked::OneOf(values) => values,
                };
                values.iter().map(move |value| (value, choice))
            }))
        };
        Operand {
            guard: guard.filter(|_| key.guard.is_some()),
            node: key.node,
            members: members_at,
            choices,
            rules,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    guard: Option<NodeId>,
    node: NodeId,
    networks: bool,
}

/// What a clause asks of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked<'g> {
    Network(Network),
    Value(&'g Stored),
    OneOf(&'g [Stored]),
}

impl Asked<'_> {
    fn entries(&self) -> usize {
        match self {
            Self::Network(_) | Self::Value(_) => 1,
            Self::OneOf(values) => values.len(),
        }
    }
}

/// The first clause if it asks a value for a constant, or the second: its predecessor is evaluated first, for all the
/// rules that share it.
fn asked<'g>(clauses: &[Clause], graph: &'g Graph) -> Option<(GroupKey, Asked<'g>)> {
    let first = clauses.first()?;
    let keyed = |guard: Option<NodeId>, (node, asked): (NodeId, Asked<'g>)| {
        (GroupKey { guard, node, networks: matches!(asked, Asked::Network(_)) }, asked)
    };
    if let Some(found) = asks(first.node, graph) {
        return Some(keyed(None, found));
    }
    let found = asks(clauses.get(1)?.node, graph)?;
    Some(keyed(Some(first.node), found))
}

fn asks(clause: NodeId, graph: &Graph) -> Option<(NodeId, Asked<'_>)> {
    match graph.node(clause) {
        Node::Binary { operator: Operator::Equal, left, right } => {
            match (graph.as_constant(left), graph.as_constant(right)) {
                (Some(constant), None) => Some((right, Asked::Value(constant))),
                (None, Some(constant)) => Some((left, Asked::Value(constant))),
                _ => None,
            }
        }
        Node::Binary { operator: Operator::Contains, left, right } => match graph.as_constant(left) {
            Some(Stored::Set(items)) if graph.as_constant(right).is_none() => {
                Some((right, Asked::OneOf(items.as_slice())))
            }
            _ => None,
        },
        Node::Call { function: Function::IsInRange, arguments } => {
            let mut arguments = graph.nodes_of(arguments);
            let (value, constant) = (arguments.next()?, arguments.next()?);
            match graph.as_constant(constant) {
                Some(Stored::Network(network)) => Some((value, Asked::Network(*network))),
                _ => None,
            }
        }
        _ => None,
    }
}
