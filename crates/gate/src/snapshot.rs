//! What one request sees from start to end: configuration, policies, directory, keys and geo data of one moment.

use std::sync::Arc;

use portcullis_context::{Directory, Situator};
use portcullis_decision::program::Reads;
use portcullis_decision::{Program, World};
use portcullis_identity::{Identifier, Voucher};
use portcullis_policy::Policies;
use portcullis_record::Redaction;
use portcullis_request::TrustedPeers;
use portcullis_response::Renderer;

use crate::bind::facts::Read;
use crate::{Apps, ShadowSet};

/// What an allowing verdict means when some `forbid` could not be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForbidFault {
    /// 503: nobody can say whether it would have refused. The default, because a 403 is always a decision.
    #[default]
    Unavailable,
    /// 403, where an operator prefers to call it a refusal.
    Refuse,
}

/// Which facts a record keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordedFacts {
    /// Those that the policies name: no other could have changed the decision. The default, since what is not written
    /// down cannot be read by the wrong people.
    #[default]
    Read,
    /// All of them, so that recorded traffic can be decided by policies that nobody has written yet.
    All,
}

/// One immutable state of everything that decides. Swapped whole.
pub struct Snapshot {
    /// Hash of configuration, policies, schema, directory and geo data; written into every record.
    pub version: String,
    /// Peers whose forwarded fields count.
    pub trusted: TrustedPeers,
    /// Apps and routes.
    pub apps: Apps,
    /// Policies with their public reasons and origins.
    pub policies: Policies,
    /// The policies, ready to decide.
    pub program: Program,
    /// The directory as entities.
    pub world: World,
    /// Users, groups and devices.
    pub directory: Arc<Directory>,
    /// Says who asks.
    pub identifier: Arc<Identifier>,
    /// Gives origins a signed word on who the caller is; `None`: no such word is given.
    pub vouching: Option<Arc<Voucher>>,
    /// Says where, on what, when.
    pub situator: Situator,
    /// Says no.
    pub renderer: Renderer,
    /// Keeps secrets out of records.
    pub redaction: Redaction,
    /// Which facts a record keeps.
    pub recorded_facts: RecordedFacts,
    /// What an erring forbid means.
    pub on_forbid_fault: ForbidFault,
    /// A second set of policies that is asked and never obeyed, if there is one.
    pub shadow: Option<Arc<ShadowSet>>,
    /// Why the one that is wanted is not there.
    pub shadow_fault: Option<String>,
}

impl Snapshot {
    /// The facts that are bound and recorded: those that the policies name, or all where records are to have all.
    #[must_use]
    pub fn named_facts(&self) -> Option<&Reads> {
        match self.recorded_facts {
            RecordedFacts::Read => Some(self.program.reads()),
            RecordedFacts::All => None,
        }
    }

    /// What to bind of a request.
    pub(crate) fn read(&self) -> Read<'_> {
        Read { facts: self.named_facts(), headers: &self.policies.headers }
    }
}
