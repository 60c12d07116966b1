//! Expressions that are true or false.

use crate::generate::Maker;
use crate::term::{Head, Term};
use crate::vocabulary::{KINDS, Kind, PATHS, TYPES};

const ADDRESS_TESTS: &[&str] = &["isIpv4", "isIpv6", "isLoopback", "isMulticast"];
const DECIMAL_TESTS: &[&str] = &["lessThan", "lessThanOrEqual", "greaterThan", "greaterThanOrEqual"];
const ORDER: &[&str] = &["<", "<=", ">", ">="];

impl Maker<'_, '_> {
    /// Something that is true or false, of parts at most this deep.
    pub(super) fn condition(&mut self, depth: usize) -> Term {
        match self.source.weighted(&[2, 6, 5, 4, 2, 4, 3, 3, 2, 2, 3, 1, 2]) {
            0 => self.leaf(Kind::Bool),
            1 => self.guarded(depth),
            2 => self.equality(depth),
            3 => self.chain(depth),
            4 => Term::new(Head::Before("!"), vec![self.term(Kind::Bool, depth)]),
            5 => self.order(depth),
            6 => self.membership(depth),
            7 => self.sets(depth),
            8 => self.presence(depth),
            9 => {
                let pattern = self.pattern();
                Term::new(Head::Like(pattern), vec![self.term(Kind::Text, depth)])
            }
            10 => self.address(depth),
            11 => {
                let tag = self.leaf(Kind::Text);
                self.term(Kind::Entity, depth).method("hasTag", [tag])
            }
            _ => self.kind_of(depth),
        }
    }

    /// `x has a && x.a …`, as careful policies are written.
    fn guarded(&mut self, depth: usize) -> Term {
        let known = &self.attributes;
        let paths: Vec<_> = PATHS
            .iter()
            .filter(|(path, _)| path.first().is_some_and(|first| known.iter().any(|(name, _)| name == first)))
            .collect();
        let Some((path, kind)) = self.source.pick(&paths) else { return self.leaf(Kind::Bool) };
        let holder = self.holder();
        let mut parts = Vec::new();
        let mut term = holder.clone();
        let whole = path.iter().all(|name| crate::term::is_identifier(name)) && self.source.chance(50);
        for name in path {
            if !whole {
                parts.push(term.clone().has(*name));
            }
            term = term.attribute(*name);
        }
        if whole {
            let names = path.iter().map(|name| (*name).to_owned()).collect();
            parts.push(Term::new(Head::Has(names), vec![holder]));
        }
        let about = self.about(term, *kind, depth);
        parts.push(about);
        Term::new(Head::Between("&&"), parts)
    }

    /// Something about a thing of this kind.
    fn about(&mut self, term: Term, kind: Kind, depth: usize) -> Term {
        let other = |maker: &mut Self, kind| maker.term(kind, depth.min(1));
        if self.source.chance(25) {
            let operator = self.source.word(&["==", "!="]);
            return Term::between(term, operator, other(self, kind));
        }
        match kind {
            Kind::Bool => term,
            Kind::Long | Kind::Datetime | Kind::Duration => {
                let operator = self.source.word(ORDER);
                Term::between(term, operator, other(self, kind))
            }
            Kind::Text if self.source.chance(40) => Term::new(Head::Like(self.pattern()), vec![term]),
            Kind::Text => self.constants(Kind::Text).method("contains", [term]),
            Kind::Entity => Term::between(term, "in", other(self, Kind::Entity)),
            Kind::Ip => {
                let range = self.literal(Kind::Ip);
                term.method("isInRange", [range])
            }
            Kind::Decimal => {
                let method = self.source.word(DECIMAL_TESTS);
                term.method(method, [other(self, Kind::Decimal)])
            }
            Kind::Texts | Kind::Longs | Kind::Entities | Kind::Ips => {
                let item = other(self, kind.element().unwrap_or(Kind::Long));
                term.method("contains", [item])
            }
            Kind::Profile | Kind::Inner | Kind::Geo => {
                let field = kind.fields().first().map_or("level", |(name, _)| *name);
                term.has(field)
            }
        }
    }

    fn equality(&mut self, depth: usize) -> Term {
        let kind = self.source.pick(KINDS).copied().unwrap_or(Kind::Text);
        let other = if self.source.chance(4) { Kind::Text } else { kind };
        let operator = self.source.word(&["==", "==", "!="]);
        Term::between(self.term(kind, depth), operator, self.term(other, depth))
    }

