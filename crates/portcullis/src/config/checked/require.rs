//! Requirements and their sentences, checked.

use std::collections::BTreeSet;

use portcullis_policy::{DeviceNeeds, Require};

use super::{Checker, SECOND, YEAR, Zones};
use crate::config::finding::{quoted, suggest};
use crate::config::raw::{RawApp, RawRequire};
use crate::config::source::{below, element};
use crate::config::{country, measure};

/// Requirements that a sentence can be about, as they are written.
const REQUIREMENTS: [&str; 11] = [
    "role",
    "group",
    "tier",
    "country",
    "not_country",
    "network",
    "device",
    "scope",
    "acr",
    "max_age",
    "hours",
];

impl Checker<'_> {
    pub(super) fn require(&mut self, path: &str, raw: &RawRequire, zones: &Zones) -> Require {
        let lists = [
            ("role", &raw.role),
            ("group", &raw.group),
            ("tier", &raw.tier),
            ("country", &raw.country),
            ("not_country", &raw.not_country),
            ("network", &raw.network),
            ("scope", &raw.scope),
            ("acr", &raw.acr),
        ];
        for (key, list) in lists {
            self.requirement(&below(path, key), list);
        }
        self.countries(&below(path, "country"), &raw.country);
        self.countries(&below(path, "not_country"), &raw.not_country);
        self.zone_names(&below(path, "network"), &raw.network, zones);
        self.tokens(&below(path, "scope"), &raw.scope);
        self.tokens(&below(path, "acr"), &raw.acr);
        let device = DeviceNeeds {
            managed: raw.device.managed,
            compliant: raw.device.compliant,
            encrypted: raw.device.encrypted,
            seen_within_days: raw.device.seen_within_days,
        };
        let at = below(path, "device");
        if device == DeviceNeeds::default() && self.source.has(&at) && !self.source.is_faulty(&at) {
            let message = "nothing is required of the device".to_owned();
            let help = "write `device = { managed = true }`, or leave it out";
            self.source.error(&at, "portcullis::config::empty_requirement", message, help);
        }
        Require {
            role: raw.role.clone(),
            group: raw.group.clone(),
            tier: raw.tier.clone(),
            country: raw.country.clone(),
            not_country: raw.not_country.clone(),
            network: raw.network.clone(),
            device,
            scope: raw.scope.clone(),
            acr: raw.acr.clone(),
            max_age: self.max_age(&below(path, "max_age"), raw),
            hours: self.hours(&below(path, "hours"), raw),
        }
    }

    /// An empty list would require nothing, which is hardly ever what was meant by writing it.
    fn requirement(&mut self, path: &str, list: &[String]) {
        if list.is_empty() && self.source.has(path) {
            let message = "an empty list requires nothing".to_owned();
            let help = "name what is required, or leave it out";
            self.source.error(path, "portcullis::config::empty_requirement", message, help);
        }
        for (index, _) in list.iter().enumerate().filter(|(_, name)| name.trim().is_empty()) {
            let message = "an empty name cannot be required".to_owned();
            self.source.error(&element(path, index), "portcullis::config::empty_value", message, "");
        }
    }

    fn countries(&mut self, path: &str, codes: &[String]) {
        for (index, code) in codes.iter().enumerate() {
            if !country::is_country(code) {
                let message = format!("{} is no country code", quoted(code));
                let at = element(path, index);
                self.source.error(&at, "portcullis::config::unknown_country", message, country::hint(code));
            }
        }
    }

    fn zone_names(&mut self, path: &str, names: &[String], zones: &Zones) {
        for (index, name) in names.iter().enumerate() {
            if !zones.contains_key(name) {
                let message = format!("the zone {} is not defined", quoted(name));
                let help = if zones.is_empty() {
                    format!("define it in `[network.zones]`: `{name} = [\"192.0.2.0/24\"]`")
                } else {
                    suggest(name, zones.keys().map(String::as_str))
                };
                self.source.error(&element(path, index), "portcullis::config::unknown_zone", message, help);
            }
        }
    }

    /// Scopes and `acr` values stand in a challenge, separated by spaces (RFC 6750 §3, RFC 9470 §3).
    fn tokens(&mut self, path: &str, values: &[String]) {
        for (index, value) in values.iter().enumerate() {
            if !value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\') {
                let message = format!("{} cannot stand in a challenge", quoted(value));
                let help = "write one value without spaces or quotes; several are several strings";
                self.source.error(&element(path, index), "portcullis::config::bad_token", message, help);
            }
        }
    }

    fn max_age(&mut self, path: &str, raw: &RawRequire) -> Option<u32> {
        let age = self.duration(path, &raw.max_age.as_ref()?.0, SECOND, YEAR)?;
        u32::try_from(age.as_secs()).ok()
    }

    fn hours(&mut self, path: &str, raw: &RawRequire) -> Option<portcullis_policy::Hours> {
        let text = raw.hours.as_deref()?;
        match measure::hours(text) {
            Ok(hours) => Some(hours),
            Err(help) => {
                let message = format!("{} are no hours", quoted(text));
                self.source.error(path, "portcullis::config::bad_hours", message, help);
                None
            }
        }
    }

    /// Sentences of an app and its routes: about a requirement that there is.
    pub(super) fn messages(&mut self, path: &str, raw: &RawApp) {
        let mut of_app: BTreeSet<&str> = written(&raw.require);
        for (index, route) in raw.route.iter().enumerate() {
            let of_route = written(&route.require);
            let at = below(&element(&below(path, "route"), index), "messages");
            self.sentences(&at, route.messages.iter(), &of_route);
            of_app.extend(of_route);
        }
        self.sentences(&below(path, "messages"), raw.messages.iter(), &of_app);
    }

    fn sentences<'b>(
        &mut self,
        path: &str,
        sentences: impl Iterator<Item = (&'b String, &'b String)>,
        required: &BTreeSet<&str>,
    ) {
        for (key, text) in sentences {
            let at = below(path, key);
            if !REQUIREMENTS.contains(&key.as_str()) {
                let message = format!("{} is no requirement", quoted(key));
                let help = suggest(key, REQUIREMENTS);
                self.source.key_error(&at, "portcullis::config::unknown_key", message, help);
            } else if !required.contains(key.as_str()) {
                let message = format!("nobody will read this: no `require.{key}` stands beside it");
                self.source.warning(
                    &at,
                    "portcullis::config::no_effect",
                    message,
                    "remove it, or require it",
                );
            }
            self.plain_text(&at, text);
        }
    }
}

