//! Policies about apps and routes that are not configured.

use cedar_policy_core::ast::{EntityUID, ExprKind, Literal};

use crate::finding::{Findings, Place};
use crate::guards::Declared;
use crate::load::Entry;

pub(super) fn run(entries: &[Entry], declared: &Declared, findings: &mut Findings) {
    if declared.is_empty() {
        return;
    }
    for entry in entries.iter().filter(|entry| entry.is_written()) {
        let tree = entry.tree();
        if let Some(name) = tree.resource_constraint().as_inner().get_euid()
            && let Some((what, near)) = missing(name, declared)
        {
            say(
                &entry.place,
                format!("policy `{}` is about {what}, which is not configured", entry.id),
                near,
                findings,
            );
        }
        let Some(conditions) = tree.non_scope_constraints() else { continue };
        for expr in conditions.subexpressions() {
            let ExprKind::Lit(Literal::EntityUID(name)) = expr.expr_kind() else { continue };
            if let Some((what, near)) = missing(name, declared) {
                let place = entry.within(expr.source_loc());
                say(&place, format!("{what} is not configured, so no request is about it"), near, findings);
            }
        }
    }
}

fn say(place: &Place, message: String, near: Option<String>, findings: &mut Findings) {
    let help = near.map_or_else(
        || "add it to the configuration, or take the policy out".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    findings.warning("portcullis::policy::never_applies", place, message, help);
}

/// An app or route that does not exist, and the nearest name that does.
fn missing(name: &EntityUID, declared: &Declared) -> Option<(String, Option<String>)> {
    let id: &str = name.eid().as_ref();
    let known: Vec<&String> = match name.entity_type().to_string().as_str() {
        "App" => declared.apps.keys().collect(),
        "Route" => declared.routes.keys().collect(),
        _ => return None,
    };
    if known.iter().any(|known| *known == id) {
        return None;
    }
    let near = known
        .into_iter()
        .map(|known| (strsim::damerau_levenshtein(known, id), known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .min()
        .map(|(_, known)| format!("{}::\"{known}\"", name.entity_type()));
    Some((format!("`{name}`"), near))
}
