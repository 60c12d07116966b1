//! The files of one scenario's world.

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use mmdb_writer::{Value, Writer};
use portcullis_identity::dev_issuer::DevIssuer;

use super::case::Case;

pub(super) const ISSUER: &str = "https://issuer.test";

/// One key for all scenarios: what differs between them is what they sign.
pub(super) static KEYS: LazyLock<DevIssuer> = LazyLock::new(|| DevIssuer::generate("ES256").unwrap());

/// Writes the folder.
pub(super) fn write(case: &Case, origin: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    put("portcullis.toml", configuration(case, origin).as_bytes());
    put("jwks.json", KEYS.jwks().as_bytes());
    put("policies/written.cedar", case.given.policies.as_bytes());
    put("schema.cedarschema", case.given.schema.as_bytes());
    put("directory/written.toml", case.given.directory.as_bytes());
    if !case.given.countries.is_empty() {
        put("country.mmdb", &database(&case.given.countries, "country", SystemTime::now()));
    }
    if !case.given.stale_regions.is_empty() {
        let long_ago = SystemTime::now() - Duration::from_secs(400 * 24 * 60 * 60);
        put("region.mmdb", &database(&case.given.stale_regions, "region", long_ago));
    }
    folder
}

fn configuration(case: &Case, origin: &str) -> String {
    let given = &case.given;
    let trusted = case.request.as_ref().is_none_or(|request| !request.untrusted_peer);
    let mut databases = Vec::new();
    databases.extend((!given.countries.is_empty()).then_some("country.mmdb"));
    databases.extend((!given.stale_regions.is_empty()).then_some("region.mmdb"));
    let upstream =
        if given.app.contains("upstream") { String::new() } else { format!("upstream = \"{origin}\"") };
    const POLICIES: &str = "[policies]\nfolder = \"policies\"\nschema = \"schema.cedarschema\"";
    let policies = if given.configuration.contains("[policies]") { "" } else { POLICIES };
    let configuration = given.configuration.replace("[policies]", POLICIES);
    format!(
        r#"
[server]
listen = "127.0.0.1:1"
trusted_peers = [{trusted}]
data = "data"
{policies}
[directory]
folder = "directory"
[geo]
databases = {databases:?}
max_age = "60d"
[api_keys]
enabled = true
{configuration}
[[issuer]]
issuer = "{ISSUER}"
audiences = ["shop"]
jwks_file = "jwks.json"
algorithms = ["ES256"]
types = ["at+jwt"]
[issuer.claims]
tier = "tier"
device = "device_id"
[[app]]
name = "shop"
hosts = ["shop.test"]
{upstream}
{app}
{routes}
"#,
        trusted = if trusted { "\"127.0.0.1/32\"" } else { "" },
        app = given.app,
        routes = given.routes.replace("@NOT_NOW@", &not_now()),
    )
}

/// A daily window two to three hours from now, in UTC.
fn not_now() -> String {
    let hour = portcullis_context::TimeZone::utc().moment(SystemTime::now()).minute / 60;
    format!("Mon-Sun {:02}:00-{:02}:00", (hour + 2) % 24, (hour + 3) % 24)
}

fn database(networks: &std::collections::BTreeMap<String, String>, what: &str, built: SystemTime) -> Vec<u8> {
    let kind = if what == "country" { "Test-Country" } else { "Test-City" };
    let mut writer = Writer::builder(kind).build_epoch(built).build();
    for (network, name) in networks {
        let code = Value::map([("iso_code", Value::String(name.clone()))]);
        let record = if what == "country" {
            Value::map([("country", code)])
        } else {
            Value::map([("subdivisions", Value::array([code]))])
        };
        writer.insert_value(network.parse::<ipnet::IpNet>().unwrap(), record).unwrap();
    }
    writer.to_bytes().unwrap()
}

/// A token of the scenario's issuer: a good one, but for the claims that the scenario names.
pub(super) fn token(claims: &serde_json::Map<String, serde_json::Value>) -> String {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let now = i64::try_from(now).unwrap();
    let mut all = serde_json::json!({ "iss": ISSUER, "aud": "shop", "iat": now, "auth_time": now });
    let members = all.as_object_mut().unwrap();
    members.insert("exp".into(), (now + 600).into());
    for (name, value) in claims {
        if name == "exp_in" {
            members.insert("exp".into(), (now + value.as_i64().unwrap()).into());
            members.insert("iat".into(), (now + value.as_i64().unwrap() - 600).into());
            members.insert("auth_time".into(), (now + value.as_i64().unwrap() - 600).into());
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    KEYS.sign(&all, "at+jwt").unwrap()
}

/// Makes the scenario's API key in its data folder.
pub(super) fn api_key(folder: &Path, key: &super::case::ApiKey) -> String {
    let store = portcullis_identity::KeyStore::open(&folder.join("data/state.sqlite")).unwrap();
    let (info, secret) = store
        .create(&portcullis_identity::NewKey {
            kind: portcullis_identity::PrincipalKind::Service,
            id: key.id.clone(),
            name: String::new(),
            scopes: key.scopes.clone(),
            groups: Vec::new(),
            roles: Vec::new(),
            tier: None,
            expires: None,
        })
        .unwrap();
    if key.revoked {
        assert!(store.revoke(&info.prefix).unwrap());
    }
    secret.expose().to_owned()
}
