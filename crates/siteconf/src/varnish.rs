//! Varnish: `vcl_recv` run for the request; what it refuses, and the backend that it is passed on to.

mod run;
mod vcl;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::beside;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Next, Role, Site};
use crate::source::Files;
use run::{Machine, Returned};
use vcl::{Statement, Token, Vcl};

/// One configuration.
#[derive(Debug)]
pub(crate) struct Varnish {
    root: PathBuf,
    vcl: Vcl,
}

impl Varnish {
    /// Reads a root with its includes.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Varnish {
        Varnish { root: root.to_path_buf(), vcl: vcl::parse(root, files) }
    }

    /// Whether answers that are refusals may be kept: `beresp.ttl` is set with no look at the status.
    fn keeps_refusals(&self) -> Option<Place> {
        let bodies =
            self.vcl.subs.iter().filter(|(name, _)| name == "vcl_backend_response" || name == "vcl_fetch");
        bodies.flat_map(|(_, body)| body.iter()).find_map(|statement| match statement {
            Statement::Plain(tokens, place) => sets_ttl(tokens).then(|| place.clone()),
            Statement::If(branches) => branches.iter().find_map(|(condition, body, _)| {
                let for_errors = condition
                    .iter()
                    .any(|token| matches!(token, Token::Word(word) if word == "403" || word == "400"));
                let by_status = condition
                    .iter()
                    .any(|token| matches!(token, Token::Word(word) if word == "beresp.status"));
                let sets = body.iter().find_map(|inner| match inner {
                    Statement::Plain(tokens, place) if sets_ttl(tokens) => Some(place.clone()),
                    _ => None,
                });
                sets.filter(|_| for_errors || !by_status)
            }),
        })
    }

    fn refused(&self, returned: &Returned, hop: &Hop) -> Clue {
        let purges = matches!(hop.method.as_str(), "PURGE" | "BAN" | "REFRESH" | "PURGEKEYS" | "XCGFULLBAN");
        let strength = if returned.certain == Truth::Yes { Strength::Decisive } else { Strength::Strong };
        let condition = if returned.condition.is_empty() {
            "without a condition".to_owned()
        } else {
            format!("because `{}` holds", returned.condition)
        };
        let client = hop.client.map_or_else(|| "the client".to_owned(), |client| client.to_string());
        let (cause, fix) = if purges {
            (
                "varnish.purge-acl",
                format!("add \"{client}\"; to the acl of those who may send {}", hop.method),
            )
        } else {
            ("varnish.synth-403", "narrow the condition, or the acl that it asks".to_owned())
        };
        let said = format!("VCL returns synth(403) {condition}");
        Clue::new(cause, strength, said)
            .at(Some(returned.place.clone()))
            .quoting(Some(returned.condition.clone()).filter(|text| !text.is_empty()))
            .fixed_by([fix])
    }
}

fn sets_ttl(tokens: &[Token]) -> bool {
    matches!(tokens, [Token::Word(set), Token::Word(name), Token::Sign("="), Token::Word(value), ..] if set == "set" && name == "beresp.ttl" && !value.starts_with('0'))
}

impl Site for Varnish {
    fn kind(&self) -> &'static str {
        "varnish"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    /// Varnish is told where to listen on its command line, which no file has.
    fn listens(&self, _address: &str, port: u16) -> Truth {
        match beside::arguments(&self.root) {
            Some(words) => Truth::from(words.iter().any(|word| {
                word.split(',').next().is_some_and(|place| place.ends_with(&format!(":{port}")))
            })),
            None => Truth::Unknown,
        }
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let mut machine = Machine {
            vcl: &self.vcl,
            hop: hop.clone(),
            backend: None,
            values: Default::default(),
            possible: Vec::new(),
        };
        let returned = machine.run("vcl_recv", 0);
        let mut clues: Vec<Clue> = Vec::new();
        let mut ended = false;
        let possible = std::mem::take(&mut machine.possible);
        for one in possible.iter().filter(|one| self.status(one, &mut machine) == Some(403)) {
            clues.push(self.refused(one, hop));
        }
        if let Some(one) = &returned {
            ended = matches!(one.action.as_str(), "synth" | "error" | "purge" | "fail");
            if self.status(one, &mut machine) == Some(403) {
                clues.push(self.refused(one, hop));
            }
        }
        let next: Vec<Next> = if ended { Vec::new() } else { self.backend(&machine).into_iter().collect() };
        if !ended && let Some(place) = self.keeps_refusals() {
            let said = "VCL keeps answers whatever their status, so an old 403 may still be served";
            clues.push(Clue::new("cache.stale-403", Strength::Suggestive, said).at(Some(place)).fixed_by([
                format!("varnishadm ban 'req.url == {}'", hop.target),
                "in vcl_backend_response: if (beresp.status >= 400) { set beresp.ttl = 0s; }".to_owned(),
            ]));
        }
        let server = Server {
            kind: "varnish".to_owned(),
            root: self.root.clone(),
            section: "vcl_recv".to_owned(),
            place: returned.map(|one| one.place),
            file: None,
            next: next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues, server: Some(server), next }
    }
}

impl Varnish {
    /// The status of a `synth`, after `vcl_synth` has had its say.
    fn status(&self, returned: &Returned, machine: &mut Machine<'_>) -> Option<u16> {
        let status = returned.status?;
        machine.values.insert("resp.status".to_owned(), status.to_string());
        machine.values.insert("obj.status".to_owned(), status.to_string());
        machine.run("vcl_synth", 0);
        machine.run("vcl_error", 0);
        let changed = machine
            .values
            .get("resp.status")
            .filter(|now| **now != status.to_string())
            .or(machine.values.get("obj.status"));
        changed.and_then(|now| now.parse().ok()).or(Some(status))
    }

    fn backend(&self, machine: &Machine<'_>) -> Option<Next> {
        let wanted = machine.backend.as_deref();
        let found = wanted.and_then(|name| self.vcl.backends.iter().find(|(own, ..)| own == name));
        let (_, host, port) = found.or_else(|| self.vcl.backends.first())?;
        let port: u16 = port.parse().unwrap_or(80);
        let label = format!("{host}:{port}");
        Some(Next {
            label,
            hop: machine.hop.onward(host, port),
            socket: None,
            role: Role::Origin,
            refused: Truth::Unknown,
        })
    }
}
