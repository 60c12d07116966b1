//! The configuration as it is meant: typed, resolved against the file's folder, and possible. Reading a value and
//! saying what is wrong with it stand together, section by section; files are looked for here and read by `load`.
//!
//! INVARIANT: a [`Config`] exists only where nothing stands in its way.

mod app;
mod branding;
mod doors;
mod duplicates;
mod issuer;
mod limit;
mod log;
mod payload;
mod require;
mod server;
mod upstream;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use portcullis_context::TimeZone;
use portcullis_gate::{ForbidFault, RecordedFacts};
use portcullis_identity::{IssuerSettings, KeySource};
use portcullis_policy::Guard;
use portcullis_record::{LogSettings, Redaction};

pub(crate) use app::{App, Route};
pub(crate) use doors::{ForwardAuthConfig, TelemetryConfig, UpstreamIdentityConfig};
pub(crate) use payload::Payload;
pub(crate) use server::{AdminConfig, Server};
pub(crate) use upstream::{Upstream, UpstreamTls, upstream};

use super::finding::quoted;
use super::raw::{RawApp, RawConfig, RawFacts, RawOnForbidError, RawTests};
use super::source::{Source, below, element};

/// Networks by zone name.
pub(crate) type Zones = BTreeMap<String, Vec<IpNet>>;

/// A whole, checked configuration.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The file itself.
    pub(crate) path: PathBuf,
    /// The listener that callers reach.
    pub(crate) server: Server,
    /// The listener for operators, if one is wanted.
    pub(crate) admin: Option<AdminConfig>,
    /// The door for proxies that ask before they forward, if one is wanted.
    pub(crate) forward_auth: Option<ForwardAuthConfig>,
    /// The signed word on who the caller is, if upstreams get one.
    pub(crate) upstream_identity: Option<UpstreamIdentityConfig>,
    /// Traces, if any are sent.
    pub(crate) telemetry: Option<TelemetryConfig>,
    /// Where policies are.
    pub(crate) policies: PolicyFiles,
    /// Folder of the directory files, if there is one.
    pub(crate) directory: Option<PathBuf>,
    /// Geo databases.
    pub(crate) geo: Geo,
    /// Named networks.
    pub(crate) zones: Zones,
    /// The clock that rules read.
    pub(crate) time_zone: TimeZone,
    /// Token issuers, in the order of the file.
    pub(crate) issuers: Vec<IssuerSettings>,
    /// How API keys are accepted, if they are.
    pub(crate) api_keys: Option<ApiKeysConfig>,
    /// The decision log.
    pub(crate) log: LogSettings,
    /// What is never written in clear.
    pub(crate) redaction: Redaction,
    /// Which facts records keep.
    pub(crate) recorded_facts: RecordedFacts,
    /// Folder of page templates.
    pub(crate) templates: Option<PathBuf>,
    /// Protected applications, in the order of the file.
    pub(crate) apps: Vec<App>,
}

/// Where policies are.
#[derive(Debug, Clone)]
pub(crate) struct PolicyFiles {
    /// Folder of `*.cedar` files; `None` where none is named and none is there.
    pub(crate) folder: Option<PathBuf>,
    /// The schema extension.
    pub(crate) schema: Option<PathBuf>,
    /// What a forbid that cannot be evaluated means.
    pub(crate) on_forbid_fault: ForbidFault,
    /// What policy tests that fail mean; `None`: they are not run.
    pub(crate) tests: Option<miette::Severity>,
    /// Policies that are asked and never obeyed.
    pub(crate) shadow: Option<ShadowFiles>,
}

/// Policies that are asked and never obeyed.
#[derive(Debug, Clone)]
pub(crate) struct ShadowFiles {
    /// Folder of `*.cedar` files.
    pub(crate) folder: PathBuf,
    /// The share of requests that they are asked about.
    pub(crate) share: f64,
}

/// Geo databases, in the order in which they are asked.
#[derive(Debug, Clone)]
pub(crate) struct Geo {
    /// Each file with its place in the configuration.
    pub(crate) databases: Vec<(String, PathBuf)>,
    /// Beyond this age a database is not believed.
    pub(crate) max_age: Duration,
}

