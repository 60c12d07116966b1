use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_context::Directory;
use portcullis_decision::{Program, World};
use portcullis_gate::{App, Apps, ForbidFault, OriginTarget, Route, bind};
use portcullis_policy::{Policies, SourceText};
use portcullis_record::{Door, Entry, PrincipalEntry, RequestEntry, Stage, VerdictEntry};
use portcullis_request::{Loosened, PathPattern};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::line::{self, Line};
use super::plan::Plan;
use super::put::Scratch;
use super::work::Asking;
use super::*;
use crate::rulebook::world_without;
use crate::{Question, Rulebook};

const POLICIES: &str = r#"
    @id("staff") permit (principal in Group::"staff", action, resource);
    @id("premium") @otherwise("tier_required")
    permit (principal is User, action, resource == Route::"shop/premium")
    when { principal has tier && principal.tier == "premium" };
    @id("robots") permit (principal is Service, action == Action::"GET", resource);
    @id("like-bob") permit (principal is User, action == Action::"PATCH", resource)
    when { User::"bob" has tier && User::"bob".tier == "gold" };
    @id("region") @reason("region_restricted")
    forbid (principal, action, resource == Route::"shop/premium")
    when { context.geo has country && context.geo.country == "KP" };
    @id("device") @reason("device_untrusted")
    forbid (principal, action == Action::"POST", resource)
    unless { context has device && context.device has compliant && context.device.compliant };
    @id("inside") @reason("network_restricted")
    forbid (principal in Role::"contractor", action, resource)
    unless { context.network.ip.isInRange(ip("10.0.0.0/8")) || context.network.zones.contains("office") };
    @id("later") @reason("outside_hours")
    forbid (principal, action == Action::"DELETE", resource)
    when { context.time.now < datetime("2026-06-01") };
    @id("secret") @reason("secret")
    forbid (principal, action, resource == Route::"shop/premium")
    when { context.request.path like "/premium/secret*" && context.auth.method == "none" };
    @id("never") forbid (principal == User::"carol", action, resource);
"#;

const DIRECTORY: &str = r#"
    [[group]]
    id = "team"
    groups = ["staff"]
    [[group]]
    id = "staff"
    [[role]]
    id = "contractor"
    [[user]]
    id = "alice"
    tier = "premium"
    groups = ["staff"]
    [[user]]
    id = "bob"
    tier = "gold"
    groups = ["staff"]
    roles = ["contractor"]
    [[service]]
    id = "robot"
    roles = ["contractor"]
"#;

pub(crate) fn apps() -> Apps {
    let route = |name: &str, pattern: &str, public| Route {
        name: name.to_owned(),
        pattern: PathPattern::parse(pattern).unwrap(),
        methods: Vec::new(),
        public,
        entity: format!("shop/{name}"),
        payload: None,
        limits: Vec::new(),
    };
    Apps::new(vec![App {
        name: "shop".to_owned(),
        hosts: vec!["shop.test".to_owned()],
        mount: PathPattern::parse("/**").unwrap(),
        branding: Default::default(),
        loosened: Loosened::default(),
        https: None,
        origin: Arc::new(OriginTarget::plain("127.0.0.1:9".parse().unwrap())),
        forward_credentials: false,
        limits: Vec::new(),
        routes: vec![route("premium", "/premium/**", true), route("inner", "/inner/**", false)],
    }])
}

fn policies(text: &str) -> Policies {
    let written = SourceText { name: "policies/shop.cedar".to_owned(), text: text.to_owned() };
    let loaded = Policies::load(&[written], None, &[]);
    loaded.policies.unwrap_or_else(|| panic!("{:?}", loaded.findings))
}

fn directory() -> Directory {
    Directory::load(&[("directory.toml".to_owned(), DIRECTORY.to_owned())]).unwrap()
}

fn candidate(text: &str, found: Routes) -> Candidate {
    Candidate::new(policies(text), apps(), &directory(), ForbidFault::Unavailable, found).unwrap()
}

fn line_of(entry: &Entry) -> Vec<u8> {
    let object = serde_json::to_string(entry).unwrap();
    format!("{{\"kind\":\"decision\",\"v\":1,{}", &object[1..]).into_bytes()
}

