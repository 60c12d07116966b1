//! Policies that are asked and never obeyed. Whatever is wrong with them is a warning: a rehearsal must not keep a gate from
//! starting.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};
use miette::{Diagnostic, LabeledSpan, Report, Severity, SourceCode};
use portcullis_gate::{ForbidFault, Sample};
use portcullis_policy::{Policies, SourceText};

use super::{Reader, Unread};
use crate::config::{Config, Named};
use crate::report;

/// Checked policies that are only asked.
pub(crate) struct Shadow {
    pub(crate) policies: Policies,
    /// SHA-256 over every byte of theirs and the share they are asked about, in hexadecimal.
    pub(crate) version: String,
    pub(crate) sample: Sample,
    pub(crate) on_forbid_fault: ForbidFault,
}

impl Reader<'_> {
    /// Reads the shadow policies, if any are wanted.
    pub(super) fn shadow(
        &mut self,
        config: &Config,
        named: &Named,
        schema: &Result<Option<SourceText>, Unread>,
        written: &SourceText,
    ) -> Option<Result<Shadow, String>> {
        let files = config.policies.shadow.as_ref()?;
        let before = std::mem::take(&mut self.findings);
        self.digest = Context::new(&SHA256);
        self.digest.update(&files.share.to_le_bytes());
        let policies = self.policies_in(Some(&files.folder), schema, named, written);
        if let Ok(Some(schema)) = schema {
            self.digest(schema);
        }
        let version = self.digested().iter().map(|byte| format!("{byte:02x}")).collect();
        let found = std::mem::replace(&mut self.findings, before);
        // What is to be said of guards and schema is said of the policies in force already.
        let errors = found.into_iter().filter(report::is_error);
        let warnings: Vec<Report> = errors.map(|finding| Report::new(OfShadow(finding))).collect();
        let fault = report::plain(&warnings);
        self.findings.extend(warnings);
        Some(match policies {
            Some(policies) => Ok(Shadow {
                policies,
                version,
                sample: Sample::new(files.share),
                on_forbid_fault: config.policies.on_forbid_fault,
            }),
            None => Err(fault),
        })
    }
}

/// A finding in shadow policies: what would be an error elsewhere is a warning here.
struct OfShadow(Report);

impl fmt::Display for OfShadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in the shadow policies, which are therefore not asked: {}", self.0)
    }
}

impl fmt::Debug for OfShadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl std::error::Error for OfShadow {}

impl Diagnostic for OfShadow {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.code()
    }

    fn severity(&self) -> Option<Severity> {
        Some(Severity::Warning)
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source_code()
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.0.labels()
    }
}
