//! What values mean, alone and together.

use std::time::Duration;

use portcullis_identity::{KeySource, PrincipalKind};
use portcullis_policy::{Access, DeviceNeeds, Hours, Scope};

use super::{APP, Folder, ISSUER, app, finds, issuer, sound};

#[test]
fn every_default_is_what_the_reference_says() {
    let config = sound(&issuer(""));
    let limits = config.limits();
    assert_eq!(config.server.listen.unwrap().to_string(), "127.0.0.1:8080");
    assert!(!config.server.trusted_peers.contains("127.0.0.1".parse().unwrap()));
    assert!(config.server.data.ends_with("data") && config.state_file().ends_with("data/state.sqlite"));
    assert_eq!((limits.connections, limits.head_bytes, limits.origin_requests), (10_000, 64 << 10, 1024));
    let seconds =
        [limits.head_time, limits.body_pause, limits.write_pause, limits.drain].map(|time| time.as_secs());
    assert_eq!(seconds, [30, 60, 60, 30]);
    assert!(config.admin.is_none() && config.directory.is_none() && config.templates.is_none());
    assert!(config.policies.folder.is_some() && config.policies.schema.is_none());
    assert_eq!(config.policies.on_forbid_fault, portcullis_gate::ForbidFault::Unavailable);
    assert!(config.geo.databases.is_empty());
    assert_eq!(config.geo.max_age, Duration::from_secs(60 * 86400));
    assert_eq!(config.time_zone.name(), "UTC");
    assert_eq!(config.api_keys.unwrap().header, "x-api-key");
    let expected = portcullis_record::LogSettings::new(config.server.data.join("log"));
    assert_eq!(config.log, expected, "the log's own defaults are those of the reference");

    let issuer = &config.issuers[0];
    assert_eq!(issuer.algorithms, ["ES256", "RS256"]);
    assert_eq!(issuer.types, ["at+jwt", "JWT"]);
    let times = [issuer.leeway, issuer.refresh, issuer.stale_keys_after].map(|time| time.as_secs());
    assert_eq!(times, [30, 300, 86400]);
    assert_eq!((issuer.kind, issuer.id_prefix.as_str()), (PrincipalKind::User, ""));
    assert_eq!((issuer.claims.id.as_str(), issuer.claims.scopes.as_str()), ("sub", "scope"));
    assert_eq!((&issuer.claims.groups, &issuer.claims.roles, &issuer.claims.device), (&None, &None, &None));

    let app = &config.apps[0];
    assert_eq!((app.branding.name.as_str(), app.branding.realm.as_deref()), ("shop", Some("shop")));
    assert_eq!(app.upstream.addresses[0], "127.0.0.1:9000");
    assert_eq!(app.upstream.connect_timeout, Duration::from_secs(2));
    assert_eq!(app.upstream.response_timeout, Duration::from_secs(30));
    assert!(!app.upstream.preserve_host && !app.renders_404);
    let route = &app.routes[0];
    assert_eq!((route.name.as_str(), route.pattern.as_str(), route.public), ("all", "/**", false));
}

#[test]
fn a_route_narrows_and_widens_what_its_app_says() {
    let folder = Folder::new();
    let text = app(
        "access = \"identified\"\nmessages = { country = \"Not there\" }\n[[app.route]]\nname = \"open\"\npath = \"/open\"\n\
         access = \"anyone\"\n[[app.route]]\nname = \"shut\"\npath = \"/shut\"\naccess = \"policies\"\n\
         [[app.route]]\nname = \"rest\"\npath = \"/**\"\nrequire = { country = [\"US\"] }\n",
    );
    let loaded = folder.load(&text);
    let guards = loaded.named.unwrap().guards;
    let of = |name: &str| {
        guards
            .iter()
            .find(|guard| matches!(&guard.scope, Scope::Route { route, .. } if route == name))
            .unwrap()
    };
    assert_eq!(
        [of("open"), of("shut"), of("rest")].map(|guard| guard.access),
        [Access::Anyone, Access::Policies, Access::Identified]
    );
    assert_eq!(of("rest").messages["country"], "Not there", "an app's sentence serves its routes");
    let whole = guards.iter().find(|guard| matches!(guard.scope, Scope::App(_))).unwrap();
    assert_eq!(whole.access, Access::Policies, "a permit for the whole app would outweigh a narrower route");
    let routes = &loaded.config.unwrap().apps[0].routes;
    assert_eq!(routes.iter().map(|route| route.public).collect::<Vec<_>>(), [true, false, false]);
    assert!(text[of("open").span.clone()].starts_with("[[app.route]]"));
}