/// What the candidate says of a record that says it was allowed.
fn fast(candidate: &Candidate, line: &[u8]) -> String {
    let Ok(Line::Decision(mut recorded)) = line::parse(line) else { panic!("a decision") };
    let said = recorded.verdict.take().unwrap();
    let mut plan = Plan::new(candidate.program.reads());
    let (mut scratch, mut report) = (Scratch::default(), Report::default());
    let facts = std::mem::take(&mut recorded.facts.0);
    scratch.prepare(&facts, &recorded, &mut plan);
    let asking = Asking { candidate, recorded: &recorded, was: Standing::Allowed, said: &said };
    let change = asking.ask(facts, &plan, &mut scratch, &mut report);
    change.map_or("allowed".to_owned(), |change| change.would)
}

/// What the slow way is made of.
struct Whole {
    policies: Policies,
    program: Program,
    world: World,
    directory: Directory,
}

impl Whole {
    fn new() -> Self {
        let (policies, directory) = (policies(POLICIES), directory());
        let program = Program::compile_with_schema(&policies.set, &policies.schema).unwrap();
        let entities = bind::entities::entities(&directory, &apps(), &policies.schema).unwrap();
        let world = World::new(&program, &entities);
        Self { policies, program, world, directory }
    }
}

/// The same by way of the whole entry, a question of its own, and a world that was made for this principal.
fn slow(whole: &Whole, entry: &Entry) -> String {
    let Whole { policies, program, world, directory } = whole;
    let question = match Question::recorded(entry, program.reads()) {
        Ok(question) => question,
        Err(_) => return "unknown".to_owned(),
    };
    let world = world_without(world, &question.principal);
    let rulebook =
        Rulebook { program, world: &world, policies, directory, on_forbid_fault: ForbidFault::Unavailable };
    let answer = rulebook.answer(&question);
    let was_broken =
        |fact: &String| entry.missing.get(fact).is_some_and(|why| why.starts_with("unavailable: "));
    if !answer.undecided.iter().all(was_broken) {
        return "unknown".to_owned();
    }
    match answer.refusal {
        None => "allowed".to_owned(),
        Some(refusal) => format!("{} {}", refusal.status().as_u16(), refusal.code()),
    }
}

fn entry() -> Entry {
    Entry {
        reference: "0198f3a0-0000-7000-8000-000000000001".to_owned(),
        time: "2026-03-03T12:00:00.123456Z".to_owned(),
        door: Door::Proxy,
        stage: Stage::Decide,
        request: RequestEntry {
            method: "GET".to_owned(),
            scheme: "https".to_owned(),
            host: "shop.test".to_owned(),
            path: "/premium/a/b/c".to_owned(),
            client: "192.0.2.7".to_owned(),
            ..RequestEntry::default()
        },
        app: Some("shop".to_owned()),
        route: Some("premium".to_owned()),
        principal: Some(PrincipalEntry {
            kind: "User".to_owned(),
            id: "alice".to_owned(),
            method: "token".to_owned(),
            issuer: Some("https://login.test".to_owned()),
            key: None,
        }),
        absence: None,
        facts: BTreeMap::from([
            ("action".to_owned(), json!("GET")),
            ("resource".to_owned(), json!("Route::\"shop/premium\"")),
            ("context.auth.method".to_owned(), json!("jwt")),
            ("context.network.ip".to_owned(), json!("192.0.2.7")),
            ("context.network.zones".to_owned(), json!([])),
            ("context.request.path".to_owned(), json!("/premium/a/b/c")),
            ("context.time.now".to_owned(), json!("2026-07-01T00:00:00Z")),
        ]),
        missing: BTreeMap::new(),
        complete: true,
        verdict: Some(VerdictEntry {
            decision: "allow".to_owned(),
            policies: vec!["old".to_owned()],
            nearest: Vec::new(),
            errors: Vec::new(),
            undecided: Vec::new(),
        }),
        reason: None,
        status: None,
        detail: None,
        snapshot: "s".to_owned(),
        decided_us: 1,
    }
}

/// A fact that is recorded, absent, broken, or not told at all.
fn told(
    path: &'static str,
    values: Vec<Json>,
) -> impl Strategy<Value = (&'static str, Option<Result<Json, String>>)> {
    let value = prop::sample::select(values).prop_map(|value| Some(Ok(value)));
    let absent = Just(Some(Err("absent: nobody knows".to_owned())));
    let broken = Just(Some(Err("unavailable: it is broken".to_owned())));
    prop_oneof![4 => value, 1 => absent, 1 => broken, 2 => Just(None)].prop_map(move |told| (path, told))
}

