//! Values, and the constants of policies. Both draw from the same few, so that they are often equal and often nearly so.

use crate::generate::Maker;
use crate::source::Source;
use crate::term::Term;
use crate::value::{Fields, Value};
use crate::vocabulary::{
    ADDRESSES, DATETIMES, DECIMALS, DURATIONS, KINDS, Kind, LONGS, RANGES, TEXTS, UNREADABLE,
};

/// The constants of one world.
pub(super) struct Pools {
    pub(super) longs: Vec<i64>,
    pub(super) texts: Vec<&'static str>,
    pub(super) addresses: Vec<&'static str>,
    pub(super) ranges: Vec<&'static str>,
    pub(super) decimals: Vec<&'static str>,
    pub(super) datetimes: Vec<(&'static str, i64)>,
    pub(super) durations: Vec<(&'static str, i64)>,
}

impl Pools {
    pub(super) fn new(source: &mut Source<'_>) -> Self {
        fn some<T: Copy>(source: &mut Source<'_>, of: &[T]) -> Vec<T> {
            let many = source.between(2, 6);
            (0..many).filter_map(|_| source.pick(of).copied()).collect()
        }
        Self {
            longs: some(source, LONGS),
            texts: some(source, TEXTS),
            addresses: some(source, ADDRESSES),
            ranges: some(source, RANGES),
            decimals: some(source, DECIMALS),
            datetimes: some(source, DATETIMES),
            durations: some(source, DURATIONS),
        }
    }
}

impl Maker<'_, '_> {
    /// A value of this kind, or now and then of another.
    pub(super) fn value(&mut self, kind: Kind) -> Value {
        let kind = if self.source.chance(self.wild_values) {
            self.source.pick(KINDS).copied().unwrap_or(kind)
        } else {
            kind
        };
        self.right_value(kind)
    }

    fn right_value(&mut self, kind: Kind) -> Value {
        match kind {
            Kind::Bool => Value::Bool(self.source.chance(50)),
            Kind::Long => Value::Long(self.long()),
            Kind::Text => Value::Text(self.text()),
            Kind::Entity => Value::Entity(self.any_name()),
            Kind::Ip if self.source.chance(10) => Value::Ip(self.one(|pools| &pools.ranges)),
            Kind::Ip => Value::Ip(self.one(|pools| &pools.addresses)),
            Kind::Decimal => Value::Decimal(self.one(|pools| &pools.decimals)),
            Kind::Datetime => {
                Value::Datetime(self.source.pick(&self.pools.datetimes).map_or(0, |(_, value)| *value))
            }
            Kind::Duration => {
                Value::Duration(self.source.pick(&self.pools.durations).map_or(0, |(_, value)| *value))
            }
            Kind::Texts | Kind::Longs | Kind::Entities | Kind::Ips => {
                let element = kind.element().unwrap_or(Kind::Long);
                if self.source.chance(1) && self.extent.huge > 0 {
                    return Value::Set(self.huge(element));
                }
                let many = self.source.below(5);
                Value::Set((0..many).map(|_| self.value(element)).collect())
            }
            Kind::Profile | Kind::Inner | Kind::Geo => {
                let mut fields: Fields = Vec::new();
                for (name, kind) in kind.fields() {
                    if !self.source.chance(self.absent) {
                        fields.push(((*name).to_owned(), self.value(*kind)));
                    }
                }
                if self.source.chance(1) {
                    fields.extend(
                        (0..self.extent.huge).map(|number| (format!("field {number}"), Value::Long(7))),
                    );
                }
                Value::Record(fields)
            }
        }
    }

    /// Very many elements, all different.
    fn huge(&mut self, kind: Kind) -> Vec<Value> {
        let many = self.source.between(self.extent.huge / 4, self.extent.huge);
        let mut items: Vec<_> = (0..many)
            .map(|number| match kind {
                Kind::Long => Value::Long(i64::try_from(number).unwrap_or_default()),
                _ => Value::Text(format!("text {number}")),
            })
            .collect();
        items.push(self.value(kind));
        items
    }

    pub(super) fn long(&mut self) -> i64 {
        if self.source.chance(15) {
            return i64::try_from(self.source.below(400)).unwrap_or_default();
        }
        self.source.pick(&self.pools.longs).copied().unwrap_or_default()
    }

    pub(super) fn text(&mut self) -> String {
        if self.source.chance(8) {
            return format!("text {}", self.source.below(400));
        }
        self.one(|pools| &pools.texts)
    }

    pub(super) fn one(&mut self, of: fn(&Pools) -> &Vec<&'static str>) -> String {
        let words = of(&self.pools);
        words.get(self.source.below(words.len())).copied().unwrap_or_default().to_owned()
    }

    /// A constant of this kind as policies write it.
    pub(super) fn literal(&mut self, kind: Kind) -> Term {
        let unreadable = self.source.chance(self.wild_terms / 2);
        let readable = |text: String, source: &mut Source<'_>| {
            if unreadable { source.word(UNREADABLE).to_owned() } else { text }
        };
        match kind {
            Kind::Ip => {
                let text = if self.source.chance(40) {
                    self.one(|pools| &pools.ranges)
                } else {
                    self.one(|pools| &pools.addresses)
                };
                Term::call("ip", &readable(text, self.source))
            }
            Kind::Decimal => {
                let text = self.one(|pools| &pools.decimals);
                Term::call("decimal", &readable(text, self.source))
            }
            Kind::Datetime => {
                let text = self.source.pick(&self.pools.datetimes).map_or("", |(text, _)| text);
                Term::call("datetime", &readable(text.to_owned(), self.source))
            }
            Kind::Duration => {
                let text = self.source.pick(&self.pools.durations).map_or("", |(text, _)| text);
                Term::call("duration", &readable(text.to_owned(), self.source))
            }
            // A constant record of the policy has the fields that a value would have.
            kind => Term::value(self.value(kind)),
        }
    }
}