/// How API keys are accepted.
#[derive(Debug, Clone)]
pub(crate) struct ApiKeysConfig {
    /// The request header that carries them.
    pub(crate) header: http::HeaderName,
}

/// What a configuration names, even if something in it stands in the way: the files can be checked all the same.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Folder of the decision log and the state file.
    pub(crate) data: PathBuf,
    /// Folder of policies.
    pub(crate) policies: Option<PathBuf>,
    /// The schema extension.
    pub(crate) schema: Option<PathBuf>,
    /// Folder of directory files.
    pub(crate) directory: Option<PathBuf>,
    /// Geo databases, each with its place in the configuration.
    pub(crate) databases: Vec<(String, PathBuf)>,
    /// Issuers that could be read, each with its place.
    pub(crate) issuers: Vec<(String, IssuerSettings)>,
    /// Folder of page templates.
    pub(crate) templates: Option<PathBuf>,
    /// What apps and routes require, ready to become Cedar; one for each app and each route.
    pub(crate) guards: Vec<Guard>,
    /// The texts of apps: the place of each and its key.
    pub(crate) texts: Vec<(String, String)>,
}

impl Config {
    /// The state file: API keys.
    pub(crate) fn state_file(&self) -> PathBuf {
        state_file(&self.server.data)
    }

    /// Where differences that shadow policies make are written.
    pub(crate) fn shadow_folder(&self) -> PathBuf {
        shadow_folder(&self.server.data)
    }

    /// The bounds of the door.
    pub(crate) fn limits(&self) -> portcullis_proxy::Limits {
        self.server.limits.clone()
    }

    /// Every file and folder that decisions depend on, the configuration itself included.
    pub(crate) fn watched(&self) -> Vec<PathBuf> {
        let keys = self.issuers.iter().filter_map(|issuer| match &issuer.keys {
            KeySource::File(file) => Some(file),
            KeySource::Url(_) => None,
        });
        let databases = self.geo.databases.iter().map(|(_, file)| file);
        let tls = self.server.tls.iter().flat_map(|tls| &tls.certificates);
        let certificates = tls.flat_map(|(_, chain, key)| [chain, key]);
        let upstreams = self.apps.iter().filter_map(|app| app.upstream.tls.as_ref());
        let upstreams = upstreams
            .flat_map(|tls| tls.ca.iter().chain(tls.client.iter().flat_map(|(chain, key)| [chain, key])));
        let routes = self.apps.iter().flat_map(|app| &app.routes);
        let payloads = routes.filter_map(|route| route.payload.as_ref()?.json.as_ref()?.schema.as_ref());
        let shadow = self.policies.shadow.as_ref().map(|shadow| &shadow.folder);
        [Some(&self.path), self.policies.folder.as_ref(), self.policies.schema.as_ref(), shadow]
            .into_iter()
            .chain([self.directory.as_ref(), self.templates.as_ref()])
            .flatten()
            .chain(databases)
            .chain(keys)
            .chain(certificates)
            .chain(upstreams)
            .chain(payloads)
            .cloned()
            .collect()
    }
}

/// The state file in a data folder.
pub(crate) fn state_file(data: &Path) -> PathBuf {
    data.join("state.sqlite")
}

/// The decision log's folder in a data folder.
pub(crate) fn log_folder(data: &Path) -> PathBuf {
    data.join("log")
}

/// Where differences that shadow policies make are written, in a data folder.
pub(crate) fn shadow_folder(data: &Path) -> PathBuf {
    data.join("shadow")
}

