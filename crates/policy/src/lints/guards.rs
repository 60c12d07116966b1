//! Guards whose requirements exclude each other, on one route or between a route and its app.

use std::collections::BTreeSet;

use crate::finding::{Findings, Sources};
use crate::guards::{Access, Guard, Hours, Scope};

const CODE: &str = "portcullis::policy::contradicting_guards";

pub(super) fn run(guards: &[Guard], sources: &Sources, findings: &mut Findings) {
    for guard in guards {
        let app = guards.iter().find(|other| {
            matches!(guard.scope, Scope::Route { .. })
                && matches!(&other.scope, Scope::App(name) if name == guard.app())
        });
        let place = guard.place(sources);
        let mut contradiction = |what: String, help: &str| findings.error(CODE, &place, what, help);
        let both: Vec<&Guard> = app.into_iter().chain([guard]).collect();
        let name = guard.name();
        // What is wrong in the app alone is said once, for the app.
        let concerns = |own: bool| own || app.is_none();

        if concerns(!guard.require.country.is_empty() || !guard.require.not_country.is_empty()) {
            countries(&name, &both, &mut contradiction);
        }
        type List = fn(&Guard) -> &Vec<String>;
        let single: [(&str, List); 2] =
            [("tier", |guard| &guard.require.tier), ("acr", |guard| &guard.require.acr)];
        for (what, list) in single {
            let required: Vec<&Vec<String>> =
                both.iter().map(|guard| list(guard)).filter(|list| !list.is_empty()).collect();
            if let [app, route] = required.as_slice()
                && !app.iter().any(|value| route.contains(value))
            {
                contradiction(
                    format!(
                        "`{name}` and its app require different values of `{what}`, and a caller has one"
                    ),
                    "name a value on both, or require it in one place",
                );
            }
        }
        if concerns(guard.require.hours.is_some()) && never_open(&both) {
            contradiction(
                format!("the hours of `{name}` never hold"),
                "let `until` be later than `from` (or earlier, to cross midnight), and overlap with the app's",
            );
        }
        public(guard, &both, &place, findings);
    }
}

/// A caller is in one country.
fn countries(name: &str, both: &[&Guard], contradiction: &mut impl FnMut(String, &str)) {
    let mut possible: Option<BTreeSet<&String>> = None;
    for guard in both.iter().filter(|guard| !guard.require.country.is_empty()) {
        let here: BTreeSet<&String> = guard.require.country.iter().collect();
        possible = Some(match possible {
            None => here,
            Some(before) => before.intersection(&here).copied().collect(),
        });
    }
    let Some(mut possible) = possible else { return };
    for guard in both {
        possible.retain(|country| !guard.require.not_country.contains(country));
    }
    if possible.is_empty() {
        contradiction(
            format!("no country is left that `{name}` lets in: each is excluded or not required everywhere"),
            "take a country out of `not_country`, or add one to `country` on the route and on its app",
        );
    }
}

/// Whether no minute of the week is within all of these hours.
fn never_open(both: &[&Guard]) -> bool {
    let windows: Vec<&Hours> = both.iter().filter_map(|guard| guard.require.hours.as_ref()).collect();
    let open = |hours: &Hours, day: u8, minute: u16| {
        let on = |day: u8| hours.weekdays.is_empty() || hours.weekdays.contains(&day);
        let before = if day == 1 { 7 } else { day - 1 };
        if hours.from > hours.until {
            (on(day) && minute >= hours.from) || (on(before) && minute < hours.until)
        } else {
            on(day) && minute >= hours.from && minute < hours.until
        }
    };
    !windows.is_empty()
        && !(1..=7_u8)
            .any(|day| (0..1_440_u16).any(|minute| windows.iter().all(|hours| open(hours, day, minute))))
}

/// A public route that nobody can use without saying who they are is not public.
fn public(guard: &Guard, both: &[&Guard], place: &crate::finding::Place, findings: &mut Findings) {
    if guard.access != Access::Anyone {
        return;
    }
    let needs = both.iter().find_map(|guard| {
        let require = &guard.require;
        let needs = [
            ("role", !require.role.is_empty()),
            ("group", !require.group.is_empty()),
            ("tier", !require.tier.is_empty()),
            ("scope", !require.scope.is_empty()),
            ("acr", !require.acr.is_empty()),
            ("max_age", require.max_age.is_some()),
        ];
        needs.into_iter().find(|(_, needed)| *needed).map(|(name, _)| name)
    });
    if let Some(needs) = needs {
        findings.warning(
            "portcullis::policy::public_requires_identity",
            place,
            format!(
                "`{}` is open to anyone and requires `{needs}`, which only an identified caller has",
                guard.name()
            ),
            "use `access = \"identified\"`, or require nothing about the caller",
        );
    }
}