/// The requirements that there are.
pub(super) fn names(require: &Require) -> Vec<&'static str> {
    let there = [
        !require.role.is_empty(),
        !require.group.is_empty(),
        !require.tier.is_empty(),
        !require.country.is_empty(),
        !require.not_country.is_empty(),
        !require.network.is_empty(),
        require.device != DeviceNeeds::default(),
        !require.scope.is_empty(),
        !require.acr.is_empty(),
        require.max_age.is_some(),
        require.hours.is_some(),
    ];
    REQUIREMENTS.into_iter().zip(there).filter_map(|(name, there)| there.then_some(name)).collect()
}

fn written(raw: &RawRequire) -> BTreeSet<&'static str> {
    let device = &raw.device;
    let there = [
        !raw.role.is_empty(),
        !raw.group.is_empty(),
        !raw.tier.is_empty(),
        !raw.country.is_empty(),
        !raw.not_country.is_empty(),
        !raw.network.is_empty(),
        device.managed || device.compliant || device.encrypted || device.seen_within_days.is_some(),
        !raw.scope.is_empty(),
        !raw.acr.is_empty(),
        raw.max_age.is_some(),
        raw.hours.is_some(),
    ];
    REQUIREMENTS.into_iter().zip(there).filter_map(|(name, there)| there.then_some(name)).collect()
}