/// Reads what is written in the file at `path` as what it means. Findings go to the source; the configuration is `None`
/// if any is an error.
pub(crate) fn check(raw: &RawConfig, path: &Path, source: &mut Source) -> (Option<Config>, Named) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut checker = Checker { source, folder };
    let data = checker.resolve(&raw.server.data);
    let server = checker.server(&raw.server);
    let admin = raw.admin.as_ref().map(|admin| checker.admin(admin));
    let forward_auth = raw.forward_auth.as_ref().map(|door| checker.forward_auth(door));
    checker.listeners(
        server.as_ref(),
        admin.as_ref().and_then(Option::as_ref),
        forward_auth.as_ref().and_then(Option::as_ref),
    );
    let upstream_identity = checker.upstream_identity(&raw.upstream_identity);
    let telemetry = raw.telemetry.as_ref().map(|telemetry| checker.telemetry(telemetry));
    let policies = checker.policies(raw);
    let directory = raw
        .directory
        .as_ref()
        .and_then(|directory| checker.existing_folder("directory.folder", &directory.folder));
    let (databases, max_age) = checker.geo(raw);
    let zones = checker.zones(&raw.network.zones);
    let time_zone = checker.time_zone(&raw.time.zone);
    let issuers = checker.issuers(&raw.issuer);
    let api_keys = checker.api_keys(raw);
    let log = checker.log(&raw.log, &log_folder(&data));
    let redaction = checker.redaction(&raw.log);
    let templates = raw.answers.templates.as_ref();
    let templates = templates.and_then(|folder| checker.existing_folder("answers.templates", folder));
    let (apps, guards) = checker.apps(&raw.app, &zones);
    checker.redirects(&raw.app, server.as_ref());
    let sound = !checker.source.has_errors();
    let named = Named {
        data,
        databases: databases.clone(),
        issuers: issuers.clone(),
        guards,
        texts: texts(&raw.app),
        ..named(&policies, directory.as_ref(), templates.as_ref())
    };
    let config = || {
        Some(Config {
            path: path.to_owned(),
            server: server?,
            admin: match admin {
                Some(admin) => Some(admin?),
                None => None,
            },
            forward_auth: match forward_auth {
                Some(door) => Some(door?),
                None => None,
            },
            upstream_identity: upstream_identity?,
            telemetry: match telemetry {
                Some(telemetry) => Some(telemetry?),
                None => None,
            },
            policies,
            directory,
            geo: Geo { databases, max_age: max_age? },
            zones,
            time_zone: time_zone?,
            issuers: issuers.into_iter().map(|(_, issuer)| issuer).collect(),
            api_keys: api_keys?,
            log: log?,
            redaction: redaction?,
            recorded_facts: match raw.log.facts {
                RawFacts::Read => RecordedFacts::Read,
                RawFacts::All => RecordedFacts::All,
            },
            templates,
            apps,
        })
    };
    let config = if sound { config() } else { None };
    (config, named)
}

fn named(policies: &PolicyFiles, directory: Option<&PathBuf>, templates: Option<&PathBuf>) -> Named {
    Named {
        policies: policies.folder.clone(),
        schema: policies.schema.clone(),
        directory: directory.cloned(),
        templates: templates.cloned(),
        ..Named::default()
    }
}

fn texts(apps: &[RawApp]) -> Vec<(String, String)> {
    let of = |(index, app): (usize, &RawApp)| {
        let texts = below(&element("app", index), "texts");
        app.texts.keys().map(|key| (below(&texts, key), key.clone())).collect::<Vec<_>>()
    };
    apps.iter().enumerate().flat_map(of).collect()
}

/// Reads one section after the other, and remembers what is wrong.
struct Checker<'a> {
    source: &'a mut Source,
    folder: &'a Path,
}