#[test]
fn requirements_are_typed() {
    let folder = Folder::new();
    let loaded = folder.load(&app(
        "require = { device = { managed = true, seen_within_days = 7 }, max_age = \"15m\", hours = \"Sat-Mon,Wed 22:00-06:00\" }\n",
    ));
    assert!(loaded.findings.is_empty(), "{:?}", loaded.findings);
    let require = &loaded.named.unwrap().guards.last().unwrap().require.clone();
    let device = DeviceNeeds { managed: true, seen_within_days: Some(7), ..DeviceNeeds::default() };
    assert_eq!(require.device, device);
    assert_eq!(require.max_age, Some(900));
    assert_eq!(require.hours, Some(Hours { from: 1320, until: 360, weekdays: vec![1, 3, 6, 7] }));
}

#[test]
fn listeners() {
    let admin = |listen: &str| {
        format!("[admin]\nlisten = \"{listen}\"\ntoken = {{ file = \"secrets/token\" }}\n{APP}")
    };
    finds(&admin("127.0.0.1:8080"), &[("same_address", "\"127.0.0.1:8080\"", "a port of its own")]);
    finds(&admin("0.0.0.0:9"), &[("open_admin", "\"0.0.0.0:9\"", "management network")]);
    finds(
        &admin("0.0.0.0:8080"),
        &[("open_admin", "\"0.0.0.0:8080\"", ""), ("same_address", "\"0.0.0.0:8080\"", "")],
    );
    finds(&format!("[server]\nlisten = \":80\"\n{APP}"), &[("bad_address", "\":80\"", "`0.0.0.0:80`")]);
    finds(
        &format!("[server]\nlisten = \"localhost:80\"\n{APP}"),
        &[("bad_address", "\"localhost:80\"", "`127.0.0.1:80`")],
    );
}

#[test]
fn trusting_everyone_is_spelled_out() {
    let trust =
        |network: &str, more: &str| format!("[server]\ntrusted_peers = [\"{network}\"]\n{more}\n{APP}");
    finds(
        &trust("0.0.0.0/0", ""),
        &[("trusts_everyone", "[\"0.0.0.0/0\"]", "dangerously_trust_everyone = true")],
    );
    finds(&trust("::/0", ""), &[("trusts_everyone", "[\"::/0\"]", "load balancers")]);
    finds(
        &trust("0.0.0.0/0", "dangerously_trust_everyone = true"),
        &[("trusts_everyone", "[\"0.0.0.0/0\"]", "make sure")],
    );
    finds(&trust("10.0.0.0/8", "dangerously_trust_everyone = true"), &[("no_effect", "true", "remove it")]);
    finds(&trust("10.0.0.1/8", ""), &[("bad_network", "\"10.0.0.1/8\"", "10.0.0.0/8")]);
}

