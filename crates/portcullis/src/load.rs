//! Everything that `run` needs, read and checked in one go: configuration, directory, policies, geo databases, key files,
//! templates. `check` prints what this finds; `run`, `demo` and a reload go on with what it yields.
//!
//! INVARIANT: [`Parts`] exist only where no finding is an error. Nothing here opens a socket or writes a file.

mod apps;
mod files;
mod payload;
mod shadow;
mod tls;
mod together;
mod trial;

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use miette::{MietteDiagnostic, NamedSource, Report};
use portcullis_context::{Describes, Directory, GeoDatabase, GeoSources, Zones};
use portcullis_gate::{Apps, bind};
use portcullis_identity::KeySource;
use portcullis_policy::{Policies, SourceText};
use portcullis_proxy::serve::tls::CertificateSet;
use portcullis_record::Texts;
use portcullis_rehearse::past;
use portcullis_response::Renderer;

use crate::config::{self, Config, Named, Source, with_hint};
use crate::report;
use files::Files;
pub(crate) use shadow::Shadow;

/// What became of a configuration and all that it names.
pub(crate) struct LoadedAll {
    /// Everything, if nothing stands in its way.
    pub(crate) parts: Option<Parts>,
    /// Errors and warnings, in the order in which things are read.
    pub(crate) findings: Vec<Report>,
    /// Where the decision log is, even if something else is wrong.
    pub(crate) log_folder: Option<PathBuf>,
    /// Where the state file is, even if something else is wrong.
    pub(crate) state_file: Option<PathBuf>,
}

/// Checked parts, ready to be assembled into a snapshot.
pub(crate) struct Parts {
    pub(crate) config: Config,
    pub(crate) apps: Apps,
    pub(crate) policies: Policies,
    pub(crate) directory: Directory,
    pub(crate) geo: GeoSources,
    pub(crate) zones: Zones,
    pub(crate) renderer: Renderer,
    /// What the TLS listener shows; `None` where there is none.
    pub(crate) certificates: Option<CertificateSet>,
    /// The policy tests beside the policies: name and text of each file.
    pub(crate) tests: Vec<(String, String)>,
    /// What is kept of the policies as long as a record may name them. Its version is that of the snapshot: a hash over
    /// every byte that decides.
    pub(crate) texts: Texts,
    /// Policies that are asked and never obeyed, or why there are none although some are wanted.
    pub(crate) shadow: Option<Result<Shadow, String>>,
}

impl Parts {
    /// Where a policy is written: `policies/shop.cedar:12`.
    pub(crate) fn written_at(&self, policy: &str) -> Option<String> {
        portcullis_rehearse::why::written_at(&self.policies, policy)
    }
}

/// Reads and checks everything, and runs the policy tests where the configuration wants them run.
pub(crate) fn load_all(path: &Path) -> LoadedAll {
    let mut loaded = load_untested(path);
    if let Some(parts) = &loaded.parts
        && let Some(severity) = parts.config.policies.tests
    {
        loaded.findings.extend(trial::findings(parts, severity));
    }
    loaded.parts = loaded.parts.filter(|_| !loaded.findings.iter().any(report::is_error));
    loaded
}

/// Reads and checks everything but what the policy tests come to. What a broken configuration still names is read all
/// the same, so that everything wrong is told at once.
pub(crate) fn load_untested(path: &Path) -> LoadedAll {
    load_with(path, None)
}

