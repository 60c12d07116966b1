//! Fixtures and tests become questions: layer over layer, checked against schema and routes.

use std::collections::HashSet;

use super::finding::{At, Findings, Place};
use super::read::{Files, Fixture, Layer, Test};
use super::{Case, Put};
use crate::question::FactPath;
use crate::setting::{Asked, BadGiven, Caller, Given, NoTarget, Setting, Target};
use crate::vocabulary::Vocabulary;
use crate::words::{shown, suggest};

/// Every test that can be put; what keeps others from it becomes findings.
pub(super) fn combine(setting: &Setting<'_>, files: Files, findings: &mut Findings) -> Vec<Case> {
    let Files { fixtures, tests } = files;
    let mut combining = Combining { setting, fixtures: &fixtures, findings, used: HashSet::new() };
    let mut names: HashSet<(usize, String)> = HashSet::new();
    let mut cases = Vec::with_capacity(tests.len());
    for test in tests {
        if !names.insert((test.name.place.file, test.name.value.clone())) {
            let message = format!("two tests of this file are called `{}`", shown(&test.name.value));
            let help = "give one of them another name".to_owned();
            combining.findings.add("twice", &test.name.place, message, "again", help);
        }
        cases.extend(combining.test(test));
    }
    combining.unused();
    cases
}

struct Combining<'a, 's> {
    setting: &'a Setting<'s>,
    fixtures: &'a std::collections::BTreeMap<String, Vec<Fixture>>,
    findings: &'a mut Findings,
    used: HashSet<&'a str>,
}