#[test]
fn secrets_are_elsewhere_and_there() {
    let token = |source: &str| format!("[admin]\ntoken = {source}\n{APP}");
    finds(&token("\"hunter2\""), &[("wrong_type", "\"hunter2\"", "write a table")]);
    finds(&token("{}"), &[("secret_source", "{}", "no source")]);
    finds(
        &token("{ file = \"secrets/token\", env = \"X\" }"),
        &[("secret_source", "{ file = \"secrets/token\", env = \"X\" }", "two sources")],
    );
    finds(
        &token("{ file = \"secrets/none\" }"),
        &[("secret_unreadable", "{ file = \"secrets/none\" }", "cannot read the secret file")],
    );
    finds(
        &token("{ env = \"PORTCULLIS_NO_SUCH\" }"),
        &[("secret_unreadable", "{ env = \"PORTCULLIS_NO_SUCH\" }", "is not set")],
    );
    let env = sound(&token("{ env = \"CARGO_PKG_NAME\" }"));
    assert_eq!(env.admin.unwrap().token.expose(), "portcullis");
}

#[cfg(unix)]
#[test]
fn a_secret_that_everybody_reads_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let file = folder.0.path().join("secrets/token");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let loaded = folder.load(&format!("[admin]\ntoken = {{ file = \"secrets/token\" }}\n{APP}"));
    assert_eq!(loaded.findings[0].code, "portcullis::config::secret_readable");
    assert!(loaded.config.is_some());
    std::fs::set_permissions(folder.0.path().join("secrets/empty"), std::fs::Permissions::from_mode(0o600))
        .unwrap();
    let loaded = folder.load(&format!("[admin]\ntoken = {{ file = \"secrets/empty\" }}\n{APP}"));
    assert_eq!(loaded.findings[0].code, "portcullis::config::secret_unreadable");
    assert!(loaded.findings[0].message.contains("is empty"));
}

#[test]
fn files_are_there() {
    let missing = |text: &str, span: &str, hint: &str| {
        finds(&format!("{text}\n{APP}"), &[("not_found", span, hint)]);
    };
    missing("[policies]\nfolder = \"polices\"", "\"polices\"", "did you mean `policies`?");
    missing("[policies]\nschema = \"schema.cedar\"", "\"schema.cedar\"", "does not exist");
    missing("[policies]\nschema = \"policies\"", "\"policies\"", "is no file");
    missing("[directory]\nfolder = \"jwks.json\"", "\"jwks.json\"", "is no folder");
    missing("[geo]\ndatabases = [\"country.mmdb\", \"county.mmdb\"]", "\"county.mmdb\"", "`country.mmdb`");
    missing("[answers]\ntemplates = \"nowhere\"", "\"nowhere\"", "relative to the folder");
    missing("[server]\ndata = \"jwks.json\"", "\"jwks.json\"", "folder of its own");
}

#[test]
fn durations_and_sizes() {
    let time = |text: &str| format!("[server]\nheader_timeout = \"{text}\"\n{APP}");
    for (text, hint) in
        [("30", "a whole number and one of"), ("1.5s", "a whole number"), ("", "`\"30s\"`"), ("5 m", "")]
    {
        finds(&time(text), &[("bad_duration", &format!("\"{text}\""), hint)]);
    }
    finds(&time("0s"), &[("out_of_range", "\"0s\"", "write `1s` to `10m`")]);
    finds(&time("99999999999999999999w"), &[("bad_duration", "\"99999999999999999999w\"", "")]);
    finds(&time("9999999999999w"), &[("bad_duration", "\"9999999999999w\"", "longer than time")]);
    let size = |text: &str| format!("[log]\nsegment_size = \"{text}\"\n{APP}");
    finds(&size("64MB"), &[("bad_size", "\"64MB\"", "write `64MiB`")]);
    finds(&size("64"), &[("bad_size", "\"64\"", "`\"64MiB\"`")]);
    finds(&size("1B"), &[("out_of_range", "\"1B\"", "`64KiB`")]);
    finds(&size("8GiB"), &[("out_of_range", "\"8GiB\"", "`log.segment_size` is out of range")]);
    finds(
        &format!("[log]\nsegment_size = \"2GiB\"\nkeep_size = \"1GiB\"\n{APP}"),
        &[("out_of_range", "\"1GiB\"", "keeps less than one segment")],
    );
    finds(
        &format!("[log]\nkeep_age = \"1h\"\n{APP}"),
        &[
            ("out_of_range", "\"1h\"", "less than one segment"),
            ("short_memory", "\"1h\"", "can then no longer be explained"),
        ],
    );
    finds(&format!("[log.redact]\nquery = [\"-\"]\n{APP}"), &[("bad_name", "\"-\"", "no name to redact")]);
}