/// The same with the policies of another folder in the place of those that the configuration names.
pub(crate) fn load_with(path: &Path, policies: Option<&Path>) -> LoadedAll {
    let mut loaded = config::load(path);
    if let (Some(folder), Some(named)) = (policies, &mut loaded.named) {
        named.policies = Some(folder.to_owned());
        if let Some(config) = &mut loaded.config {
            config.policies.folder = Some(folder.to_owned());
        }
    }
    let mut reader = Reader {
        source: loaded.source,
        base: path.parent().unwrap_or(Path::new("")),
        findings: loaded.findings.into_iter().map(Report::new).collect(),
        digest: Context::new(&SHA256),
    };
    let Some(named) = loaded.named else {
        return LoadedAll { parts: None, findings: reader.findings, log_folder: None, state_file: None };
    };
    let written = SourceText { name: reader.source.name().to_owned(), text: loaded.text };
    reader.digest(&written);
    let directory = reader.directory(&named);
    let schema = reader.schema(&named);
    let policies = reader.policies(&named, &schema, &written);
    let tests = reader.tests(&named);
    let geo = reader.geo(&named);
    together::issuers(&mut reader.source, &named);
    reader.key_files(&named);
    together::missing_databases(&mut reader.source, &named);
    if let Some(policies) = &policies {
        together::unread_texts(&mut reader.source, &named, policies);
    }
    let renderer = reader.renderer(&named);
    if let (None, Some(directory), Some(policies)) = (&loaded.config, &directory, &policies) {
        reader.entities(directory, &Apps::default(), policies);
    }
    let parts = loaded.config.and_then(|config| {
        let zones = Zones::new(config.zones.clone())
            .map_err(|fault| reader.bare("portcullis::config::zones", &fault))
            .ok()?;
        let apps = Apps::new(reader.apps(&config)?);
        let (directory, policies) = (directory?, policies?);
        reader.entities(&directory, &apps, &policies);
        together::read_headers(&mut reader.source, &config, &policies);
        let certificates = reader.served_certificates(&config)?;
        let databases = geo?;
        together::stale_databases(&mut reader.source, &databases, config.geo.max_age);
        let databases = databases.into_iter().map(|(_, database)| database).collect();
        let geo = geo_sources(databases, config.geo.max_age);
        let fault = config.policies.on_forbid_fault;
        let content = past::keep(&policies, schema.as_ref().ok()?.as_ref(), fault);
        let content = content.map_err(|fault| reader.bare("portcullis::policy::keep", &fault)).ok()?;
        let texts = Texts { content, rest: reader.digested() };
        let renderer = renderer?;
        let shadow = reader.shadow(&config, &named, &schema, &written);
        Some(Parts {
            config,
            apps,
            policies,
            directory,
            geo,
            zones,
            renderer,
            certificates,
            tests: tests?,
            texts,
            shadow,
        })
    });
    reader.findings.extend(reader.source.take_findings().into_iter().map(Report::new));
    LoadedAll {
        parts: parts.filter(|_| !reader.findings.iter().any(report::is_error)),
        findings: reader.findings,
        log_folder: Some(config::log_folder(&named.data)),
        state_file: Some(config::state_file(&named.data)),
    }
}

/// The databases as sources. What none of them describes is unavailable rather than absent: a rule about countries must
/// not come out as "in no country" because nobody configured a database.
fn geo_sources(databases: Vec<GeoDatabase>, max_age: std::time::Duration) -> GeoSources {
    let sources = GeoSources::new(databases, Some(max_age));
    let described = sources.describes();
    let missing = Describes { country: !described.country, region: !described.region, asn: !described.asn };
    sources.with_unavailable(missing, "no geo database that describes it is configured")
}

/// A file that could not be read; a finding says why.
struct Unread;

/// Reads one thing after the other, remembers what is wrong and digests what is read.
struct Reader<'a> {
    /// The configuration's text, for findings about what it names.
    source: Source,
    base: &'a Path,
    findings: Vec<Report>,
    digest: Context,
}