fn facts() -> impl Strategy<Value = Vec<(&'static str, Option<Result<Json, String>>)>> {
    let texts = |texts: &[&str]| texts.iter().map(|text| json!(text)).collect::<Vec<_>>();
    (
        told("principal.tier", texts(&["premium", "gold", "free", "REDACTED", "pre…"])),
        told("context.geo.country", texts(&["KP", "DE", "a \"quoted\" one", "REDACTED"])),
        told("context.device.compliant", vec![json!(true), json!(false), json!(7), Json::Null]),
        told("context.device.managed", vec![json!(true)]),
        told("context.network.ip", texts(&["10.1.2.3", "192.0.2.1", "nonsense"])),
        told("context.network.zones", vec![json!([]), json!(["office"]), json!(["office", "REDACTED"])]),
        told("context.time.now", texts(&["2026-03-03T12:00:00.5Z", "2026-07-01T00:00:00Z", "soon"])),
        told("context.request.path", texts(&["/premium/secret", "/premium/a", "/premium/s…"])),
        told("context.auth.method", texts(&["none", "jwt"])),
        told("context.device", vec![json!({"compliant": true}), json!("REDACTED")]),
        told(
            "principal.in",
            vec![json!(["Group::\"team\""]), json!(["Role::\"contractor\"", "Group::\"x\\\"y\""])],
        ),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i, j, k)| vec![a, b, c, d, e, f, g, h, i, j, k])
}