#[test]
fn zones_countries_and_hours() {
    let zones = "[network.zones]\noffice = [\"192.0.2.0/24\"]\n";
    finds(
        &format!("{zones}{}", app("require = { network = [\"ofice\"] }")),
        &[("unknown_zone", "\"ofice\"", "did you mean `office`?")],
    );
    finds(
        &app("require = { network = [\"office\"] }"),
        &[("unknown_zone", "\"office\"", "define it in `[network.zones]`")],
    );
    finds(&format!("[network.zones]\noffice = []\n{APP}"), &[("empty_zone", "[]", "nobody is ever in it")]);
    finds(
        &format!("[network.zones]\n\"an office\" = [\"192.0.2.1\"]\n{APP}"),
        &[("bad_name", "\"an office\"", "letters, digits")],
    );
    finds(&app("require = { country = [\"UK\"] }"), &[("unknown_country", "\"UK\"", "`GB`")]);
    finds(&app("require = { not_country = [\"us\"] }"), &[("unknown_country", "\"us\"", "`US`")]);
    for (hours, hint) in [
        ("8-18", "\"Mon-Fri 08:00-18:00\""),
        ("Mon-Fri 08:00-25:00", "write days and a window"),
        ("Mo-Fr 08:00-18:00", "days are `Mon`"),
        ("08:00-08:00", "`00:00-24:00`"),
        ("24:00-08:00", "opens between"),
    ] {
        finds(
            &app(&format!("require = {{ hours = \"{hours}\" }}")),
            &[("bad_hours", &format!("\"{hours}\""), hint)],
        );
    }
    finds(&app("require = { role = [] }"), &[("empty_requirement", "[]", "an empty list requires nothing")]);
    finds(&app("require = { group = [\" \"] }"), &[("empty_value", "\" \"", "")]);
    finds(&app("require = { scope = [\"a b\"] }"), &[("bad_token", "\"a b\"", "several strings")]);
}

#[test]
fn issuers() {
    let twice = format!("{ISSUER}{ISSUER}{APP}");
    finds(&twice, &[("same_issuer", "\"https://a.test\"", "several audiences")]);
    let other = ISSUER.replace("a.test", "b.test");
    finds(&format!("{ISSUER}{other}{APP}"), &[("shared_identifiers", "[[issuer]]", "`id_prefix`")]);
    sound(&format!("{ISSUER}{other}id_prefix = \"b|\"\n{APP}"));
    for (algorithm, hint) in [
        ("none", "anybody could write such a token"),
        ("HS256", "can also forge them"),
        ("ES265", "did you mean `ES256`?"),
    ] {
        let text = issuer(&format!("algorithms = [\"{algorithm}\"]"));
        finds(&text, &[("bad_algorithm", &format!("\"{algorithm}\""), hint)]);
    }
    finds(&issuer("algorithms = []"), &[("empty_list", "[]", "`ES256` or `RS256`")]);
    finds(&issuer("types = []"), &[("empty_list", "[]", "`at+jwt`")]);
    finds(&issuer("leeway = \"1h\""), &[("out_of_range", "\"1h\"", "`5m`")]);
    finds(&issuer("refresh = \"2d\""), &[("out_of_range", "[[issuer]]", "more than `refresh`")]);
    finds(&issuer("stale_keys_after = \"14d\""), &[("long_trust", "\"14d\"", "a day outlasts")]);
    finds(&issuer("[issuer.claims]\nid = \"\""), &[("empty_value", "\"\"", "name the claim")]);
}