impl Reader<'_> {
    /// Key files are read where they are used, and a fault in one is found by [`together::issuers`]. They count here all the
    /// same: a key that was taken out of one must not stay in force because nothing else changed.
    fn key_files(&mut self, named: &Named) {
        for (_, issuer) in &named.issuers {
            if let KeySource::File(file) = &issuer.keys
                && let Ok(bytes) = files::bytes(file)
            {
                self.digest.update(&bytes.len().to_le_bytes());
                self.digest.update(&bytes);
            }
        }
    }

    fn directory(&mut self, named: &Named) -> Option<Directory> {
        let Some(folder) = &named.directory else { return Some(Directory::default()) };
        let files = self.folder(folder, "toml")?;
        let texts: Vec<_> = files.into_iter().map(|file| (file.name, file.text)).collect();
        Directory::load(&texts).map_err(|findings| self.findings.extend(findings)).ok()
    }

    /// The schema's extension, if there is one; `Err`: there should be one.
    fn schema(&mut self, named: &Named) -> Result<Option<SourceText>, Unread> {
        named.schema.as_ref().map(|file| self.text(file).ok_or(Unread)).transpose()
    }

    fn policies(
        &mut self,
        named: &Named,
        schema: &Result<Option<SourceText>, Unread>,
        written: &SourceText,
    ) -> Option<Policies> {
        self.policies_in(named.policies.as_deref(), schema, named, written)
    }

    /// The policies of a folder, beside the guards.
    fn policies_in(
        &mut self,
        folder: Option<&Path>,
        schema: &Result<Option<SourceText>, Unread>,
        named: &Named,
        written: &SourceText,
    ) -> Option<Policies> {
        let texts = match folder {
            Some(folder) => self.folder(folder, "cedar")?,
            None => Vec::new(),
        };
        let schema = schema.as_ref().ok()?.as_ref();
        let loaded = Policies::load_with(&texts, schema, &named.guards, std::slice::from_ref(written));
        self.findings.extend(loaded.findings);
        loaded.policies
    }

    /// They do not count in the version: they decide nothing.
    fn tests(&mut self, named: &Named) -> Option<Vec<(String, String)>> {
        let Some(folder) = &named.policies else { return Some(Vec::new()) };
        // A folder that cannot be read was named with the policies.
        let files = Files::below(folder, "toml").unwrap_or_default();
        let is_test = |path: &PathBuf| path.to_string_lossy().ends_with(trial::ENDING);
        let digest = self.digest.clone();
        let texts: Vec<_> = files.into_iter().filter(is_test).map(|path| self.text(&path)).collect();
        self.digest = digest;
        texts.into_iter().map(|text| text.map(|text| (text.name, text.text))).collect()
    }

    /// The directory's attributes must be what the schema says they are.
    fn entities(&mut self, directory: &Directory, apps: &Apps, policies: &Policies) {
        if let Err(faults) = bind::entities::entities(directory, apps, &policies.schema) {
            self.findings.extend(faults);
        }
    }

    fn geo(&mut self, named: &Named) -> Option<Vec<(String, GeoDatabase)>> {
        let databases: Vec<_> = named.databases.iter().map(|(at, path)| self.database(at, path)).collect();
        databases.into_iter().collect()
    }

    fn database(&mut self, at: &str, path: &Path) -> Option<(String, GeoDatabase)> {
        let bytes = files::bytes(path).map_err(|fault| self.file_fault(path, &fault)).ok()?;
        self.digest.update(&bytes);
        match GeoDatabase::from_bytes(&files::shown(self.base, path), bytes) {
            Ok(database) => Some((at.to_owned(), database)),
            Err(fault) => {
                let (message, hint) = with_hint(&fault);
                self.source.error(at, "portcullis::geo::unusable", message, hint);
                None
            }
        }
    }

    fn renderer(&mut self, named: &Named) -> Option<Renderer> {
        let Some(folder) = &named.templates else { return Some(Renderer::embedded()) };
        let files = self.folder(folder, "")?;
        let own = |file: &SourceText| {
            Path::new(&file.name).file_name().map(|name| name.to_string_lossy().into_owned())
        };
        let files = files.into_iter().filter_map(|file| Some((own(&file)?, file.text))).collect();
        let faults = match Renderer::with_folder(files) {
            Ok(renderer) => return Some(renderer),
            Err(faults) => faults,
        };
        for fault in faults {
            let diagnostic = MietteDiagnostic::new(fault.to_string());
            let diagnostic = diagnostic.with_code("portcullis::answers::template").with_help(fault.hint);
            self.findings.push(Report::new(diagnostic));
        }
        None
    }

    fn folder(&mut self, folder: &Path, extension: &str) -> Option<Vec<SourceText>> {
        match Files::below(folder, extension) {
            Ok(files) => {
                let texts: Vec<_> = files.into_iter().map(|path| self.text(&path)).collect();
                texts.into_iter().collect()
            }
            Err(fault) => {
                self.file_fault(folder, &fault);
                None
            }
        }
    }

    fn text(&mut self, path: &Path) -> Option<SourceText> {
        let name = files::shown(self.base, path);
        let bytes = files::bytes(path).map_err(|fault| self.file_fault(path, &fault)).ok()?;
        match String::from_utf8(bytes) {
            Ok(text) => {
                let text = SourceText { name, text };
                self.digest(&text);
                Some(text)
            }
            Err(fault) => {
                let at = fault.utf8_error().valid_up_to();
                let lossy = String::from_utf8_lossy(fault.as_bytes()).into_owned();
                let diagnostic = MietteDiagnostic::new(format!("`{name}` is not UTF-8 text"))
                    .with_code("portcullis::file::encoding")
                    .with_label(miette::LabeledSpan::at_offset(at, "the first byte that is not"));
                self.findings.push(Report::new(diagnostic).with_source_code(NamedSource::new(name, lossy)));
                None
            }
        }
    }

    fn digest(&mut self, text: &SourceText) {
        // Lengths keep one file's end from being taken for the next one's beginning.
        for part in [&text.name, &text.text] {
            self.digest.update(&part.len().to_le_bytes());
            self.digest.update(part.as_bytes());
        }
    }

    /// SHA-256 over what was read since the last time.
    fn digested(&mut self) -> [u8; 32] {
        let digest = std::mem::replace(&mut self.digest, Context::new(&SHA256)).finish();
        digest.as_ref().try_into().unwrap_or_default()
    }

    fn file_fault(&mut self, path: &Path, fault: &std::io::Error) {
        let diagnostic = MietteDiagnostic::new(format!("cannot read `{}`: {fault}", path.display()))
            .with_code("portcullis::file::unreadable")
            .with_help("check that it exists and that we may read it");
        self.findings.push(Report::new(diagnostic));
    }

    fn bare(&mut self, code: &'static str, fault: &dyn std::fmt::Display) {
        let (message, hint) = with_hint(fault);
        let diagnostic = MietteDiagnostic::new(message).with_code(code);
        let diagnostic = if hint.is_empty() { diagnostic } else { diagnostic.with_help(hint) };
        self.findings.push(Report::new(diagnostic));
    }
}

#[cfg(test)]
mod tests;
