//! Rules by what their first clauses ask of one value: is it in this network, is it this constant, is it one of these.

use std::collections::BTreeMap;

use crate::evaluate::Clause;
use crate::graph::NodeId;
use crate::value::view::{Fails, View};
use crate::value::{Network, Stored};

/// Rules whose first clause (or second, behind a guard that all share) compares the same value with a constant.
#[derive(Debug)]
pub(crate) struct Operand {
    /// A clause that all have before the one that is looked up: `context.geo has region`.
    pub(super) guard: Option<Clause>,
    /// The value.
    pub(super) node: NodeId,
    /// All rules of the group, for when guard or value fails.
    pub(super) members: (u32, u32),
    pub(super) choices: Choices,
    /// The rules of each choice.
    pub(super) rules: Vec<(u32, u32)>,
}

/// What the value is looked up in. Every constant that occurs is one choice, however many rules ask for it.
#[derive(Debug)]
pub(super) enum Choices {
    /// `value.isInRange(…)`: the networks by length, shortest first.
    Networks { v4: Vec<Length>, v6: Vec<Length> },
    /// `value == …` and `[…].contains(value)`: constants in order, each with the choices it stands for.
    Values(Vec<(Stored, Box<[u32]>)>),
}

/// Networks of one length by their bits, in order.
#[derive(Debug)]
pub(super) struct Length {
    prefix: u8,
    networks: Vec<(u128, u32)>,
}

impl Operand {
    /// Tells the rules whose clause holds for `value`; fails where all of their clauses fail.
    pub(super) fn find(&self, value: &View<'_>, mut tell: impl FnMut(u32, u32)) -> Result<(), Fails> {
        let mut tell = |choice: u32| {
            if let Some((start, count)) = usize::try_from(choice).ok().and_then(|at| self.rules.get(at)) {
                tell(*start, *count);
            }
        };
        match (&self.choices, value) {
            (Choices::Networks { v4, v6 }, View::Network(network)) => {
                let lengths = if network.address.is_ipv4() { v4 } else { v6 };
                for length in lengths.iter().take_while(|length| length.prefix <= network.prefix) {
                    let bits = network.masked(length.prefix);
                    let first = length.networks.partition_point(|(known, _)| *known < bits);
                    let same = length.networks.get(first..).unwrap_or(&[]).iter();
                    same.take_while(|(known, _)| *known == bits).for_each(|(_, choice)| tell(*choice));
                }
                Ok(())
            }
            (Choices::Networks { .. }, _) => Err(Fails),
            (Choices::Values(values), value) => {
                if let Some((_, choices)) =
                    value.search(values, |(constant, _)| constant)?.and_then(|at| values.get(at))
                {
                    choices.iter().for_each(|choice| tell(*choice));
                }
                Ok(())
            }
        }
    }

    pub(super) fn bytes(&self) -> usize {
        let choices = match &self.choices {
            Choices::Networks { v4, v6 } => {
                v4.iter().chain(v6).map(|length| size_of_val(&*length.networks)).sum::<usize>()
            }
            Choices::Values(values) => {
                size_of_val(&**values)
                    + values.iter().map(|(_, choices)| size_of_val(&**choices)).sum::<usize>()
            }
        };
        size_of::<Self>() + choices + size_of_val(&*self.rules)
    }
}

/// Networks, each with its choice, by family and length.
pub(super) fn networks(choices: impl Iterator<Item = (Network, u32)>) -> Choices {
    let mut families: [BTreeMap<u8, Vec<(u128, u32)>>; 2] = Default::default();
    let [v4, v6] = &mut families;
    for (network, choice) in choices {
        let family = if network.address.is_ipv4() { &mut *v4 } else { &mut *v6 };
        family.entry(network.prefix).or_default().push((network.masked(network.prefix), choice));
    }
    let [v4, v6] = families.map(|family| {
        let lengths = family.into_iter().map(|(prefix, mut networks)| {
            networks.sort_unstable();
            Length { prefix, networks }
        });
        lengths.collect()
    });
    Choices::Networks { v4, v6 }
}

/// Constants, each with its choices, in order.
pub(super) fn values<'c>(choices: impl Iterator<Item = (&'c Stored, u32)>) -> Choices {
    let mut values: BTreeMap<&Stored, Vec<u32>> = BTreeMap::new();
    for (value, choice) in choices {
        values.entry(value).or_default().push(choice);
    }
    let values = values.into_iter().map(|(value, choices)| (value.clone(), choices.into_boxed_slice()));
    Choices::Values(values.collect())
}
