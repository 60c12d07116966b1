//! The context of a request bound to the places that a program gave to the facts it reads, in the same pass that looks
//! whether the context is sound: a decision compares each name with the few that may stand there, once.
//!
//! INVARIANT: a bound place holds what the official evaluator reads at its path. A place that is not bound says nothing:
//! the fact may be absent, lie in an entity, or have no place.

use std::borrow::Cow;
use std::sync::Arc;

use crate::facts::Value;

/// The fields of a record: names and values.
pub(crate) type Record<'v> = [(Cow<'v, str>, Value<'v>)];

/// How many facts have places: those that most conditions read. They lie on the stack.
const PLACES: usize = 32;

/// The place of a fact of the context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place(u8);

/// The facts of one request by their places.
#[derive(Debug)]
pub(crate) struct Bound<'v> {
    values: [Option<&'v Value<'v>>; PLACES],
}

impl<'v> Bound<'v> {
    pub(crate) fn nothing() -> Self {
        Self { values: [None; PLACES] }
    }

    #[inline]
    pub(crate) fn get(&self, place: Place) -> Option<&'v Value<'v>> {
        *self.values.get(usize::from(place.0))?
    }
}

/// Which paths below the context have places. A level stands for a record: first the context itself, then those in it.
#[derive(Debug)]
pub(crate) struct Layout {
    levels: Vec<Vec<Named>>,
    places: u8,
}

impl Default for Layout {
    fn default() -> Self {
        Self { levels: vec![Vec::new()], places: 0 }
    }
}

#[derive(Debug)]
struct Named {
    name: Arc<str>,
    place: Place,
    /// The level of the record that it may be.
    below: Option<usize>,
}

impl Layout {
    /// Gives places to paths and to the records on the way; those first that are read most often.
    pub(crate) fn of<'p>(paths: impl Iterator<Item = (&'p [Arc<str>], u32)>) -> Self {
        let mut paths: Vec<_> = paths.collect();
        paths.sort_unstable_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        let mut layout = Self::default();
        for (path, _) in paths {
            layout.add(path);
        }
        layout
    }

    fn add(&mut self, path: &[Arc<str>]) {
        let mut at = 0;
        for (index, name) in path.iter().enumerate() {
            let levels = self.levels.len();
            let Some(level) = self.levels.get_mut(at) else { return };
            let known = level.iter().position(|known| known.name == *name).unwrap_or(level.len());
            if known == level.len() {
                if usize::from(self.places) >= PLACES {
                    return;
                }
                level.push(Named { name: Arc::clone(name), place: Place(self.places), below: None });
                self.places += 1;
            }
            let Some(named) = level.get_mut(known) else { return };
            if index + 1 < path.len() {
                at = *named.below.get_or_insert(levels);
                if at == levels {
                    self.levels.push(Vec::new());
                }
            }
        }
    }

    /// The place of a path, if it has one.
    pub(crate) fn place<'n>(&self, path: impl IntoIterator<Item = &'n str>) -> Option<Place> {
        let (mut level, mut place) = (Some(0), None);
        for name in path {
            let named = self.levels.get(level?)?.iter().find(|known| *known.name == *name)?;
            (level, place) = (named.below, Some(named.place));
        }
        place
    }

    /// Binds a context. `is_sound` is asked about every value but records, Bools, Longs and the like; false if it
    /// says no, or a name is given twice.
    #[inline]
    pub(crate) fn bind<'v>(
        &self,
        context: &'v Record<'v>,
        bound: &mut Bound<'v>,
        is_sound: &impl Fn(&Value<'_>) -> bool,
    ) -> bool {
        self.record(0, context, bound, is_sound)
    }

    fn record<'v>(
        &self,
        level: usize,
        fields: &'v Record<'v>,
        bound: &mut Bound<'v>,
        is_sound: &impl Fn(&Value<'_>) -> bool,
    ) -> bool {
        let level = self.levels.get(level).map_or(&[][..], Vec::as_slice);
        let mut unknown = 0;
        for (name, value) in fields {
            let name: &str = name;
            let mut below = None;
            // Most names differ in length, and no letter need be looked at.
            match level.iter().find(|known| known.name.len() == name.len() && *known.name == *name) {
                Some(known) => {
                    let Some(place) = bound.values.get_mut(usize::from(known.place.0)) else { return false };
                    if place.replace(value).is_some() {
                        return false;
                    }
                    below = known.below;
                }
                None => unknown += 1,
            }
            let sound = match (value, below) {
                (Value::Record(inner), Some(below)) => self.record(below, inner, bound, is_sound),
                (Value::Record(_) | Value::Decimal(_) | Value::Entity(_) | Value::Set(_), _) => {
                    is_sound(value)
                }
                _ => true,
            };
            if !sound {
                return false;
            }
        }
        unknown < 2 || repeated(fields).is_none()
    }
}

/// Up to here names are compared each with each, which for a handful is faster than anything that allocates.
const FEW: usize = 16;

/// A name that is given twice.
pub(crate) fn repeated<'f>(fields: &'f Record<'_>) -> Option<&'f str> {
    if fields.len() <= FEW {
        let mut fields = fields;
        while let [(name, _), rest @ ..] = fields {
            let name: &str = name;
            if rest.iter().any(|(other, _)| other.len() == name.len() && **other == *name) {
                return Some(name);
            }
            fields = rest;
        }
        return None;
    }
    let mut seen = std::collections::HashSet::with_capacity(fields.len());
    fields.iter().map(|(name, _)| name.as_ref()).find(|name| !seen.insert(*name))
}