impl<'a> Combining<'a, '_> {
    fn test(&mut self, test: Test) -> Option<Case> {
        let before = self.findings.count();
        let mut layers: Vec<&Layer> = Vec::with_capacity(test.given.len() + 1);
        for name in &test.given {
            layers.extend(self.fixture(name));
        }
        layers.push(&test.layer);
        let caller = self.caller(&layers, &test.name.place)?;
        let put = self.put(&layers, &caller, &test.name.place)?;
        if before != self.findings.count() {
            return None;
        }
        Some(Case {
            file: self.findings.file(&test.name.place)?,
            line: self.findings.line(&test.name.place),
            span: test.name.place.span(),
            name: test.name.value,
            caller,
            put,
            expect: test.expect,
        })
    }

    /// The fixture of this name: the file's own before those of others.
    fn fixture(&mut self, name: &At<String>) -> Option<&'a Layer> {
        let Some((known, all)) = self.fixtures.get_key_value(&name.value) else {
            let known: Vec<&str> = self.fixtures.keys().map(String::as_str).collect();
            let message = format!("there is no fixture `{}`", shown(&name.value));
            self.findings.add("fixture", &name.place, message, "unknown", suggest(&name.value, &known));
            return None;
        };
        self.used.insert(known);
        let own = all.iter().find(|fixture| fixture.place.file == name.place.file);
        match (own, all.as_slice()) {
            (Some(own), _) => Some(&own.layer),
            (None, [one]) => Some(&one.layer),
            (None, _) => {
                let message = format!("several other files have a fixture `{}`", shown(&name.value));
                let help = "give them different names, or write one in this file".to_owned();
                self.findings.add("fixture", &name.place, message, "ambiguous", help);
                None
            }
        }
    }

    /// A fixture that nobody uses is a mistyped name, or a test that was taken out without it.
    fn unused(&mut self) {
        for (name, all) in self.fixtures {
            if !self.used.contains(name.as_str()) {
                for fixture in all {
                    let message = format!("no test uses the fixture `{}`", shown(name));
                    let help = format!("name it in `given = [\"{}\"]`, or remove it", shown(name));
                    self.findings.add("unused", &fixture.place, message, "unused", help);
                }
            }
        }
    }

    fn caller(&mut self, layers: &[&Layer], whole: &Place) -> Option<Caller> {
        let Some(principal) = layers.iter().rev().find_map(|layer| layer.principal.as_ref()) else {
            let help = "write `principal = \"alice\"`, `\"service:ci\"` or `\"anonymous\"`".to_owned();
            self.findings.add("missing", whole, "it is not said who asks".to_owned(), "no `principal`", help);
            return None;
        };
        let caller = Caller::parse(&principal.value, self.setting.rulebook.directory);
        caller
            .map_err(|help| {
                let message = format!("`{}` is no principal", shown(&principal.value));
                self.findings.add("principal", &principal.place, message, "unknown", help);
            })
            .ok()
    }

    fn put(&mut self, layers: &[&Layer], caller: &Caller, whole: &Place) -> Option<Put> {
        let action = layers.iter().rev().find_map(|layer| layer.action.as_ref());
        let resource = layers.iter().rev().find_map(|layer| layer.resource.as_ref());
        let (Some(action), Some(resource)) = (action, resource) else {
            let missing = if action.is_none() { "action" } else { "resource" };
            let help =
                "write `action = \"GET\"` and `resource = \"shop/premium\"` or `\"/premium\"`".to_owned();
            let message = "it is not said what is asked for".to_owned();
            self.findings.add("missing", whole, message, &format!("no `{missing}`"), help);
            return None;
        };
        match self.setting.find(&action.value, &resource.value) {
            Ok(Asked::Stopped(stopped)) => Some(Put::Stopped(stopped)),
            Ok(Asked::Of(target)) => {
                let target = target.exemplified();
                self.question(layers, caller, &target, whole)
                    .map(|question| Put::Asked { target: Box::new(target), question: Box::new(question) })
            }
            Err(NoTarget { message, help }) => {
                self.findings.add("resource", &resource.place, message, "unknown", help);
                None
            }
        }
    }

    fn question(
        &mut self,
        layers: &[&Layer],
        caller: &Caller,
        target: &Target,
        whole: &Place,
    ) -> Option<crate::Question> {
        let kind = caller.name().0;
        let vocabulary = self.setting.vocabulary(&kind, &target.action);
        let given = self.given(layers, caller, &vocabulary);
        let mut question = self.setting.question(caller, target, &given);
        self.setting.fill(&mut question);
        for missing in missing(&vocabulary, &question) {
            let message = format!("`{missing}` is not given");
            let help =
                format!("the schema says that every request has it: `facts = {{ \"{missing}\" = … }}`");
            self.findings.add("missing", whole, message, "in this test", help);
        }
        Some(question)
    }

    fn given(&mut self, layers: &[&Layer], caller: &Caller, vocabulary: &Vocabulary<'_>) -> Given {
        let mut given = Given::default();
        for layer in layers {
            let names =
                |names: &[At<String>]| names.iter().map(|name| name.value.clone()).collect::<Vec<_>>();
            given.groups.extend(names(&layer.groups));
            given.roles.extend(names(&layer.roles));
            given.at = layer.at.as_ref().map(|at| at.value).or(given.at);
            given.directory = layer.directory.unwrap_or(given.directory);
            if let Some(device) = &layer.device {
                self.device(device);
                given.device = Some(device.value.clone());
            }
            for path in &layer.unavailable {
                let said = given.unavailable(vocabulary, &path.value);
                self.check(path, caller, said);
            }
            for path in &layer.absent {
                let said = given.absent(vocabulary, &path.value);
                self.check(path, caller, said);
            }
            for (path, json) in &layer.facts {
                let said = given.fact(vocabulary, &path.value, json);
                self.check(path, caller, said);
            }
        }
        given
    }

    fn device(&mut self, device: &At<String>) {
        let devices = &self.setting.rulebook.directory.devices;
        if !devices.contains_key(&device.value) {
            let known: Vec<&str> = devices.keys().map(String::as_str).collect();
            let message = format!("there is no device `{}` in the directory", shown(&device.value));
            self.findings.add("device", &device.place, message, "unknown", suggest(&device.value, &known));
        }
    }

    fn check(&mut self, path: &At<FactPath>, caller: &Caller, said: Result<(), BadGiven>) {
        let Err(BadGiven { message, help }) = said else { return };
        let message = match (caller, path.value.is_of_principal()) {
            (Caller::Anonymous, true) => format!("{message}: a caller without identity has no attributes"),
            _ => message,
        };
        self.findings.add("fact", &path.place, message, "here", help);
    }
}

/// What every request has, and this one has not.
fn missing(vocabulary: &Vocabulary<'_>, question: &crate::Question) -> Vec<FactPath> {
    let mut open: Vec<FactPath> = vocabulary.parts().map(|name| FactPath::context(&[name])).collect();
    let mut missing = Vec::new();
    while let Some(path) = open.pop() {
        let Ok(declared) = vocabulary.find(&path) else { continue };
        let is_unknown = question.unknown.keys().any(|of| path.lies_in(of));
        if !declared.required || is_unknown {
            continue;
        }
        match vocabulary.members(declared) {
            Some(members) => open.extend(members.into_iter().map(|(name, _)| path.member(name))),
            None if question.get(&path).is_none() => missing.push(path),
            None => {}
        }
    }
    missing.sort();
    missing
}
