//! Expressions: of the kind that is asked for, but for a share that goes wrong.

mod conditions;

use crate::generate::Maker;
use crate::term::{Head, Piece, Term};
use crate::value::Value;
use crate::vocabulary::{KINDS, Kind, PATHS};

/// Methods and operators by the kind of what they yield and of what they take.
const NUMBERS: &[&str] = &["+", "-", "*"];
const MILLISECONDS: &[&str] = &["toMilliseconds", "toSeconds", "toMinutes", "toHours", "toDays"];
const METHODS: &[&str] = &[
    "contains",
    "containsAll",
    "containsAny",
    "isEmpty",
    "hasTag",
    "getTag",
    "isIpv4",
    "isIpv6",
    "isLoopback",
    "isMulticast",
    "isInRange",
    "lessThan",
    "lessThanOrEqual",
    "greaterThan",
    "greaterThanOrEqual",
    "offset",
    "durationSince",
    "toDate",
    "toTime",
    "toMilliseconds",
    "toDays",
];

impl Maker<'_, '_> {
    /// An expression of this kind, at most this deep.
    pub(super) fn term(&mut self, kind: Kind, depth: usize) -> Term {
        let kind = if self.source.chance(self.wild_terms) {
            self.source.pick(KINDS).copied().unwrap_or(kind)
        } else {
            kind
        };
        if depth == 0 {
            return self.leaf(kind);
        }
        // Policies say the same again and again, and an evaluator may remember what it came to.
        if self.source.chance(15) {
            let known: Vec<_> = self.repeated.iter().filter(|(known, _)| *known == kind).collect();
            if let Some((_, term)) = self.source.pick(&known) {
                return term.clone();
            }
        }
        let term = self.made(kind, depth.saturating_sub(1));
        if self.repeated.len() < 40 && self.source.chance(30) {
            self.repeated.push((kind, term.clone()));
        }
        term
    }

    fn made(&mut self, kind: Kind, depth: usize) -> Term {
        if self.source.chance(self.wild_terms / 3) {
            return self.wild(depth);
        }
        match self.source.weighted(&[12, 2, 1]) {
            1 => {
                let parts =
                    vec![self.term(Kind::Bool, depth), self.term(kind, depth), self.term(kind, depth)];
                return Term::new(Head::If, parts);
            }
            2 => {
                // Out of a record that was just made.
                let names = vec!["a".to_owned(), "größe".to_owned()];
                let record =
                    Term::new(Head::Record(names), vec![self.term(kind, depth), self.leaf(Kind::Long)]);
                return record.attribute("a");
            }
            _ => {}
        }
        match kind {
            Kind::Bool => self.condition(depth),
            Kind::Long => self.number(depth),
            Kind::Text if self.source.chance(30) => {
                let (holder, tag) = (self.term(Kind::Entity, depth), self.leaf(Kind::Text));
                holder.method("getTag", [tag])
            }
            Kind::Ip | Kind::Decimal | Kind::Datetime | Kind::Duration => self.extension(kind, depth),
            Kind::Texts | Kind::Longs | Kind::Entities | Kind::Ips if self.source.chance(60) => {
                let element = kind.element().unwrap_or(Kind::Long);
                let many = self.source.between(0, 4);
                Term::new(Head::Set, (0..many).map(|_| self.term(element, depth)).collect())
            }
            Kind::Profile | Kind::Inner | Kind::Geo if self.source.chance(60) => {
                let mut names = Vec::new();
                let mut parts = Vec::new();
                for (name, kind) in kind.fields() {
                    if self.source.chance(70) {
                        names.push((*name).to_owned());
                        parts.push(self.term(*kind, depth));
                    }
                }
                Term::new(Head::Record(names), parts)
            }
            kind => self.leaf(kind),
        }
    }

    /// A constant, or what is found somewhere.
    pub(super) fn leaf(&mut self, kind: Kind) -> Term {
        if kind == Kind::Bool && self.source.chance(20) {
            return Term::bool(self.source.chance(60));
        }
        if self.source.chance(35) { self.literal(kind) } else { self.path(kind) }
    }

    /// An attribute of this kind, of an entity or the context; a constant where this world has none.
    pub(super) fn path(&mut self, kind: Kind) -> Term {
        if kind == Kind::Entity && self.source.chance(50) {
            let name = self.any_name();
            return self.source_entity(name);
        }
        let known = &self.attributes;
        let fits = |path: &&(Vec<&'static str>, Kind)| {
            path.1 == kind && path.0.first().is_some_and(|first| known.iter().any(|(name, _)| name == first))
        };
        let paths: Vec<_> = PATHS.iter().filter(fits).collect();
        let Some((path, _)) = self.source.pick(&paths) else { return self.literal(kind) };
        let mut term = self.holder();
        for name in path {
            term = term.attribute(*name);
        }
        term
    }

    fn source_entity(&mut self, name: crate::value::Name) -> Term {
        match self.source.weighted(&[4, 2, 3]) {
            0 => Term::variable("principal"),
            1 => Term::entity(name),
            _ => Term::variable("resource"),
        }
    }

    /// What has attributes: the circumstances, an entity of the request, one that is named, or one that another refers to.
    pub(super) fn holder(&mut self) -> Term {
        match self.source.weighted(&[6, 6, 4, 1, 1, 2]) {
            0 => Term::variable("principal"),
            1 => Term::variable("context"),
            2 => Term::variable("resource"),
            3 => Term::variable("action"),
            4 => Term::entity(self.any_name()),
            _ => {
                let referring: Vec<_> =
                    self.attributes.iter().filter(|(_, kind)| *kind == Kind::Entity).copied().collect();
                match self.source.pick(&referring) {
                    Some((name, _)) => self.source_variable().attribute(*name),
                    None => Term::variable("principal"),
                }
            }
        }
    }

