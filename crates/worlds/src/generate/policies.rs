//! Policies, templates and links: the scope of each, and how many conditions.

use crate::case::{Actions, Case, Condition, Link, Policy, Reference, Scope};
use crate::generate::Maker;
use crate::value::Name;
use crate::vocabulary::{Kind, TYPES};

/// How a world's policies are: how many forbid, how many leave their scope open, in a hundred.
#[derive(Debug, Clone, Copy)]
pub(super) struct Temper {
    pub(super) forbid: usize,
    pub(super) open: usize,
}

impl Maker<'_, '_> {
    /// Writes the policies.
    pub(super) fn policies(&mut self, case: &mut Case) {
        let forbid = [10, 0, 25, 50].get(self.source.weighted(&[4, 2, 3, 2])).copied().unwrap_or_default();
        let open = [15, 40, 80].get(self.source.weighted(&[4, 3, 2])).copied().unwrap_or_default();
        let temper = Temper { forbid, open };
        let most = self.extent.policies;
        let many = match self.source.weighted(&[4, 4, 2]) {
            0 => self.source.between(1, 4.min(most)),
            1 => self.source.between(1, 16.min(most)),
            _ => self.source.between(1, most),
        };
        for number in 0..many {
            let policy = self.policy(format!("p{number}"), temper);
            self.links(case, &policy);
            case.policies.push(policy);
        }
        let families = self.source.weighted(&[6, 3, 1]);
        for number in 0..families {
            self.guards(case, number);
        }
        self.source.shuffle(&mut case.policies);
    }

    fn policy(&mut self, id: String, temper: Temper) -> Policy {
        let template = self.source.chance(12);
        let slots = (template && self.source.chance(70), template && self.source.chance(50));
        let mut policy = Policy {
            id,
            forbid: self.source.chance(temper.forbid),
            principal: self.scope(temper, true, slots.0),
            action: self.actions(temper),
            resource: self.scope(temper, false, slots.1),
            conditions: Vec::new(),
        };
        let many = self.source.weighted(&[2, 5, 2, 1]);
        for _ in 0..many {
            let depth = self.source.weighted(&[0, 3, 4, 2, 1]);
            let body = self.term(Kind::Bool, depth);
            policy.conditions.push(Condition { unless: self.source.chance(20), body });
        }
        policy
    }

    pub(super) fn scope(&mut self, temper: Temper, principal: bool, slot: bool) -> Scope {
        if !slot && self.source.chance(temper.open) {
            return Scope::Any;
        }
        let form = self.source.weighted(if slot { &[0, 3, 4, 0, 2] } else { &[2, 3, 4, 2, 2] });
        let reference = if slot {
            Reference::Slot
        } else {
            let above = form != 1;
            Reference::Entity(self.scope_name(principal, above))
        };
        match form {
            0 => Scope::Any,
            1 => Scope::Equal(reference),
            2 => Scope::In(reference),
            3 => Scope::Is(self.kind(principal)),
            _ => Scope::IsIn(self.kind(principal), reference),
        }
    }

    /// A type that is likely to be the principal's or the resource's.
    pub(super) fn kind(&mut self, principal: bool) -> String {
        let likely: &[&str] = if principal { &["User", "Device"] } else { &["Doc", "Folder", "App::Route"] };
        let kinds = if self.source.chance(15) { TYPES } else { likely };
        self.source.word(kinds).to_owned()
    }

    fn scope_name(&mut self, principal: bool, above: bool) -> Name {
        match (principal, above, self.source.chance(8)) {
            (_, _, true) => self.any_name(),
            (true, true, _) => self.picked(|maker| &maker.above_principals),
            (true, false, _) => self.picked(|maker| &maker.principals),
            (false, true, _) => self.picked(|maker| &maker.above_resources),
            (false, false, _) => self.picked(|maker| &maker.resources),
        }
    }

    pub(super) fn actions(&mut self, temper: Temper) -> Actions {
        if self.source.chance(temper.open.max(40)) {
            return Actions::Any;
        }
        let name = self.picked(|maker| &maker.actions);
        match self.source.below(3) {
            0 => Actions::Equal(name),
            1 => Actions::In(name),
            _ => {
                let many = self.source.weighted(&[3, 4, 2, 1]);
                let further = (0..many).map(|_| self.picked(|maker| &maker.actions));
                let mut names: Vec<_> = further.collect();
                // The empty list is a scope too.
                if !self.source.chance(5) {
                    names.push(name);
                }
                Actions::InSet(names)
            }
        }
    }

    fn links(&mut self, case: &mut Case, policy: &Policy) {
        let (principal, resource) = policy.slots();
        if !principal && !resource {
            return;
        }
        // Some templates have no link: they apply to nothing.
        let many = self.source.weighted(&[1, 3, 3, 2, 1]);
        for number in 0..many {
            let [above_principal, above_resource] =
                [&policy.principal, &policy.resource].map(|scope| !matches!(scope, Scope::Equal(_)));
            let link = Link {
                id: format!("{} link {number}", policy.id),
                template: policy.id.clone(),
                principal: principal.then(|| self.scope_name(true, above_principal)),
                resource: resource.then(|| self.scope_name(false, above_resource)),
            };
            case.links.push(link);
        }
    }
}
