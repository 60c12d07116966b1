//! Expressions of policies as trees that can be taken apart, and their text. A tree may be of any type or none: most of
//! what can go wrong in a policy is written here on purpose.

use std::fmt::{self, Write as _};

use crate::value::{Name, Quoted, Value, listed};

/// An expression: what is done, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// What is done.
    pub head: Head,
    /// To what, in the order it is written.
    pub parts: Vec<Term>,
}

/// What an expression does with its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Head {
    /// Is this value; no parts.
    Value(Value),
    /// `principal`, `action`, `resource` or `context`; no parts.
    Variable(&'static str),
    /// `!` or `-`; one part.
    Before(&'static str),
    /// An operator between the parts: `&&` and `||` between two or more, the others between two.
    Between(&'static str),
    /// `if`, `then`, `else`; three parts.
    If,
    /// An attribute of the part.
    Attribute(String),
    /// Whether the part has this attribute; with several names, one below the other.
    Has(Vec<String>),
    /// Whether the part is like this pattern.
    Like(Vec<Piece>),
    /// Whether the first part is of this type, and in the second if there is one.
    Is(String),
    /// A set of the parts.
    Set,
    /// A record of the parts under these names.
    Record(Vec<String>),
    /// A function that is called with the parts.
    Call(&'static str),
    /// A method of the first part that is called with the others.
    Method(&'static str),
}

/// A piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// `*`: anything
    Any,
    /// These characters
    Text(String),
}

impl Term {
    /// An expression.
    #[must_use]
    pub fn new(head: Head, parts: Vec<Term>) -> Self {
        Self { head, parts }
    }

    /// A value.
    #[must_use]
    pub fn value(value: Value) -> Self {
        Self::new(Head::Value(value), Vec::new())
    }

    /// `true` or `false`.
    #[must_use]
    pub fn bool(value: bool) -> Self {
        Self::value(Value::Bool(value))
    }

    /// The name of an entity.
    #[must_use]
    pub fn entity(name: Name) -> Self {
        Self::value(Value::Entity(name))
    }

    /// A variable of the request.
    #[must_use]
    pub fn variable(name: &'static str) -> Self {
        Self::new(Head::Variable(name), Vec::new())
    }

    /// This expression's attribute.
    #[must_use]
    pub fn attribute(self, name: impl Into<String>) -> Self {
        Self::new(Head::Attribute(name.into()), vec![self])
    }

    /// Whether this expression has an attribute.
    #[must_use]
    pub fn has(self, name: impl Into<String>) -> Self {
        Self::new(Head::Has(vec![name.into()]), vec![self])
    }

    /// An operator between two expressions.
    #[must_use]
    pub fn between(left: Self, operator: &'static str, right: Self) -> Self {
        Self::new(Head::Between(operator), vec![left, right])
    }

    /// A method of this expression.
    #[must_use]
    pub fn method(self, name: &'static str, arguments: impl IntoIterator<Item = Self>) -> Self {
        Self::new(Head::Method(name), std::iter::once(self).chain(arguments).collect())
    }

    /// A call with one string.
    #[must_use]
    pub fn call(name: &'static str, text: &str) -> Self {
        Self::new(Head::Call(name), vec![Self::value(Value::Text(text.to_owned()))])
    }

    /// How many nodes it has.
    #[must_use]
    pub fn size(&self) -> usize {
        self.parts.iter().map(Self::size).sum::<usize>().saturating_add(1)
    }

    /// Whether it is written without parentheses as an operand.
    fn is_closed(&self) -> bool {
        match &self.head {
            Head::Value(_)
            | Head::Variable(_)
            | Head::Attribute(_)
            | Head::Set
            | Head::Record(_)
            | Head::Call(_)
            | Head::Method(_) => true,
            Head::Before(_) | Head::Between(_) | Head::If | Head::Has(_) | Head::Like(_) | Head::Is(_) => {
                false
            }
        }
    }
}

/// As text that the official parser reads back as the same tree.
impl fmt::Display for Term {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = || self.parts.first().map(Operand);
        let first = || first().unwrap_or(Operand(&MISSING));
        match &self.head {
            Head::Value(value) => write!(to, "{value}"),
            Head::Variable(name) => to.write_str(name),
            Head::Before(operator) => write!(to, "{operator}{}", first()),
            Head::Between(operator) => {
                for (place, part) in self.parts.iter().enumerate() {
                    if place > 0 {
                        write!(to, " {operator} ")?;
                    }
                    write!(to, "{}", Operand(part))?;
                }
                Ok(())
            }
            Head::If => {
                for (word, part) in ["if ", " then ", " else "].iter().zip(&self.parts) {
                    write!(to, "{word}{}", Operand(part))?;
                }
                Ok(())
            }
            Head::Attribute(name) if is_identifier(name) => write!(to, "{}.{name}", first()),
            Head::Attribute(name) => write!(to, "{}[{}]", first(), Quoted(name)),
            Head::Has(names) => {
                write!(to, "{} has ", first())?;
                match names.as_slice() {
                    [name] if !is_identifier(name) => write!(to, "{}", Quoted(name)),
                    names => to.write_str(&names.join(".")),
                }
            }
            Head::Like(pieces) => {
                write!(to, "{} like \"", first())?;
                for piece in pieces {
                    match piece {
                        Piece::Any => to.write_char('*')?,
                        Piece::Text(text) => {
                            let quoted = Quoted(text).to_string().replace('*', "\\*");
                            to.write_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default())?;
                        }
                    }
                }
                to.write_char('"')
            }
            Head::Is(kind) => {
                write!(to, "{} is {kind}", first())?;
                self.parts.get(1).map_or(Ok(()), |above| write!(to, " in {}", Operand(above)))
            }
            Head::Set => {
                to.write_char('[')?;
                listed(to, &self.parts, |to, part| write!(to, "{part}"))?;
                to.write_char(']')
            }
            Head::Record(names) => {
                to.write_char('{')?;
                let fields: Vec<_> = names.iter().zip(&self.parts).collect();
                listed(to, &fields, |to, (name, part)| write!(to, "{}: {part}", Quoted(name)))?;
                to.write_char('}')
            }
            Head::Call(name) => called(to, name, &self.parts),
            Head::Method(name) => {
                write!(to, "{}.", first())?;
                called(to, name, self.parts.get(1..).unwrap_or_default())
            }
        }
    }
}

fn called(to: &mut fmt::Formatter<'_>, name: &str, arguments: &[Term]) -> fmt::Result {
    write!(to, "{name}(")?;
    listed(to, arguments, |to, part| write!(to, "{part}"))?;
    to.write_char(')')
}

/// Stands for a part that should be there. The generator never leaves one out.
static MISSING: Term = Term { head: Head::Variable("context"), parts: Vec::new() };

struct Operand<'a>(&'a Term);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_closed() { write!(to, "{}", self.0) } else { write!(to, "({})", self.0) }
    }
}

/// Whether a name may be written without quotes.
#[must_use]
pub fn is_identifier(name: &str) -> bool {
    let starts = name.chars().next().is_some_and(|first| first == '_' || first.is_ascii_alphabetic());
    starts
        && name.chars().all(|character| character == '_' || character.is_ascii_alphanumeric())
        && !RESERVED.contains(&name)
}

const RESERVED: &[&str] = &["true", "false", "if", "then", "else", "in", "is", "like", "has", "__cedar"];
