//! The policies of another time: what is kept of a snapshot beside the log, and what is made of it again.
//!
//! Kept are the policies one by one, guards as the Cedar they became, the schema with its extension, and what an erring
//! forbid meant. Not kept is whatever a record says itself (the principal, the facts), or may not be kept: the directory,
//! credentials, the configuration's text.

use std::path::Path;

use cedar_policy::{Entity, EntityId, EntityTypeName, EntityUid};
use portcullis_decision::{Change, Program, World};
use portcullis_gate::ForbidFault;
use portcullis_policy::schema::SHIPPED;
use portcullis_policy::{KeptPolicy, Origin, Policies, SourceText};
use portcullis_record::{Entry, Texts, TextsFault};
use serde::{Deserialize, Serialize};

use crate::Rulebook;

/// What decided at another time, ready to decide again.
pub struct Past {
    policies: Policies,
    program: Program,
    on_forbid_fault: ForbidFault,
}

/// Why it cannot decide again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PastFault {
    /// Nothing usable is kept.
    #[error(transparent)]
    Texts(#[from] TextsFault),
    /// It was kept by another version of Portcullis.
    #[error("what is kept of the policies of then is in a form that this version does not read: {0}")]
    Form(String),
    /// It does not fit what ships with this version.
    #[error("the policies of then no longer load: {0}")]
    Load(String),
}

/// What is kept, as it is written.
#[derive(Serialize, Deserialize)]
struct Written {
    form: u32,
    erring_forbid_refuses: bool,
    shipped_schema: String,
    schema: Option<WrittenSchema>,
    policies: Vec<WrittenPolicy>,
}

#[derive(Serialize, Deserialize)]
struct WrittenSchema {
    name: String,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct WrittenPolicy {
    id: String,
    text: String,
    file: String,
    line: usize,
    #[serde(flatten)]
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Column(usize),
    Guard { scope: String, key: String },
}

/// What is kept of policies, as bytes: the same for the same policies. No secret is among them.
///
/// # Errors
/// In words, what cannot be written down.
pub fn keep(
    policies: &Policies,
    schema_extension: Option<&SourceText>,
    on_forbid_fault: ForbidFault,
) -> Result<Vec<u8>, String> {
    let written = Written {
        form: FORM,
        erring_forbid_refuses: on_forbid_fault == ForbidFault::Refuse,
        shipped_schema: SHIPPED.to_owned(),
        schema: schema_extension
            .map(|schema| WrittenSchema { name: schema.name.clone(), text: schema.text.clone() }),
        policies: policies.kept().into_iter().map(WrittenPolicy::from).collect(),
    };
    serde_json::to_vec(&written).map_err(|fault| fault.to_string())
}

impl Past {
    /// The policies that decided what a log's record tells of.
    ///
    /// # Errors
    /// [`PastFault`] where they are not kept, or are no longer understood.
    pub fn of_record(log: &Path, entry: &Entry) -> Result<Self, PastFault> {
        Self::of(&Texts::read(log, &entry.snapshot)?)
    }

    /// Makes what is kept ready to decide. Compiles policies: it takes as long as a start does.
    ///
    /// # Errors
    /// [`PastFault`] where it cannot be had, or is no longer understood.
    pub fn of(texts: &Texts) -> Result<Self, PastFault> {
        let form: Form =
            serde_json::from_slice(&texts.content).map_err(|fault| PastFault::Form(fault.to_string()))?;
        if form.form != FORM {
            return Err(PastFault::Form(format!("form {} and not {FORM}", form.form)));
        }
        let written: Written =
            serde_json::from_slice(&texts.content).map_err(|fault| PastFault::Form(fault.to_string()))?;
        let schema = written.schema.map(|schema| SourceText { name: schema.name, text: schema.text });
        let kept = written.policies.into_iter().map(KeptPolicy::from).collect();
        let loaded = Policies::again(kept, &written.shipped_schema, schema.as_ref());
        let Some(mut policies) = loaded.policies else {
            let first = loaded.findings.first().map(ToString::to_string);
            return Err(PastFault::Load(first.unwrap_or_default()));
        };
        let set = std::mem::take(&mut policies.set);
        let program = Program::compile_with_schema(&set, &policies.schema)
            .map_err(|fault| PastFault::Load(fault.to_string()))?;
        let refuses = written.erring_forbid_refuses;
        let on_forbid_fault = if refuses { ForbidFault::Refuse } else { ForbidFault::Unavailable };
        Ok(Self { policies, program, on_forbid_fault })
    }

    /// The policies, with their reasons and places.
    #[must_use]
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// They, in a world of today.
    pub(crate) fn rulebook<'a>(&'a self, today: Rulebook<'a>) -> Rulebook<'a> {
        Rulebook {
            program: &self.program,
            policies: &self.policies,
            on_forbid_fault: self.on_forbid_fault,
            ..today
        }
    }
}

/// A world that has the route of a record, whether or not it is configured still.
pub(crate) fn with_route_of(entry: &Entry, world: &World) -> World {
    let route = entry.facts.get("resource").and_then(serde_json::Value::as_str);
    let route = route.and_then(|route| route.parse::<EntityUid>().ok());
    let app = entry.app.as_deref().zip("App".parse::<EntityTypeName>().ok());
    let (Some(route), Some((app, kind))) = (route, app) else { return world.clone() };
    let app = EntityUid::from_type_name_and_id(kind, EntityId::new(app));
    let route = Entity::new_no_attrs(route, [app.clone()].into());
    let added = [Entity::new_no_attrs(app, [].into()), route].map(|entity| Change::Upsert(Box::new(entity)));
    world.with(added).unwrap_or_else(|_| world.clone())
}

/// Read before the rest, which another form may have otherwise.
#[derive(Deserialize)]
struct Form {
    form: u32,
}

impl From<KeptPolicy> for WrittenPolicy {
    fn from(kept: KeptPolicy) -> Self {
        let KeptPolicy { id, text, origin } = kept;
        let (file, line, kind) = match origin {
            Origin::Written { file, line, column } => (file, line, Kind::Column(column)),
            Origin::Guard { scope, key, file, line } => (file, line, Kind::Guard { scope, key }),
        };
        Self { id, text, file, line, kind }
    }
}

impl From<WrittenPolicy> for KeptPolicy {
    fn from(written: WrittenPolicy) -> Self {
        let WrittenPolicy { id, text, file, line, kind } = written;
        let origin = match kind {
            Kind::Column(column) => Origin::Written { file, line, column },
            Kind::Guard { scope, key } => Origin::Guard { scope, key, file, line },
        };
        Self { id, text, origin }
    }
}

/// The form in which it is kept.
const FORM: u32 = 1;
