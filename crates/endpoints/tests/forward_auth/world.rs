//! A forward-auth door with a gate and a log of its own: the app `shop` on `shop.test`, and one API key for `alice`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portcullis_context::{Directory, GeoSources, Situator, TimeZone, Zones};
use portcullis_decision::{Program, World};
use portcullis_endpoints::{ForwardAuth, serve_forward_auth};
use portcullis_gate::{App, Apps, ForbidFault, Gate, OriginTarget, Route, Snapshot, bind};
use portcullis_identity::{ApiKeys, Identifier, KeyStore, NewKey, PrincipalKind};
use portcullis_policy::{Access, Guard, Policies, Require, Scope, SourceText};
use portcullis_record::read::{Line, records};
use portcullis_record::{DropRule, Entry, Log, LogSettings, Outcome, Redaction, RedactionRules};
use portcullis_request::{Loosened, PathPattern, TrustedPeers};
use portcullis_response::{Branding, Renderer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Route, path, who may.
const ROUTES: [(&str, &str, Access); 4] = [
    ("open", "/open/**", Access::Anyone),
    ("known", "/known/**", Access::Identified),
    ("closed", "/closed/**", Access::Policies),
    ("secret", "/secret/**", Access::Identified),
];

const WRITTEN: &str = r#"
@id("legal") @status("451") @blocked_by("https://court.test/") @reason("legal_restriction")
forbid (principal, action, resource == Route::"shop/closed");
@id("hidden") @hide
forbid (principal, action, resource == Route::"shop/secret");
"#;

/// A door that serves until it is asked to stop.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) auth: Arc<ForwardAuth>,
    /// An API key of the user `alice`.
    pub(crate) key: String,
    folder: TempDir,
    log: Arc<Log>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// One answer as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str())
    }

    /// Without what differs from answer to answer by nature.
    pub(crate) fn timeless(&self) -> (u16, Vec<&(String, String)>, &str) {
        (self.status, self.headers.iter().filter(|(name, _)| name != "date").collect(), &self.body)
    }
}

/// A door for proxies on these networks.
pub(crate) async fn door(peers: &[&str]) -> Door {
    door_recording(peers, Vec::new()).await
}

/// A door whose log leaves decisions out.
pub(crate) async fn door_recording(peers: &[&str], rules: Vec<DropRule>) -> Door {
    let folder = TempDir::new().unwrap();
    let (snapshot, key) = snapshot(&folder);
    let settings = LogSettings {
        drop: rules,
        wait: Duration::from_secs(60),
        ..LogSettings::new(folder.path().join("log"))
    };
    let log = Arc::new(Log::open(settings).unwrap());
    let gate = Arc::new(Gate::new(snapshot, Arc::clone(&log)));
    let peers = TrustedPeers::new(peers.iter().map(|network| network.parse().unwrap()).collect());
    let auth = Arc::new(ForwardAuth::new(gate, peers));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = async move { drop(stopped.await) };
    let served = tokio::spawn(serve_forward_auth(listener, Arc::clone(&auth), ended));
    Door { address, auth, key, folder, log, stop, served }
}

impl Door {
    /// Asks over a connection of its own.
    pub(crate) async fn ask(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let mut head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        for (name, value) in fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        read(&String::from_utf8(bytes).unwrap())
    }

    /// Asks as nginx does: about GET of a target, from a caller with further fields.
    pub(crate) async fn nginx(&self, target: &str, more: &[(&str, &str)]) -> Answer {
        let told = [("X-Original-Method", "GET"), ("X-Original-URI", target)];
        self.ask("/auth/nginx", &[&told, &TOLD[..], more].concat()).await
    }

    /// Asks as Caddy and Traefik do, by their path.
    pub(crate) async fn relaying(&self, path: &str, target: &str, more: &[(&str, &str)]) -> Answer {
        let told = [("X-Forwarded-Method", "GET"), ("X-Forwarded-Uri", target)];
        self.ask(path, &[&told, &TOLD[..], more].concat()).await
    }

