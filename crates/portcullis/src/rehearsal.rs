//! Policies, world and sources made ready to be asked, without anything that only a running gate needs.

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use portcullis_context::{Directory, Situator};
use portcullis_decision::{Program, World};
use portcullis_gate::{ForbidFault, Snapshot, bind};
use portcullis_policy::Policies;
use portcullis_record::Remembered;
use portcullis_record::why::Beside;
use portcullis_rehearse::{Explainer, Rulebook, Setting};

use crate::load::Parts;

/// What a running gate's snapshot knows beside a record.
pub(crate) fn beside(snapshot: &Snapshot, log: &Path, remembered: &Remembered) -> Beside {
    let explainer = Explainer {
        rulebook: Rulebook::of(snapshot),
        version: &snapshot.version,
        situator: &snapshot.situator,
        log,
    };
    explainer.beside(remembered, SystemTime::now())
}

/// Policies and world made of parts that are still needed.
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) world: World,
}

impl Compiled {
    /// Compiles what was loaded.
    ///
    /// # Errors
    /// In words, what keeps the policies from becoming a program.
    pub(crate) fn of(parts: &Parts) -> Result<Self, String> {
        let entities = bind::entities::entities(&parts.directory, &parts.apps, &parts.policies.schema)
            .map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let program = Program::compile_with_schema(&parts.policies.set, &parts.policies.schema)
            .map_err(|fault| fault.to_string())?;
        let world = World::new(&program, &entities);
        Ok(Self { program, world })
    }

    /// What policy tests and questions without a request are put to.
    pub(crate) fn setting<'a>(&'a self, parts: &'a Parts) -> Setting<'a> {
        Setting {
            rulebook: Rulebook {
                program: &self.program,
                world: &self.world,
                policies: &parts.policies,
                directory: &parts.directory,
                on_forbid_fault: parts.config.policies.on_forbid_fault,
            },
            apps: &parts.apps,
            zones: &parts.zones,
            time_zone: &parts.config.time_zone,
        }
    }
}

/// What questions are put to by commands.
pub(crate) struct Rehearsal {
    pub(crate) program: Program,
    pub(crate) world: World,
    pub(crate) policies: Policies,
    pub(crate) directory: Arc<Directory>,
    pub(crate) situator: Situator,
    pub(crate) version: String,
    on_forbid_fault: ForbidFault,
}

impl Rehearsal {
    /// Compiles what was loaded.
    ///
    /// # Errors
    /// In words, what keeps the policies from becoming a program.
    pub(crate) fn of(parts: Parts) -> Result<Self, String> {
        let Compiled { program, world } = Compiled::of(&parts)?;
        let directory = Arc::new(parts.directory);
        let situator = Situator::new(parts.geo, parts.zones, Arc::clone(&directory), parts.config.time_zone);
        Ok(Self {
            program,
            world,
            policies: parts.policies,
            directory,
            situator,
            version: parts.texts.version(),
            on_forbid_fault: parts.config.policies.on_forbid_fault,
        })
    }

    pub(crate) fn rulebook(&self) -> Rulebook<'_> {
        Rulebook {
            program: &self.program,
            world: &self.world,
            policies: &self.policies,
            directory: &self.directory,
            on_forbid_fault: self.on_forbid_fault,
        }
    }

    /// Explains what is in this log.
    pub(crate) fn explainer<'a>(&'a self, log: &'a Path) -> Explainer<'a> {
        Explainer { rulebook: self.rulebook(), version: &self.version, situator: &self.situator, log }
    }
}