impl Checker<'_> {
    fn policies(&mut self, raw: &RawConfig) -> PolicyFiles {
        let folder = &raw.policies.folder;
        let wanted = self.source.has("policies.folder") || self.resolve(folder).exists();
        PolicyFiles {
            folder: if wanted { self.existing_folder("policies.folder", folder) } else { None },
            schema: raw
                .policies
                .schema
                .as_ref()
                .and_then(|schema| self.existing_file("policies.schema", schema)),
            on_forbid_fault: match raw.policies.on_forbid_error {
                RawOnForbidError::Unavailable => ForbidFault::Unavailable,
                RawOnForbidError::Refuse => ForbidFault::Refuse,
            },
            tests: match raw.policies.tests {
                RawTests::Ignore => None,
                RawTests::Warn => Some(miette::Severity::Warning),
                RawTests::Require => Some(miette::Severity::Error),
            },
            shadow: self.shadow(raw),
        }
    }

    fn shadow(&mut self, raw: &RawConfig) -> Option<ShadowFiles> {
        let share = raw.policies.shadow_sample;
        if !(0.0..=1.0).contains(&share) {
            let message = format!("`{share}` is no share of all requests");
            let help = "write a number from 0, none of them, to 1, all of them";
            self.source.error("policies.shadow_sample", "portcullis::config::out_of_range", message, help);
        }
        let folder = self.resolve(raw.policies.shadow.as_ref()?);
        Some(ShadowFiles { folder, share })
    }

    fn redirects(&mut self, apps: &[RawApp], server: Option<&Server>) {
        if server.is_none_or(|server| server.tls.is_some()) {
            return;
        }
        for (index, _) in apps.iter().enumerate().filter(|(_, app)| app.https_redirect) {
            let message = "there is no TLS listener to send browsers to".to_owned();
            let help = "add `[server.tls]`, or remove `https_redirect`";
            let at = below(&element("app", index), "https_redirect");
            self.source.error(&at, "portcullis::config::conflict", message, help);
        }
    }

    fn geo(&mut self, raw: &RawConfig) -> (Vec<(String, PathBuf)>, Option<Duration>) {
        let mut databases = Vec::new();
        for (index, database) in raw.geo.databases.iter().enumerate() {
            let at = element("geo.databases", index);
            databases.extend(self.existing_file(&at, database).map(|file| (at, file)));
        }
        (databases, self.duration("geo.max_age", &raw.geo.max_age.0, HOUR, 10 * YEAR))
    }

    fn zones(&mut self, raw: &BTreeMap<String, Vec<String>>) -> Zones {
        let mut zones = BTreeMap::new();
        for (name, written) in raw {
            let path = below("network.zones", name);
            if !is_name(name) {
                let message = format!("{} cannot name a zone", quoted(name));
                self.source.key_error(&path, "portcullis::config::bad_name", message, NAMES.to_owned());
            }
            if written.is_empty() {
                let message = format!("the zone `{name}` has no network");
                self.source.warning(&path, "portcullis::config::empty_zone", message, "nobody is ever in it");
            }
            zones.insert(name.clone(), self.networks(&path, written));
        }
        zones
    }

    fn time_zone(&mut self, name: &str) -> Option<TimeZone> {
        match TimeZone::named(name) {
            Ok(zone) => Some(zone),
            Err(fault) => {
                let (message, help) = with_hint(&fault);
                self.source.error("time.zone", "portcullis::config::unknown_time_zone", message, help);
                None
            }
        }
    }

    /// `Some(None)` where API keys are not accepted.
    fn api_keys(&mut self, raw: &RawConfig) -> Option<Option<ApiKeysConfig>> {
        let written = &raw.api_keys.header;
        let Ok(header) = http::HeaderName::from_bytes(written.as_bytes()) else {
            let message = format!("{} is no header name", quoted(written));
            let help = "use letters, digits and `-`: `X-API-Key`";
            self.source.error("api_keys.header", "portcullis::config::bad_header", message, help);
            return None;
        };
        // Fields with a meaning of their own would be read twice, as a key and as what they are.
        const TAKEN: [&str; 6] =
            ["authorization", "cookie", "host", "connection", "content-length", "transfer-encoding"];
        if TAKEN.contains(&header.as_str()) || header.as_str().starts_with("x-portcullis-") {
            let message = format!("`{written}` has a meaning of its own and cannot carry an API key");
            self.source.error(
                "api_keys.header",
                "portcullis::config::bad_header",
                message,
                "use `X-API-Key`",
            );
            return None;
        }
        Some(raw.api_keys.enabled.then_some(ApiKeysConfig { header }))
    }
}

/// Names of apps, routes and zones are parts of identifiers, URLs and log lines.
fn is_name(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(inner) && !name.starts_with(['.', '-'])
}

const NAMES: &str = "use 1 to 64 letters, digits, `-`, `_` or `.`, beginning with a letter or digit";
/// A wait of no time at all is a refusal.
const SHORTEST: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Errors of the crates below say what is wrong, then `hint: …`.
pub(crate) fn with_hint(fault: &dyn std::fmt::Display) -> (String, String) {
    let text = fault.to_string();
    match text.split_once("\nhint: ") {
        Some((message, hint)) => (message.to_owned(), hint.to_owned()),
        None => (text, String::new()),
    }
}
