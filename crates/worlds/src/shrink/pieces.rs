//! What can be taken out of a case, from the whole lists down to the nodes of an expression.

use crate::case::{Actions, Case, Scope};
use crate::shrink::Search;
use crate::term::{Head, Term};
use crate::value::Value;

impl Search<'_> {
    pub(super) fn lists(&mut self) {
        self.thin(|case| Some(&mut case.requests));
        self.thin(|case| Some(&mut case.policies));
        self.thin(|case| Some(&mut case.links));
        self.thin(|case| Some(&mut case.overlay));
        self.thin(|case| Some(&mut case.entities));
    }

    pub(super) fn policies(&mut self) {
        for place in 0..self.smallest.policies.len() {
            self.thin(|case| case.policies.get_mut(place).map(|policy| &mut policy.conditions));
            let each: [fn(&mut crate::case::Policy); 5] = [
                |policy| policy.principal = Scope::Any,
                |policy| policy.action = Actions::Any,
                |policy| policy.resource = Scope::Any,
                |policy| policy.conditions.iter_mut().for_each(|condition| condition.unless = false),
                |policy| policy.forbid = false,
            ];
            for change in each {
                self.attempt(|case| {
                    if let Some(policy) = case.policies.get_mut(place) {
                        change(policy);
                    }
                    let templates: Vec<_> =
                        case.policies.iter().filter(|policy| policy.slots() != (false, false)).collect();
                    let slots = |id: &str| {
                        templates
                            .iter()
                            .find(|policy| policy.id == id)
                            .map_or((false, false), |policy| policy.slots())
                    };
                    for link in &mut case.links {
                        let (principal, resource) = slots(&link.template);
                        link.principal = link.principal.take().filter(|_| principal);
                        link.resource = link.resource.take().filter(|_| resource);
                    }
                    case.links.retain(|link| link.principal.is_some() || link.resource.is_some());
                });
            }
        }
    }

    pub(super) fn entities(&mut self) {
        for place in 0..self.smallest.entities.len() {
            self.thin(|case| case.entities.get_mut(place).map(|entity| &mut entity.attributes));
            self.thin(|case| case.entities.get_mut(place).map(|entity| &mut entity.tags));
            self.thin(|case| case.entities.get_mut(place).map(|entity| &mut entity.parents));
        }
        for place in 0..self.smallest.overlay.len() {
            self.thin(|case| case.overlay.get_mut(place).map(|entity| &mut entity.attributes));
            self.thin(|case| case.overlay.get_mut(place).map(|entity| &mut entity.parents));
        }
        for place in 0..self.smallest.requests.len() {
            self.thin(|case| case.requests.get_mut(place).map(|request| &mut request.context));
        }
        for place in 0..values(&mut self.smallest.clone()).len() {
            let mut case = self.smallest.clone();
            let plainer = values(&mut case).get(place).map(|value| plainer(value)).unwrap_or_default();
            for value in plainer {
                self.attempt(|case| {
                    if let Some(place) = values(case).into_iter().nth(place) {
                        *place = value;
                    }
                });
            }
        }
    }

    pub(super) fn terms(&mut self) {
        for policy in 0..self.smallest.policies.len() {
            let conditions = self.smallest.policies.get(policy).map_or(0, |policy| policy.conditions.len());
            for condition in 0..conditions {
                self.term(policy, condition);
            }
        }
    }

    fn term(&mut self, policy: usize, condition: usize) {
        let mut node = 0;
        loop {
            let mut case = self.smallest.clone();
            let Some(found) = body(&mut case, policy, condition).and_then(|body| nth(body, node)) else {
                return;
            };
            let kept = plainer_terms(found).into_iter().any(|plainer| {
                self.attempt(|case| {
                    if let Some(place) = body(case, policy, condition).and_then(|body| nth(body, node)) {
                        *place = plainer;
                    }
                })
            });
            if !kept {
                node = node.saturating_add(1);
            }
        }
    }
}

