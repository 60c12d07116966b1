//! Whether what directory entries refer to exists, and whether nesting ends.
//!
//! A name nobody declared is a typing mistake that would silently take people out of a group; a cycle would make
//! "is in" mean nothing. Both are refused before anything is decided by them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Membership;
use super::finding::{At, Findings, nearest, shown};
use super::read::{Entries, Entry};

/// Checks references and nesting.
pub(super) fn check(entries: &Entries, findings: &mut Findings) {
    cycles("group", &entries.groups, |entry| &entry.groups, findings);
    cycles("role", &entries.roles, |entry| &entry.roles, findings);
    if entries.incomplete {
        return;
    }
    let people = entries.users.values().chain(entries.services.values());
    for entry in people {
        declared("group", &entry.groups, &entries.groups, findings);
        declared("role", &entry.roles, &entries.roles, findings);
    }
    for entry in entries.groups.values().chain(entries.roles.values()) {
        declared("group", &entry.groups, &entries.groups, findings);
        declared("role", &entry.roles, &entries.roles, findings);
    }
    for owner in entries.devices.values().filter_map(|device| device.owner.as_ref()) {
        owned(owner, entries, findings);
    }
}

fn declared<T>(
    kind: &str,
    names: &[At<String>],
    known: &BTreeMap<String, Entry<T>>,
    findings: &mut Findings,
) {
    for name in names.iter().filter(|name| !known.contains_key(&name.value)) {
        let message = format!("{kind} `{}` is not declared", shown(&name.value));
        let help = match nearest(&name.value, known.keys().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare it: `[[{kind}]]` with `id = \"{}\"`", shown(&name.value)),
        };
        findings.add("undeclared", &name.place, message, "unknown", help);
    }
}

fn owned(owner: &At<String>, entries: &Entries, findings: &mut Findings) {
    let user = entries.users.contains_key(&owner.value);
    let service = entries.services.contains_key(&owner.value);
    let name = shown(&owner.value);
    if user && service {
        let message = format!("owner `{name}` is both a user and a service");
        let help = "give one of them another `id`: the device must belong to one caller".to_owned();
        findings.add("owner", &owner.place, message, "ambiguous", help);
    } else if !user && !service {
        let known = entries.users.keys().chain(entries.services.keys()).map(String::as_str);
        let help = match nearest(&owner.value, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("declare the owner: `[[user]]` with `id = \"{name}\"`"),
        };
        findings.add("owner", &owner.place, format!("owner `{name}` is not declared"), "unknown", help);
    }
}

/// Finds each way back, and the first chain that is too long, by walking the nesting depth first, without recursion: a
/// chain may be as long as the directory.
fn cycles<'a>(
    kind: &str,
    entries: &'a BTreeMap<String, Entry<Membership>>,
    parents: impl Fn(&'a Entry<Membership>) -> &'a Vec<At<String>>,
    findings: &mut Findings,
) {
    // How many are above one, by its name.
    let mut done: HashMap<&str, usize> = HashMap::new();
    // One chain is named, and none where the fault is a circle.
    let mut is_told = false;
    for start in entries.keys() {
        let mut path: Vec<(&str, std::slice::Iter<'a, At<String>>)> = Vec::new();
        let mut on_path: BTreeSet<&str> = BTreeSet::new();
        let mut next = Some(start.as_str());
        loop {
            if let Some(name) = next.take()
                && !done.contains_key(name)
                && let Some(entry) = entries.get(name)
            {
                path.push((name, parents(entry).iter()));
                on_path.insert(name);
            }
            let Some((name, rest)) = path.last_mut() else { break };
            let name = *name;
            match rest.next() {
                Some(parent) if on_path.contains(parent.value.as_str()) => {
                    let names = path.iter().map(|(name, _)| *name);
                    let way = names.skip_while(|name| *name != parent.value).collect::<Vec<_>>();
                    cycle(kind, parent, &way, findings);
                    is_told = true;
                }
                Some(parent) => next = Some(parent.value.as_str()),
                None => {
                    path.pop();
                    on_path.remove(name);
                    let Some(entry) = entries.get(name) else { continue };
                    let above =
                        |parent: &At<String>| done.get(parent.value.as_str()).map_or(1, |above| above + 1);
                    let above_it = parents(entry).iter().map(above).max().unwrap_or_default();
                    if above_it > MOST_NESTED && !is_told {
                        too_deep(kind, entry, findings);
                        is_told = true;
                    }
                    done.insert(name, above_it);
                }
            }
        }
    }
}

fn too_deep(kind: &str, entry: &Entry<Membership>, findings: &mut Findings) {
    let message = format!("{kind}s are nested more than {MOST_NESTED} deep");
    let help = format!("put the {kind} into the one that it is really about, without those between");
    findings.add("bound", &entry.place, message, "too deep", help);
}

/// Above one group or role, in a chain. No organisation is as deep; whoever is in a chain carries all of it, and the
/// official library closes memberships by recursion, which ten thousand of them would end with the process.
const MOST_NESTED: usize = 100;

fn cycle(kind: &str, closing: &At<String>, way: &[&str], findings: &mut Findings) {
    const NAMED: usize = 8;
    let mut names: Vec<String> = way.iter().take(NAMED).map(|name| format!("`{}`", shown(name))).collect();
    if way.len() > NAMED {
        names.push(format!("{} more", way.len() - NAMED));
    }
    names.push(format!("`{}`", shown(&closing.value)));
    let message = format!("{kind}s contain each other: {}", names.join(" in "));
    let help = format!("remove one of these memberships: a {kind} cannot be inside itself");
    findings.add("cycle", &closing.place, message, "closes the circle", help);
}
