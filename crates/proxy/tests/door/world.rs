//! A door with a gate of its own: one app for the hosts `a` and `shop.example`, where everyone may do everything but
//! `/refused…`, bodies for `/checked…` must be JSON, and one API key for the user `alice`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use portcullis_context::{Directory, GeoSources, Situator, TimeZone, Zones};
use portcullis_decision::{Program, World};
use portcullis_gate::{App, Apps, ForbidFault, Gate, OriginTarget, Route, Snapshot, bind};
use portcullis_identity::{ApiKeys, Identifier, KeyStore, NewKey, PrincipalKind};
use portcullis_payload::{JsonSettings, PayloadRules, PayloadSettings};
use portcullis_policy::{Access, Guard, Policies, Require, Scope};
use portcullis_proxy::{Limits, Listening, serve};
use portcullis_record::log::LogSettings;
use portcullis_record::read::{Line, records};
use portcullis_record::{Log, Outcome, Redaction, RedactionRules};
use portcullis_request::{Loosened, PathPattern, TrustedPeers};
use portcullis_response::{Branding, Renderer};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A door that serves until it is asked to stop.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    /// An API key of the user `alice`.
    pub(crate) key: String,
    folder: TempDir,
    log: Arc<Log>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

/// A door before `origin`, with every limit at its default.
pub(crate) async fn door(origin: SocketAddr) -> Door {
    tuned(origin, |_, _| {}).await
}

/// A door before `origin` with other limits.
pub(crate) async fn tuned(origin: SocketAddr, tune: impl FnOnce(&mut Limits, &mut OriginTarget)) -> Door {
    listening(origin, tune, |listener| vec![Listening::from(listener)]).await
}

/// A door before `origin` that listens in its own way.
pub(crate) async fn listening(
    origin: SocketAddr,
    tune: impl FnOnce(&mut Limits, &mut OriginTarget),
    listen: impl FnOnce(TcpListener) -> Vec<Listening>,
) -> Door {
    let mut limits = Limits::default();
    let mut target = OriginTarget {
        preserve_host: true,
        connect_timeout: Duration::from_secs(5),
        response_timeout: Duration::from_secs(5),
        ..OriginTarget::plain(origin.to_string().parse().expect("an authority"))
    };
    tune(&mut limits, &mut target);
    let folder = TempDir::new().expect("a folder");
    let (snapshot, key) = snapshot(target, &folder);
    // A busy machine is no broken log.
    let settings =
        LogSettings { wait: Duration::from_secs(60), ..LogSettings::new(folder.path().join("log")) };
    let log = Arc::new(Log::open(settings).expect("a log"));
    let gate = Arc::new(Gate::new(snapshot, Arc::clone(&log)));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let listeners = listen(listener);
    let (stop, stopped) = oneshot::channel();
    let served = tokio::spawn(async move {
        serve(listeners, gate, limits, async { drop(stopped.await) }).await.expect("served");
    });
    Door { address, key, folder, log, stop: Some(stop), served }
}

impl Door {
    /// Asks the door to stop, and does not wait for it.
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until the door has stopped; what became of every request it took, as recorded.
    ///
    /// Decisions and outcomes are matched here once and for all: each request leaves exactly one of both.
    pub(crate) async fn ended(mut self) -> Vec<Outcome> {
        self.stop();
        (&mut self.served).await.expect("no panic");
        self.log.close().await;
        let mut decided = BTreeMap::new();
        let mut outcomes = Vec::new();
        for line in records(&self.folder.path().join("log")) {
            match line.expect("a readable line") {
                Line::Decision(entry) => assert!(decided.insert(entry.reference.clone(), ()).is_none()),
                Line::Outcome(outcome) => outcomes.push(outcome),
                other => panic!("{other:?}"),
            }
        }
        let mut with_outcome: Vec<&str> = outcomes.iter().map(|outcome| outcome.reference.as_str()).collect();
        with_outcome.sort_unstable();
        assert!(decided.keys().eq(&with_outcome), "{decided:?} {outcomes:?}");
        outcomes
    }
}

fn snapshot(origin: OriginTarget, folder: &TempDir) -> (Snapshot, String) {
    let apps = Apps::new(vec![app(origin)]);
    let guards = [("open", Access::Anyone), ("closed", Access::Policies), ("checked", Access::Anyone)];
    let guards = guards.map(|(route, access)| Guard {
        scope: Scope::Route { app: "shop".to_owned(), route: route.to_owned() },
        access,
        require: Require::default(),
        messages: BTreeMap::new(),
        file: "portcullis.toml".to_owned(),
        span: 0..0,
        renders_404: true,
    });
    let loaded = Policies::load(&[], None, &guards);
    let policies = loaded.policies.unwrap_or_else(|| panic!("{:?}", loaded.findings));
    let directory = Arc::new(Directory::default());
    let entities = bind::entities::entities(&directory, &apps, &policies.schema).expect("entities");
    let program = Program::compile_with_schema(&policies.set, &policies.schema).expect("a program");
    let world = World::new(&program, &entities);
    let (keys, key) = keys(folder);
    let zones = Zones::new(BTreeMap::new()).expect("no zones");
    let snapshot = Snapshot {
        version: "test".to_owned(),
        trusted: TrustedPeers::default(),
        apps,
        policies,
        program,
        world,
        directory: Arc::clone(&directory),
        identifier: Arc::new(Identifier::new(Vec::new(), Some(keys)).expect("an identifier")),
        vouching: None,
        situator: Situator::new(GeoSources::new(Vec::new(), None), zones, directory, TimeZone::utc()),
        renderer: Renderer::embedded(),
        redaction: Redaction::new(RedactionRules::default()).expect("rules"),
        recorded_facts: portcullis_gate::RecordedFacts::All,
        shadow: None,
        shadow_fault: None,
        on_forbid_fault: ForbidFault::default(),
    };
    (snapshot, key)
}

fn app(origin: OriginTarget) -> App {
    let route = |name: &str, pattern: &str| Route {
        name: name.to_owned(),
        pattern: PathPattern::parse(pattern).expect("a pattern"),
        methods: Vec::new(),
        public: true,
        entity: format!("shop/{name}"),
        payload: None,
        limits: Vec::new(),
    };
    App {
        name: "shop".to_owned(),
        hosts: vec!["a".to_owned(), "shop.example".to_owned()],
        mount: PathPattern::parse("/**").expect("a pattern"),
        loosened: Loosened::default(),
        https: None,
        branding: Branding::default(),
        origin: Arc::new(origin),
        forward_credentials: false,
        limits: Vec::new(),
        routes: vec![
            route("open", "/**"),
            route("closed", "/refused/**"),
            Route { payload: Some(Arc::new(payload())), ..route("checked", "/checked/**") },
        ],
    }
}

/// JSON of at most a hundred kilobytes with a number `n`.
fn payload() -> PayloadRules {
    let schema =
        serde_json::json!({"type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]});
    let json = JsonSettings { schema: Some(schema), ..JsonSettings::default() };
    let settings =
        PayloadSettings { max_size: Some(100_000), json: Some(json), ..PayloadSettings::default() };
    PayloadRules::new(settings).expect("rules")
}

fn keys(folder: &TempDir) -> (ApiKeys, String) {
    let store = KeyStore::open(&folder.path().join("keys.db")).expect("a store");
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
    let (_, secret) = store.create(&alice).expect("a key");
    (ApiKeys::load(&store).expect("keys"), secret.expose().to_owned())
}
