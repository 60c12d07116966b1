//! Entities: who belongs where, and what is known of them.

use crate::case::{Case, Entity};
use crate::generate::Maker;
use crate::value::{Fields, Name};
use crate::vocabulary::{ACTIONS, IDS, Kind, TYPES};

impl Maker<'_, '_> {
    /// Fills the store, actions included.
    pub(super) fn entities(&mut self, case: &mut Case) {
        self.action_groups(case);
        // One world in five has a hierarchy as deep as directories get.
        let deep = self.source.chance(20);
        let groups = if deep { self.source.between(12, 18) } else { self.source.below(8) };
        self.hierarchy(case, "Group", groups, deep);
        let roles = self.source.below(4);
        self.hierarchy(case, "Role", roles, false);
        let deep = self.source.chance(15);
        let folders = if deep { self.source.between(12, 15) } else { self.source.below(6) };
        self.hierarchy(case, "Folder", folders, deep);
        for (kind, most) in [("User", 7), ("Device", 2)] {
            for _ in 0..self.source.between(1, most) {
                self.below_others(case, kind, true);
            }
        }
        for (kind, most) in [("Doc", 5), ("App::Route", 3)] {
            for _ in 0..self.source.between(1, most) {
                self.below_others(case, kind, false);
            }
        }
    }

    fn action_groups(&mut self, case: &mut Case) {
        for (kind, id, above) in ACTIONS {
            let name = Name::new(*kind, *id);
            self.actions.push(name.clone());
            // Some are only ever referred to: then they are in no group either.
            if self.source.chance(8) {
                continue;
            }
            let mut parents = Vec::new();
            for id in *above {
                if !self.source.chance(10) {
                    parents.push(Name::new(*kind, *id));
                }
            }
            let attributes = if self.source.chance(5) { self.attributes(80) } else { Vec::new() };
            case.entities.push(Entity { name, attributes, tags: Vec::new(), parents });
        }
    }

    /// Groups among each other: every one may be in those made before it, so that there is no cycle. Diamonds come of
    /// themselves.
    fn hierarchy(&mut self, case: &mut Case, kind: &'static str, many: usize, deep: bool) {
        let mut made: Vec<Name> = Vec::new();
        for _ in 0..many {
            let name = self.fresh(case, kind);
            let mut parents = Vec::new();
            match made.last() {
                Some(last) if deep || self.source.chance(50) => parents.push(last.clone()),
                _ => {}
            }
            for _ in 0..self.source.weighted(&[4, 3, 1]) {
                parents.extend(self.source.pick(&made).cloned());
            }
            // A group that is known by name only.
            if self.source.chance(6) {
                parents.push(Name::new(kind, "unknown"));
            }
            made.push(name.clone());
            let above = if kind == "Folder" { &mut self.above_resources } else { &mut self.above_principals };
            above.push(name.clone());
            let often = if self.source.chance(30) { 60 } else { 0 };
            let (attributes, tags) = (self.attributes(often), self.tags(often / 4));
            case.entities.push(Entity { name, attributes, tags, parents });
        }
    }

    fn below_others(&mut self, case: &mut Case, kind: &'static str, principal: bool) {
        let name = self.fresh(case, kind);
        let mut parents = Vec::new();
        for _ in 0..self.source.weighted(&[2, 5, 3, 1]) {
            let above = if principal { &self.above_principals } else { &self.above_resources };
            parents.extend(self.source.pick(above).cloned());
        }
        if self.source.chance(4) {
            parents.push(Name::new(self.source.word(TYPES), "nobody"));
        }
        let list = if principal { &mut self.principals } else { &mut self.resources };
        list.push(name.clone());
        if self.source.chance(4) {
            return;
        }
        let present = 100_usize.saturating_sub(self.absent);
        let (attributes, tags) = (self.attributes(present), self.tags(40));
        case.entities.push(Entity { name, attributes, tags, parents });
    }

    fn fresh(&mut self, case: &Case, kind: &'static str) -> Name {
        let id = self.source.word(IDS);
        let name = Name::new(kind, id);
        let taken = |name: &Name| case.entities.iter().any(|entity| entity.name == *name);
        if !taken(&name) && !self.principals.contains(&name) && !self.resources.contains(&name) {
            return name;
        }
        let number =
            case.entities.len().saturating_add(self.principals.len()).saturating_add(self.resources.len());
        Name::new(kind, format!("{id}{number}"))
    }

    /// What is known of an entity or of the circumstances: each attribute this many times in a hundred.
    pub(super) fn attributes(&mut self, often: usize) -> Fields {
        let mut fields = Vec::new();
        for (name, kind) in self.attributes.clone() {
            if self.source.chance(often) {
                fields.push((name.to_owned(), self.value(kind)));
            }
        }
        fields
    }

    fn tags(&mut self, often: usize) -> Fields {
        let mut fields: Fields = Vec::new();
        for _ in 0..3 {
            let name = self.text();
            if self.source.chance(often) && !fields.iter().any(|(known, _)| *known == name) {
                fields.push((name, self.value(Kind::Text)));
            }
        }
        fields
    }

    /// Takes a part of what is known of some entities out of the store: it comes with the requests, as the claims of a
    /// token do.
    pub(super) fn overlay(&mut self, case: &mut Case) {
        let many = self.source.weighted(&[2, 4, 2, 1]);
        for round in 0..many {
            let name = if round == 0 { self.picked(|maker| &maker.principals) } else { self.any_name() };
            if case.overlay.iter().any(|overlay| overlay.name == name) {
                continue;
            }
            let mut overlay =
                Entity { name: name.clone(), attributes: Vec::new(), tags: Vec::new(), parents: Vec::new() };
            if let Some(place) = case.entities.iter().position(|entity| entity.name == name) {
                let mut left = case.entities.remove(place);
                for (name, value) in std::mem::take(&mut left.attributes) {
                    let moved = value.fact().is_some() && self.source.chance(50);
                    if moved && self.source.chance(20) {
                        // Something else is in the store, to be replaced.
                        let kind = self.attributes.iter().find(|(known, _)| *known == name);
                        let kind = kind.map_or(Kind::Long, |(_, kind)| *kind);
                        left.attributes.push((name.clone(), self.value(kind)));
                    }
                    if moved { &mut overlay } else { &mut left }.attributes.push((name, value));
                }
                for parent in std::mem::take(&mut left.parents) {
                    let moved = self.source.chance(50);
                    if moved { &mut overlay } else { &mut left }.parents.push(parent);
                }
                let bare = left.attributes.is_empty() && left.parents.is_empty() && left.tags.is_empty();
                if !(bare && self.source.chance(70)) {
                    case.entities.insert(place, left);
                }
            }
            case.overlay.push(overlay);
        }
    }
}
