//! One request as the engine sees it: who, what and to what, found in the world once, with what the request adds.
//!
//! INVARIANT: whatever is read here is what the official evaluator reads in a store where the overlays are merged into
//! the entities and the ancestors are closed again.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::facts::{EntityName, EntityOverlay, Facts, Value};
use crate::name::{Name, Print};
use crate::value::view::{EntityView, Fails, RecordView, View};
use crate::value::{Fields, Stored};
use crate::world::World;
use crate::world::entity::Entity;

/// A request that can be decided.
#[derive(Debug)]
pub(crate) struct Situation<'v> {
    world: &'v World,
    pub(crate) principal: Subject<'v>,
    pub(crate) action: Subject<'v>,
    pub(crate) resource: Subject<'v>,
    pub(crate) context: RecordView<'v>,
    given: &'v [EntityOverlay<'v>],
    /// What is known of each of `given`.
    overlays: SmallVec<[Overlaid; 1]>,
}

/// An entity of the request, and what the world knows of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'v> {
    pub(crate) view: EntityView<'v>,
    /// As the request has it, if it has it so.
    name: Option<&'v EntityName<'v>>,
    stored: Option<&'v Entity>,
    /// The world does not know it, so nobody has looked at it yet.
    pub(crate) is_strange: bool,
}

/// An entity that the request adds something to.
#[derive(Debug)]
struct Overlaid {
    print: Print,
    /// What the entity is in by this request, closed; in no order.
    above: SmallVec<[Print; 8]>,
}

/// A request of the official crate in our words; what a [`Situation`] of it borrows from.
#[derive(Debug)]
pub(crate) struct Requested {
    pub(crate) principal: Name,
    pub(crate) action: Name,
    pub(crate) resource: Name,
    pub(crate) context: Fields,
}

/// An entity would be its own ancestor by what the request adds.
#[derive(Debug)]
pub(crate) struct Cycle<'v>(pub(crate) &'v EntityName<'v>);

impl<'v> Situation<'v> {
    /// Not yet closed: see [`Situation::close`].
    #[inline]
    pub(crate) fn of_facts(world: &'v World, facts: &'v Facts<'v>) -> Self {
        Self {
            world,
            principal: Subject::named(world, &facts.principal),
            action: Subject::named(world, &facts.action),
            resource: Subject::named(world, &facts.resource),
            context: RecordView::Given(&facts.context),
            given: &facts.overlay,
            overlays: SmallVec::new(),
        }
    }

