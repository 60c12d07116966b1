//! A site with two apps, for the tests of whatever asks without a request.

use std::sync::Arc;

use portcullis_context::{Directory, TimeZone, Zones};
use portcullis_decision::{Program, World};
use portcullis_gate::{App, Apps, ForbidFault, OriginTarget, Route, bind};
use portcullis_policy::{Policies, SourceText};
use portcullis_request::{Loosened, PathPattern};
use portcullis_response::Branding;

use super::Setting;
use crate::Rulebook;

/// Everything that a setting borrows from.
pub(crate) struct Site {
    program: Program,
    world: World,
    policies: Policies,
    directory: Directory,
    apps: Apps,
    zones: Zones,
    time_zone: TimeZone,
}

pub(crate) const DIRECTORY: &str = r#"
[[group]]
id = "customers"
[[group]]
id = "managers"
groups = ["staff"]
[[group]]
id = "staff"
[[role]]
id = "admin"
[[user]]
id = "alice"
groups = ["customers"]
tier = "premium"
attributes = { name = "Alice" }
[[user]]
id = "bob"
groups = ["customers"]
tier = "free"
[[user]]
id = "carol"
groups = ["managers"]
roles = ["admin"]
[[service]]
id = "ci"
[[device]]
id = "alices"
owner = "alice"
compliant = true
last_seen = "2026-01-01T00:00:00Z"
"#;

impl Site {
    pub(crate) fn new(policies: &str) -> Self {
        let written = SourceText { name: "policies/shop.cedar".to_owned(), text: policies.to_owned() };
        let loaded = Policies::load(&[written], None, &[]);
        let policies = loaded.policies.unwrap_or_else(|| panic!("{:?}", loaded.findings));
        let directory =
            Directory::load(&[("people.toml".to_owned(), DIRECTORY.to_owned())]).expect("a directory");
        let apps = Apps::new(vec![
            app(
                "shop",
                "/**",
                &[
                    ("home", "/", &[], true),
                    ("premium", "/premium/**", &[], false),
                    ("orders", "/orders/*", &["GET", "POST"], false),
                    ("hidden", "/hidden", &[], false),
                ],
            ),
            app("media", "/media/**", &[("films", "/media/**", &["GET"], false)]),
        ]);
        let entities = bind::entities::entities(&directory, &apps, &policies.schema).expect("entities");
        let program = Program::compile_with_schema(&policies.set, &policies.schema).expect("a program");
        let world = World::new(&program, &entities);
        let office = [("office".to_owned(), vec!["192.0.2.0/24".parse().expect("a network")])];
        let zones = Zones::new(office.into()).expect("zones");
        let time_zone = TimeZone::named("Europe/Berlin").expect("a time zone");
        Self { program, world, policies, directory, apps, zones, time_zone }
    }

    pub(crate) fn setting(&self) -> Setting<'_> {
        Setting {
            rulebook: Rulebook {
                program: &self.program,
                world: &self.world,
                policies: &self.policies,
                directory: &self.directory,
                on_forbid_fault: ForbidFault::Unavailable,
            },
            apps: &self.apps,
            zones: &self.zones,
            time_zone: &self.time_zone,
        }
    }
}

/// Name, pattern, methods, and whether it is public.
type Written<'a> = (&'a str, &'a str, &'a [&'a str], bool);

fn app(name: &str, mount: &str, routes: &[Written<'_>]) -> App {
    let route = |(route, pattern, methods, public): &Written<'_>| Route {
        name: (*route).to_owned(),
        pattern: PathPattern::parse(pattern).expect("a pattern"),
        methods: methods.iter().map(|method| method.parse().expect("a method")).collect(),
        public: *public,
        entity: format!("{name}/{route}"),
        payload: None,
        limits: Vec::new(),
    };
    App {
        name: name.to_owned(),
        hosts: vec!["shop.test".to_owned()],
        mount: PathPattern::parse(mount).expect("a pattern"),
        branding: Branding::default(),
        loosened: Loosened::default(),
        https: None,
        origin: Arc::new(OriginTarget::plain("127.0.0.1:9".parse().expect("an address"))),
        forward_credentials: false,
        limits: Vec::new(),
        routes: routes.iter().map(route).collect(),
    }
}