fn body(case: &mut Case, policy: usize, condition: usize) -> Option<&mut Term> {
    Some(&mut case.policies.get_mut(policy)?.conditions.get_mut(condition)?.body)
}

/// The node at this place, the root first.
fn nth(term: &mut Term, place: usize) -> Option<&mut Term> {
    if place == 0 {
        return Some(term);
    }
    let mut left = place.saturating_sub(1);
    for part in &mut term.parts {
        let size = part.size();
        if left < size {
            return nth(part, left);
        }
        left = left.saturating_sub(size);
    }
    None
}

/// Terms to try in the place of this one; each is smaller, so that trying comes to an end.
fn plainer_terms(term: &Term) -> Vec<Term> {
    let mut plainer = Vec::new();
    if term.size() > 1 {
        plainer.extend([Term::bool(true), Term::bool(false), Term::value(Value::Long(0))]);
        plainer.extend(term.parts.iter().cloned());
    }
    let fewest = match term.head {
        Head::Between("&&" | "||") => 2,
        Head::Set => 0,
        _ => usize::MAX,
    };
    if term.parts.len() > fewest {
        // Halves first: lists of constants are long.
        let half = term.parts.len() / 2;
        for parts in [term.parts.get(..half), term.parts.get(half..)].into_iter().flatten() {
            if parts.len() >= fewest && parts.len() < term.parts.len() {
                plainer.push(Term::new(term.head.clone(), parts.to_vec()));
            }
        }
        for place in 0..term.parts.len() {
            let mut parts = term.parts.clone();
            parts.remove(place);
            plainer.push(Term::new(term.head.clone(), parts));
        }
    }
    match &term.head {
        Head::Record(names) => {
            for place in 0..names.len().min(term.parts.len()) {
                let (mut names, mut parts) = (names.clone(), term.parts.clone());
                names.remove(place);
                parts.remove(place);
                plainer.push(Term::new(Head::Record(names), parts));
            }
        }
        Head::Value(value) => plainer.extend(self::plainer(value).into_iter().map(Term::value)),
        Head::Has(names) if names.len() > 1 => {
            let names = names.get(..names.len().saturating_sub(1)).unwrap_or_default().to_vec();
            plainer.push(Term::new(Head::Has(names), term.parts.clone()));
        }
        _ => {}
    }
    plainer
}

/// Values to try in the place of this one; none for the plainest.
fn plainer(value: &Value) -> Vec<Value> {
    fn thinner<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
        let half = items.len() / 2;
        let mut thinner: Vec<Vec<T>> =
            [items.get(..half), items.get(half..)].into_iter().flatten().map(<[T]>::to_vec).collect();
        for place in 0..items.len().min(20) {
            let mut items = items.to_vec();
            items.remove(place);
            thinner.push(items);
        }
        thinner.retain(|list| list.len() < items.len());
        thinner
    }
    match value {
        Value::Set(items) => thinner(items).into_iter().map(Value::Set).collect(),
        Value::Record(fields) => thinner(fields).into_iter().map(Value::Record).collect(),
        Value::Long(0) | Value::Bool(_) | Value::Entity(_) | Value::Ip(_) | Value::Decimal(_) => Vec::new(),
        Value::Long(_) => vec![Value::Long(0)],
        Value::Text(text) if text.is_empty() => Vec::new(),
        Value::Text(_) => vec![Value::Text(String::new())],
        Value::Datetime(0) | Value::Duration(0) => Vec::new(),
        Value::Datetime(_) => vec![Value::Datetime(0)],
        Value::Duration(_) => vec![Value::Duration(0)],
    }
}

/// The values of all attributes, tags and contexts.
fn values(case: &mut Case) -> Vec<&mut Value> {
    let entities = case.entities.iter_mut().chain(&mut case.overlay);
    let of_entities = entities.flat_map(|entity| entity.attributes.iter_mut().chain(&mut entity.tags));
    let of_requests = case.requests.iter_mut().flat_map(|request| &mut request.context);
    of_entities.chain(of_requests).map(|(_, value)| value).collect()
}