#[test]
fn keys_come_authenticated() {
    let at = |url: &str| issuer("").replace("https://a.test/jwks.json", url);
    for (url, hint) in [
        ("http://a.test/jwks.json", "write `https://`"),
        ("https://u:p@a.test/jwks.json", "end up in logs"),
        ("ftp://a.test/jwks.json", "`https://…/jwks.json`"),
        ("a.test", "is no URL"),
    ] {
        finds(&at(url), &[("bad_key_url", &format!("\"{url}\""), hint)]);
    }
    for url in ["http://127.0.0.1:9/jwks.json", "http://[::1]/jwks.json", "http://localhost:9/jwks.json"] {
        assert_eq!(sound(&at(url)).issuers[0].keys, KeySource::Url(url.to_owned()));
    }
    finds(&issuer("jwks_file = \"jwks.json\""), &[("key_source", "\"jwks.json\"", "keep either")]);
    let none = issuer("").replace("jwks_url = \"https://a.test/jwks.json\"\n", "");
    finds(&none, &[("key_source", "[[issuer]]", "`jwks_uri`")]);
}

#[test]
fn api_key_headers() {
    let header = |name: &str| format!("[api_keys]\nheader = \"{name}\"\n{APP}");
    finds(&header("X API"), &[("bad_header", "\"X API\"", "is no header name")]);
    finds(&header("Authorization"), &[("bad_header", "\"Authorization\"", "use `X-API-Key`")]);
    assert_eq!(sound(&header("X-Key")).api_keys.unwrap().header, "x-key");
    assert!(sound(&format!("[api_keys]\nenabled = false\n{APP}")).api_keys.is_none());
}

#[test]
fn apps_and_hosts() {
    finds("", &[("no_app", "", "every request is answered 404")]);
    finds(
        &format!("{APP}{}", APP.replace("shop.test", "b.test")),
        &[("same_app", "\"shop\"", "first as `app[0]`")],
    );
    let second = APP.replace("\"shop\"", "\"other\"");
    finds(&format!("{APP}{second}"), &[("same_host", "\"shop.test\"", "need a `path` each")]);
    sound(&format!("{APP}{second}path = \"/other/**\"\n"));
    for (host, hint) in [
        ("Shop.test", "write `shop.test`"),
        ("shop.test:80", "leave it out"),
        ("shop_test", "is no name"),
        ("", "is empty"),
    ] {
        let text = APP.replace("shop.test", host);
        finds(&text, &[("bad_host", &format!("\"{host}\""), hint)]);
    }
    for (upstream, hint) in [
        ("127.0.0.1:9000", "`http://127.0.0.1:9000`"),
        ("http://127.0.0.1:9000/base", "the path that was decided on"),
        ("http://127.0.0.1:9000?x", "path or query"),
        ("http://u@127.0.0.1", "user name"),
        ("ftp://127.0.0.1", "`http://127.0.0.1:9000`"),
    ] {
        let text = APP.replace("http://127.0.0.1:9000", upstream);
        finds(&text, &[("bad_upstream", &format!("\"{upstream}\""), hint)]);
    }
    finds(&app("cors_origins = [\"*\"]"), &[("bad_origin", "\"*\"", "name each origin")]);
    finds(
        &app("cors_origins = [\"https://a.test/\"]"),
        &[("bad_origin", "\"https://a.test/\"", "nothing behind")],
    );
    finds(&app("realm = \"a\\nb\""), &[("bad_text", "\"a\\nb\"", "one line")]);
    finds(&app("messages = { country = \"x\" }"), &[("no_effect", "\"x\"", "no `require.country`")]);
}