    fn source_variable(&mut self) -> Term {
        Term::variable(self.source.word(&["principal", "context", "resource"]))
    }

    fn number(&mut self, depth: usize) -> Term {
        match self.source.weighted(&[3, 5, 1, 2]) {
            0 => self.leaf(Kind::Long),
            1 => {
                let operator = self.source.word(NUMBERS);
                Term::between(self.term(Kind::Long, depth), operator, self.term(Kind::Long, depth))
            }
            2 => Term::new(Head::Before("-"), vec![self.term(Kind::Long, depth)]),
            _ => {
                let method = self.source.word(MILLISECONDS);
                self.term(Kind::Duration, depth).method(method, [])
            }
        }
    }

    /// An extension value: constant, computed, or read from a string that is known only when the policy runs.
    fn extension(&mut self, kind: Kind, depth: usize) -> Term {
        let dynamic = self.source.chance(10);
        match (kind, self.source.below(3)) {
            (Kind::Datetime, 0) => {
                let duration = self.term(Kind::Duration, depth);
                self.term(Kind::Datetime, depth).method("offset", [duration])
            }
            (Kind::Datetime, 1) => self.term(Kind::Datetime, depth).method("toDate", []),
            (Kind::Duration, 0) => self.term(Kind::Datetime, depth).method("toTime", []),
            (Kind::Duration, 1) => {
                let other = self.term(Kind::Datetime, depth);
                self.term(Kind::Datetime, depth).method("durationSince", [other])
            }
            (kind, _) if dynamic => {
                Term::new(Head::Call(constructor(kind)), vec![self.term(Kind::Text, depth)])
            }
            (kind, _) => self.leaf(kind),
        }
    }

    /// Whatever the parser takes, of whatever kinds.
    fn wild(&mut self, depth: usize) -> Term {
        let any = |maker: &mut Self| {
            let kind = maker.source.pick(KINDS).copied().unwrap_or(Kind::Bool);
            maker.term(kind, depth)
        };
        match self.source.below(8) {
            0 => {
                let operator =
                    self.source.word(&["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "&&", "||"]);
                Term::between(any(self), operator, any(self))
            }
            1 => {
                // With too many arguments or too few, where that is found out only when the policy runs.
                let method = self.source.word(METHODS);
                let takes = match method {
                    "isEmpty" => 0,
                    "contains" | "containsAll" | "containsAny" | "hasTag" | "getTag" => 1,
                    _ => self.source.below(3),
                };
                let arguments: Vec<_> = (0..takes).map(|_| any(self)).collect();
                any(self).method(method, arguments)
            }
            2 => {
                let name = constructor(self.source.pick(KINDS).copied().unwrap_or(Kind::Ip));
                let takes = self.source.weighted(&[1, 4, 1]);
                Term::new(Head::Call(name), (0..takes).map(|_| any(self)).collect())
            }
            3 => {
                let name = self.any_attribute();
                any(self).attribute(name)
            }
            4 => {
                let names = vec![self.any_attribute()];
                Term::new(Head::Has(names), vec![any(self)])
            }
            5 => Term::new(Head::Before(self.source.word(&["!", "-"])), vec![any(self)]),
            6 => Term::new(Head::Like(vec![Piece::Any]), vec![any(self)]),
            _ => {
                let many = self.source.below(4);
                Term::new(Head::Set, (0..many).map(|_| any(self)).collect())
            }
        }
    }

    pub(super) fn any_attribute(&mut self) -> String {
        let strange = self.source.chance(5);
        match self.source.pick(&self.attributes) {
            Some((name, _)) if !strange => (*name).to_owned(),
            _ => self.source.word(&["nothing", "", "a b", "like"]).to_owned(),
        }
    }

    /// A pattern that some strings of this world are like.
    pub(super) fn pattern(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for _ in 0..self.source.between(1, 3) {
            if self.source.chance(55) {
                pieces.push(Piece::Any);
            }
            let text = self.text();
            let characters: Vec<char> = text.chars().collect();
            let (from, to) = (self.source.below(characters.len()), characters.len());
            let upto = self.source.between(from, to);
            pieces.push(Piece::Text(characters.get(from..upto).unwrap_or_default().iter().collect()));
        }
        if self.source.chance(50) {
            pieces.push(Piece::Any);
        }
        pieces
    }

    /// A set of constants, sometimes a large one.
    pub(super) fn constants(&mut self, kind: Kind) -> Term {
        let many = match self.source.weighted(&[10, 3, 1]) {
            0 => self.source.between(1, 4),
            1 => self.source.between(5, 20),
            _ => self.source.between(0, self.extent.guards / 2),
        };
        let items: Vec<_> = (0..many).map(|_| self.literal(kind)).collect();
        Term::new(Head::Set, items)
    }
}

/// The function that reads this kind from a string.
pub(super) fn constructor(kind: Kind) -> &'static str {
    match kind {
        Kind::Decimal => "decimal",
        Kind::Datetime => "datetime",
        Kind::Duration => "duration",
        _ => "ip",
    }
}

/// A number as a constant.
pub(super) fn long(value: usize) -> Term {
    Term::value(Value::Long(i64::try_from(value).unwrap_or_default()))
}