    fn chain(&mut self, depth: usize) -> Term {
        let operator = self.source.word(&["&&", "||"]);
        let many = match self.source.weighted(&[12, 4, 1]) {
            0 => 2,
            1 => self.source.between(3, 6),
            _ => self.source.between(10, 30),
        };
        // Long chains are flat: their length is what matters.
        let depth = if many > 6 { depth.min(1) } else { depth };
        Term::new(Head::Between(operator), (0..many).map(|_| self.term(Kind::Bool, depth)).collect())
    }

    fn order(&mut self, depth: usize) -> Term {
        let kind = *self
            .source
            .pick(&[Kind::Long, Kind::Long, Kind::Datetime, Kind::Duration])
            .unwrap_or(&Kind::Long);
        let operator = self.source.word(ORDER);
        Term::between(self.term(kind, depth), operator, self.term(kind, depth))
    }

    fn membership(&mut self, depth: usize) -> Term {
        let who = if self.source.chance(60) {
            Term::variable(self.source.word(&["principal", "resource", "action"]))
        } else {
            self.term(Kind::Entity, depth)
        };
        let above = match self.source.below(3) {
            0 => Term::entity(self.any_name()),
            1 => self.term(Kind::Entities, depth),
            _ => {
                let many = self.source.below(4);
                Term::new(Head::Set, (0..many).map(|_| Term::entity(self.any_name())).collect())
            }
        };
        Term::between(who, "in", above)
    }

    fn sets(&mut self, depth: usize) -> Term {
        let kind =
            *self.source.pick(&[Kind::Texts, Kind::Longs, Kind::Entities, Kind::Ips]).unwrap_or(&Kind::Texts);
        let element = kind.element().unwrap_or(Kind::Text);
        match self.source.below(5) {
            0 => {
                let item = self.term(element, depth);
                self.constants(element).method("contains", [item])
            }
            1 => {
                let item = self.term(element, depth);
                self.term(kind, depth).method("contains", [item])
            }
            2 => {
                let method = self.source.word(&["containsAll", "containsAny"]);
                let other = self.constants(element);
                self.term(kind, depth).method(method, [other])
            }
            3 => {
                let method = self.source.word(&["containsAll", "containsAny"]);
                let other = self.term(kind, depth);
                self.term(kind, depth).method(method, [other])
            }
            _ => self.term(kind, depth).method("isEmpty", []),
        }
    }

    fn presence(&mut self, depth: usize) -> Term {
        let nested: Vec<_> = PATHS
            .iter()
            .filter(|(path, _)| path.iter().all(|name| crate::term::is_identifier(name)))
            .map(|(path, _)| path)
            .collect();
        match self.source.below(3) {
            0 => {
                let name = self.any_attribute();
                self.holder().has(name)
            }
            1 => {
                let mut names: Vec<String> = match self.source.pick(&nested) {
                    Some(path) => path.iter().map(|name| (*name).to_owned()).collect(),
                    None => vec!["level".to_owned()],
                };
                // Through an entity, or through something that has no attributes at all.
                if self.source.chance(20) {
                    names.insert(0, "owner".to_owned());
                } else if self.source.chance(15) {
                    names.push("level".to_owned());
                }
                Term::new(Head::Has(names), vec![self.holder()])
            }
            _ => {
                let kind = *self.source.pick(&[Kind::Profile, Kind::Geo, Kind::Inner]).unwrap_or(&Kind::Geo);
                let name = self.source.pick(kind.fields()).map_or("level", |(name, _)| *name);
                self.term(kind, depth).has(name)
            }
        }
    }

    fn address(&mut self, depth: usize) -> Term {
        match self.source.below(4) {
            0 => {
                let test = self.source.word(ADDRESS_TESTS);
                self.term(Kind::Ip, depth).method(test, [])
            }
            1 => {
                let test = self.source.word(DECIMAL_TESTS);
                let other = self.term(Kind::Decimal, depth);
                self.term(Kind::Decimal, depth).method(test, [other])
            }
            _ => {
                let range = self.term(Kind::Ip, depth.min(1));
                self.term(Kind::Ip, depth).method("isInRange", [range])
            }
        }
    }

    fn kind_of(&mut self, depth: usize) -> Term {
        let principal = self.source.chance(60);
        let (kind, mut parts) = if self.source.chance(70) {
            let variable = Term::variable(if principal { "principal" } else { "resource" });
            (self.kind(principal), vec![variable])
        } else {
            (self.source.word(TYPES).to_owned(), vec![self.term(Kind::Entity, depth)])
        };
        if self.source.chance(40) {
            let above = if self.source.chance(50) { Kind::Entity } else { Kind::Entities };
            parts.push(self.term(above, depth.min(1)));
        }
        Term::new(Head::Is(kind), parts)
    }
}