fn entries() -> impl Strategy<Value = Entry> {
    let people = [("User", "alice"), ("User", "bob"), ("User", "carol"), ("Service", "robot"), ("", "")];
    let actions = ["GET", "POST", "DELETE", "PATCH"];
    (
        facts(),
        prop::sample::select(people.to_vec()),
        prop::sample::select(actions.to_vec()),
        any::<[bool; 3]>(),
    )
        .prop_map(|(facts, (kind, id), action, [complete, left_out, odd])| {
            let mut entry = entry();
            entry.complete = complete;
            entry.facts.insert("action".to_owned(), json!(action));
            for (path, told) in facts {
                entry.facts.remove(path);
                match told {
                    Some(Ok(value)) => drop(entry.facts.insert(path.to_owned(), value)),
                    Some(Err(why)) => drop(entry.missing.insert(path.to_owned(), why)),
                    None => {}
                }
            }
            if left_out && odd {
                entry.facts.insert("…".to_owned(), json!(3));
            }
            entry.principal = entry.principal.filter(|_| !kind.is_empty()).map(|principal| PrincipalEntry {
                kind: kind.to_owned(),
                id: id.to_owned(),
                method: if odd { "api_key" } else { "token" }.to_owned(),
                issuer: (!odd).then(|| "https://login.test".to_owned()),
                ..principal
            });
            entry
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// The fast way says what the slow one says, whatever a record tells.
    #[test]
    fn a_line_is_decided_as_its_entry_is(entry in entries()) {
        let both = BOTH.with(Arc::clone);
        let (candidate, whole) = &*both;
        prop_assert_eq!(fast(candidate, &line_of(&entry)), slow(whole, &entry));
    }
}

thread_local! {
    static BOTH: Arc<(Candidate, Whole)> = Arc::new((candidate(POLICIES, Routes::AsRecorded), Whole::new()));
}

#[test]
fn what_the_directory_says_of_the_principal_today_is_not_added() {
    let candidate = candidate(POLICIES, Routes::AsRecorded);
    let mut entry = entry();
    // The directory has alice in staff and on the plan today; the record says she was neither.
    assert_eq!(fast(&candidate, &line_of(&entry)), "403 tier_required");
    entry.facts.insert("principal.in (directory)".to_owned(), json!(["Group::\"team\""]));
    assert_eq!(fast(&candidate, &line_of(&entry)), "allowed", "nesting of groups is the candidate's");
    // Another one, whom a policy names, is as the directory has them.
    let mut other = entry.clone();
    other.facts.insert("action".to_owned(), json!("PATCH"));
    other.facts.remove("principal.in (directory)");
    assert_eq!(fast(&candidate, &line_of(&other)), "allowed");
    other.principal.as_mut().unwrap().id = "bob".to_owned();
    assert_eq!(fast(&candidate, &line_of(&other)), "403 access_denied", "bob himself was not as he is today");
}

/// Policies that asked for one member of a record left nothing about the others.
#[test]
fn a_part_of_a_record_is_not_the_whole() {
    let candidate = candidate(POLICIES, Routes::AsRecorded);
    let mut entry = entry();
    entry.facts.insert("action".to_owned(), json!("POST"));
    entry.facts.insert("principal.tier".to_owned(), json!("premium"));
    entry.facts.insert("context.device.managed".to_owned(), json!(true));
    assert_eq!(fast(&candidate, &line_of(&entry)), "403 device_untrusted", "the record is complete");
    entry.complete = false;
    entry.missing.insert("context.geo.country".to_owned(), "absent: nobody knows".to_owned());
    assert_eq!(fast(&candidate, &line_of(&entry)), "unknown");
    entry.facts.remove("context.device.managed");
    entry.missing.insert("context.device".to_owned(), "absent: no device".to_owned());
    assert_eq!(fast(&candidate, &line_of(&entry)), "403 device_untrusted");
}

#[test]
fn routes_that_are_gone_are_found_anew() {
    let candidate = candidate(POLICIES, Routes::AsRecorded);
    let mut entry = entry();
    entry.facts.insert("resource".to_owned(), json!("Route::\"shop/old\""));
    entry.facts.insert("principal.tier".to_owned(), json!("premium"));
    assert_eq!(fast(&candidate, &line_of(&entry)), "allowed");
    entry.request.path = "/elsewhere".to_owned();
    assert_eq!(fast(&candidate, &line_of(&entry)), "404 not_found");
    entry.request.host = "other.test".to_owned();
    assert_eq!(fast(&candidate, &line_of(&entry)), "421 misdirected");
    entry.request =
        RequestEntry { host: "shop.test".to_owned(), path: "/inner/x".to_owned(), ..entry.request };
    entry.principal = None;
    assert_eq!(fast(&candidate, &line_of(&entry)), "401 credentials_required");
}

#[test]
fn differences_are_counted_grouped_and_shown_by_example() {
    let folder = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for number in 0..40_u32 {
        let mut entry = entry();
        entry.reference = format!("0198f3a0-0000-7000-8000-{number:012x}");
        entry.time = format!("2026-03-03T12:00:{:02}.000000Z", number);
        match number % 4 {
            // Was allowed, and now lacks the plan.
            0 => drop(entry.facts.insert("principal.tier".to_owned(), json!("free"))),
            // Was refused, and now goes on.
            1 => {
                entry.facts.insert("principal.in".to_owned(), json!(["Group::\"staff\""]));
                entry.verdict.as_mut().unwrap().decision = "deny".to_owned();
                (entry.reason, entry.status) = (Some("access_denied".to_owned()), Some(403));
            }
            // Nobody wrote down the plan.
            2 => entry.complete = false,
            _ => {
                entry.verdict = None;
                entry.stage = Stage::Identify;
            }
        }
        lines.extend(line_of(&entry));
        lines.push(b'\n');
        lines.extend_from_slice(b"{\"kind\":\"outcome\",\"v\":1,\"reference\":\"x\"}\n");
    }
    lines.extend_from_slice(b"{\"kind\":\"decision\",\"v\":1,\"refer\n{\"kind\":\"decision\",\"v\":9}\n");
    std::fs::write(folder.path().join("decisions-20260303T120000.000000Z.jsonl"), lines).unwrap();
    let candidate = candidate(POLICIES, Routes::AsRecorded);
    let settings = Settings { examples: 2, ..Settings::default() };
    let report = replay(folder.path(), &candidate, &settings, &()).unwrap();
    let counts: Vec<u64> = Kind::ALL.iter().map(|kind| report.count(*kind)).collect();
    assert_eq!((report.decisions, report.replayed, report.broken, report.newer), (40, 30, 1, 1));
    assert_eq!(counts, [10, 10, 0, 10]);
    assert_eq!(report.before_policies, BTreeMap::from([("identify", 10)]));
    let refused = &report.changes[&Kind::NewlyRefused];
    assert_eq!(refused.by_policy["(no permit; was old)"].count, 10);
    assert_eq!(refused.by_path["shop.test/premium/a/…"].count, 10);
    assert_eq!(refused.by_group["(none)"].examples.len(), 2);
    let oldest = "0198f3a0-0000-7000-8000-000000000000".parse::<portcullis_request::Reference>().unwrap();
    assert_eq!(refused.by_group["(none)"].examples[0], oldest.to_string());
    assert_eq!(refused.by_answer["allowed → 403 tier_required"].count, 10);
    assert_eq!(report.changes[&Kind::NewlyAllowed].by_group["Group::\"staff\""].count, 10);
    assert_eq!(report.not_recorded.get("principal.tier"), Some(&10), "{:?}", report.not_recorded);

    let since = Settings { since: "2026-03-03T12:00:20Z".parse().ok(), ..settings };
    assert_eq!(replay(folder.path(), &candidate, &since, &()).unwrap().decisions, 20);
}