    /// Takes in what the request adds.
    #[inline]
    pub(crate) fn close(&mut self) -> Result<(), Cycle<'v>> {
        if self.given.is_empty() {
            return Ok(());
        }
        for overlay in self.given {
            self.overlay(overlay);
        }
        self.close_overlays()
    }

    pub(crate) fn of_request(world: &'v World, request: &'v Requested) -> Self {
        Self {
            world,
            principal: Subject::find(world, &request.principal),
            action: Subject::find(world, &request.action),
            resource: Subject::find(world, &request.resource),
            context: RecordView::Stored(&request.context),
            given: &[],
            overlays: SmallVec::new(),
        }
    }

    fn overlay(&mut self, overlay: &EntityOverlay<'_>) {
        let print = self.print(&overlay.name);
        let mut above = SmallVec::new();
        for parent in &overlay.parents {
            let parent = Print::of(&parent.kind, &parent.id);
            above.push(parent);
            above.extend(
                self.world.entity(parent).iter().flat_map(|entity| entity.above.all().iter().copied()),
            );
        }
        self.overlays.push(Overlaid { print, above });
    }

    /// An overlaid entity may be above another one: as many rounds as there are overlays reach every ancestor.
    fn close_overlays(&mut self) -> Result<(), Cycle<'v>> {
        if self.overlays.iter().all(|overlay| overlay.above.is_empty()) {
            return Ok(());
        }
        for _ in 1..self.overlays.len() {
            for at in 0..self.overlays.len() {
                let further: SmallVec<[Print; 8]> = match self.overlays.get(at) {
                    Some(lower) => self
                        .overlays
                        .iter()
                        .filter(|upper| lower.above.contains(&upper.print))
                        .flat_map(|upper| upper.above.iter().copied())
                        .filter(|print| !lower.above.contains(print))
                        .collect(),
                    None => continue,
                };
                if let Some(lower) = self.overlays.get_mut(at) {
                    lower.above.extend(further);
                }
            }
        }
        let own = self.overlays.iter().zip(self.given).find(|(overlay, given)| {
            overlay.above.contains(&overlay.print)
                // In it already, by the world.
                || given.parents.iter().any(|parent| {
                    let entity = self.world.entity(Print::of(&parent.kind, &parent.id));
                    entity.is_some_and(|entity| entity.above.contains(overlay.print))
                })
        });
        match own {
            Some((_, given)) => Err(Cycle(&given.name)),
            None => Ok(()),
        }
    }

    /// The print of a name; the principal's is known.
    fn print(&self, name: &EntityName<'_>) -> Print {
        if self.principal.name == Some(name) {
            return self.principal.view.print;
        }
        Print::of(&name.kind, &name.id)
    }

    /// What the world knows of an entity; of the request's own it is known.
    #[inline]
    fn entity(&self, view: EntityView<'v>) -> Option<&'v Entity> {
        if view.print == self.principal.view.print {
            self.principal.stored
        } else if view.print == self.resource.view.print {
            self.resource.stored
        } else {
            view.find(self.world)
        }
    }

    /// Whether there is such an entity; attributes of one that is not there fail.
    pub(crate) fn exists(&self, view: EntityView<'v>) -> bool {
        self.entity(view).is_some() || self.overlays.iter().any(|overlay| overlay.print == view.print)
    }

    /// Whether `view` is `ancestor`, or in it.
    #[inline]
    pub(crate) fn is_in(&self, view: EntityView<'v>, ancestor: Print) -> bool {
        view.print == ancestor || self.is_below(view.print, self.entity(view), ancestor)
    }

    /// As [`Situation::is_in`], of one of the request's own entities.
    #[inline]
    pub(crate) fn is_subject_in(&self, subject: &Subject<'v>, ancestor: Print) -> bool {
        subject.view.print == ancestor || self.is_below(subject.view.print, subject.stored, ancestor)
    }

    #[inline]
    fn is_below(&self, print: Print, stored: Option<&Entity>, ancestor: Print) -> bool {
        stored.is_some_and(|entity| entity.above.contains(ancestor))
            || (!self.overlays.is_empty() && self.above(print, stored).any(|above| above == ancestor))
    }

    /// Every entity that `subject` is in, some perhaps twice, without itself.
    #[inline]
    pub(crate) fn ancestors(&self, subject: &Subject<'v>) -> impl Iterator<Item = Print> {
        self.all(subject.view.print, subject.stored)
    }

    /// Every entity that one is in, some perhaps twice, without itself.
    pub(crate) fn all_ancestors(&self, view: EntityView<'v>) -> impl Iterator<Item = Print> {
        self.all(view.print, self.entity(view))
    }

    #[inline]
    fn all(&self, print: Print, stored: Option<&'v Entity>) -> impl Iterator<Item = Print> {
        let ancestors = stored.map_or(&[][..], |entity| entity.above.all());
        ancestors.iter().copied().chain(self.above(print, stored))
    }

    /// How many that are, about.
    #[inline]
    pub(crate) fn count_ancestors(&self, subject: &Subject<'v>) -> usize {
        let stored = subject.stored.map_or(0, |entity| entity.above.all().len());
        stored + self.overlays.iter().map(|overlay| overlay.above.len()).sum::<usize>()
    }

    /// What an entity is in by the overlays: by its own, and by those of what it is in by the world.
    #[inline]
    fn above(&self, print: Print, stored: Option<&Entity>) -> impl Iterator<Item = Print> {
        self.overlays
            .iter()
            .filter(move |overlay| {
                !overlay.above.is_empty()
                    && (overlay.print == print
                        || stored.is_some_and(|entity| entity.above.contains(overlay.print)))
            })
            .flat_map(|overlay| overlay.above.iter().copied())
    }

    /// An attribute; `None` if there is none of this name, or no such entity.
    #[inline]
    pub(crate) fn attribute(&self, view: EntityView<'v>, name: &str) -> Option<Result<View<'v>, Fails>> {
        if !self.overlays.is_empty()
            && let Some(value) = self.overlaid(view.print, name)
        {
            return Some(View::given(value));
        }
        self.entity(view)?.attributes.get(name).map(View::stored)
    }

    fn overlaid(&self, print: Print, name: &str) -> Option<&'v Value<'v>> {
        let overlays =
            self.overlays.iter().zip(self.given).rev().filter(|(overlay, _)| overlay.print == print);
        let mut attributes = overlays.flat_map(|(_, given)| &given.attributes);
        attributes.find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// What lies at a path of attributes; `None` where only [`Situation::attribute`] can say.
    #[inline]
    pub(crate) fn stored(&self, subject: &Subject<'v>, path: &[Arc<str>]) -> Option<&'v Stored> {
        if !self.overlays.is_empty() {
            return None;
        }
        let (first, further) = path.split_first()?;
        let mut at = subject.stored?.attributes.get(first)?;
        for name in further {
            at = match at {
                Stored::Record(fields) => fields.get(name)?,
                Stored::Entity(entity) => self.world.entity(entity.print)?.attributes.get(name)?,
                _ => return None,
            };
        }
        Some(at)
    }

    /// A tag; `None` if there is none of this name, or no such entity.
    pub(crate) fn tag(&self, view: EntityView<'v>, name: &str) -> Option<Result<View<'v>, Fails>> {
        self.entity(view)?.tags.as_ref()?.get(name).map(View::stored)
    }
}

impl<'v> Subject<'v> {
    /// Finds what the world knows by this name.
    #[inline]
    fn named(world: &'v World, name: &'v EntityName<'v>) -> Self {
        let view = EntityView::given(name);
        let slot = world.slot(view.print);
        let stored = slot.and_then(|slot| slot.entity.as_ref());
        Self { view, name: Some(name), stored, is_strange: slot.is_none() }
    }

    fn find(world: &'v World, name: &'v Name) -> Self {
        Self { view: EntityView::of(name), name: None, stored: world.entity(name.print), is_strange: false }
    }
}