    /// Waits until the door has stopped; what was recorded. Each decision has exactly one outcome.
    pub(crate) async fn ended(self) -> Vec<(Entry, Outcome)> {
        drop(self.stop);
        self.served.await.unwrap();
        self.log.close().await;
        let (mut decisions, mut outcomes) = (Vec::new(), BTreeMap::new());
        for line in records(&self.folder.path().join("log")) {
            match line.unwrap() {
                Line::Decision(entry) => decisions.push(entry),
                Line::Outcome(outcome) => {
                    assert!(outcomes.insert(outcome.reference.clone(), outcome).is_none());
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(decisions.len(), outcomes.len());
        decisions
            .into_iter()
            .map(|entry| {
                let outcome = outcomes.remove(&entry.reference).expect("an outcome of each decision");
                (*entry, outcome)
            })
            .collect()
    }
}

const TOLD: [(&str, &str); 3] =
    [("X-Forwarded-Host", "shop.test"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "203.0.113.7")];

fn read(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let headers = lines
        .filter_map(|line| line.split_once(": ").or_else(|| line.strip_suffix(':').map(|name| (name, ""))))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Answer { status: status.unwrap_or(0), headers, body: body.to_owned() }
}

fn snapshot(folder: &TempDir) -> (Snapshot, String) {
    let apps = Apps::new(vec![app()]);
    let guards = ROUTES.map(|(route, _, access)| Guard {
        scope: Scope::Route { app: "shop".to_owned(), route: route.to_owned() },
        access,
        require: Require::default(),
        messages: BTreeMap::new(),
        file: "portcullis.toml".to_owned(),
        span: 0..0,
        renders_404: true,
    });
    let written = SourceText { name: "shop.cedar".to_owned(), text: WRITTEN.to_owned() };
    let loaded = Policies::load(&[written], None, &guards);
    let policies = loaded.policies.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let directory = Arc::new(Directory::default());
    let entities = bind::entities::entities(&directory, &apps, &policies.schema).unwrap();
    let program = Program::compile_with_schema(&policies.set, &policies.schema).unwrap();
    let world = World::new(&program, &entities);
    let (keys, key) = keys(folder);
    let zones = Zones::new(BTreeMap::new()).unwrap();
    let snapshot = Snapshot {
        version: "test".to_owned(),
        trusted: TrustedPeers::default(),
        apps,
        policies,
        program,
        world,
        directory: Arc::clone(&directory),
        identifier: Arc::new(Identifier::new(Vec::new(), Some(keys)).unwrap()),
        vouching: None,
        situator: Situator::new(GeoSources::new(Vec::new(), None), zones, directory, TimeZone::utc()),
        renderer: Renderer::embedded(),
        redaction: Redaction::new(RedactionRules::default()).unwrap(),
        recorded_facts: portcullis_gate::RecordedFacts::All,
        shadow: None,
        shadow_fault: None,
        on_forbid_fault: ForbidFault::default(),
    };
    (snapshot, key)
}

fn app() -> App {
    let routes = ROUTES.map(|(name, pattern, access)| Route {
        name: name.to_owned(),
        pattern: PathPattern::parse(pattern).unwrap(),
        methods: Vec::new(),
        public: access == Access::Anyone,
        entity: format!("shop/{name}"),
        payload: None,
        limits: Vec::new(),
    });
    App {
        name: "shop".to_owned(),
        hosts: vec!["shop.test".to_owned()],
        mount: PathPattern::parse("/**").unwrap(),
        loosened: Loosened::default(),
        https: None,
        branding: Branding { cors_origins: vec!["https://app.test".to_owned()], ..Branding::default() },
        origin: Arc::new(OriginTarget {
            renders_404: true,
            ..OriginTarget::plain("127.0.0.1:9".parse().unwrap())
        }),
        forward_credentials: false,
        limits: Vec::new(),
        routes: routes.to_vec(),
    }
}

fn keys(folder: &TempDir) -> (ApiKeys, String) {
    let store = KeyStore::open(&folder.path().join("keys.db")).unwrap();
    let alice = NewKey {
        kind: PrincipalKind::User,
        id: "alice".to_owned(),
        name: "test".to_owned(),
        scopes: Vec::new(),
        groups: vec!["staff".to_owned()],
        roles: Vec::new(),
        tier: None,
        expires: None,
    };
    let (_, secret) = store.create(&alice).unwrap();
    (ApiKeys::load(&store).unwrap(), secret.expose().to_owned())
}