#[test]
fn routes() {
    let two = |first: &str, second: &str| {
        app(&format!("[[app.route]]\nname = \"a\"\n{first}\n[[app.route]]\nname = \"b\"\n{second}\n"))
    };
    let unreachable = [("unreachable_route", "\"/x\"", "`a` covers `/x` first")];
    finds(&two("path = \"/x\"", "path = \"/x\""), &unreachable);
    let shared = [("unreachable_route", "\"/x\"", "never reached for `GET`")];
    finds(
        &two("path = \"/x\"\nmethods = [\"GET\"]", "path = \"/x\"\nmethods = [\"GET\", \"POST\"]"),
        &shared,
    );
    sound(&two("path = \"/x\"", "path = \"/x\"\nmethods = [\"POST\"]"));
    sound(&two("path = \"/x/**\"", "path = \"/x/*\""));
    sound(&two("path = \"/x\"\nmethods = [\"GET\"]", "path = \"/x\"\nmethods = [\"POST\"]"));
    let same =
        app("[[app.route]]\nname = \"a\"\npath = \"/x\"\n[[app.route]]\nname = \"a\"\npath = \"/y\"\n");
    finds(&same, &[("same_route", "\"a\"", "first as `app[0].route[0]`")]);
    let outside = app("path = \"/shop/**\"\n[[app.route]]\nname = \"a\"\npath = \"/other/**\"\n");
    finds(&outside, &[("unreachable_route", "\"/other/**\"", "lies outside its app")]);
    for (path, hint) in [("/a/", "write `/a`"), ("a", ""), ("/a/**/b", "at the end only"), ("/a/../b", "")] {
        let text = app(&format!("[[app.route]]\nname = \"a\"\npath = \"{path}\"\n"));
        finds(&text, &[("bad_path", &format!("\"{path}\""), hint)]);
    }
    let method =
        |methods: &str| app(&format!("[[app.route]]\nname = \"a\"\npath = \"/a\"\nmethods = {methods}\n"));
    finds(&method("[\"get\"]"), &[("bad_method", "\"get\"", "write `GET`")]);
    finds(&method("[\"G T\"]"), &[("bad_method", "\"G T\"", "no HTTP method")]);
    finds(&method("[]"), &[("empty_list", "[]", "leave `methods` out")]);
    finds(&method("[\"GET\", \"GET\"]"), &[("no_effect", "\"GET\"", "named twice")]);
}

#[test]
fn what_the_log_leaves_out_and_hides() {
    let config = sound(&format!(
        "[log]\nsync = \"interval:50ms\"\ncheckpoint_copy = \"elsewhere\"\n[log.redact]\nhash = [\"principal\", \"principal.email\"]\n\
         [[log.drop]]\npath = [\"/healthz\"]\nkeep = 0.01\n[[log.drop]]\nallowed = true\nkeep = 1\n{APP}"
    ));
    let log = config.log;
    assert_eq!(log.sync, portcullis_record::SyncPoint::Every(Duration::from_millis(50)));
    assert!(log.checkpoint_copy.unwrap().ends_with("elsewhere"));
    assert_eq!(log.hash.len(), 2);
    assert_eq!(log.drop.iter().map(|rule| rule.keep_per_million).collect::<Vec<_>>(), [10_000, 1_000_000]);
    assert!(log.drop.iter().all(|rule| !rule.denials));

    let with = |text: &str| format!("{text}\n{APP}");
    finds(&with("[log]\nsync = \"interval:0s\""), &[("bad_sync", "\"interval:0s\"", "does not say when")]);
    finds(&with("[log]\nsync = \"answer\""), &[("bad_sync", "\"answer\"", "does not say when")]);
    finds(&with("[[log.drop]]\nkeep = 1.5"), &[("out_of_range", "1.5", "out of range: `1.5`")]);
    finds(&with("[[log.drop]]\ndenials = true"), &[("denials_left_out", "true", "denials are left out")]);
    finds(&with("[log.redact]\nhash = [\"who\"]"), &[("bad_name", "\"who\"", "cannot be given a pseudonym")]);
}
