use std::collections::BTreeMap;
use std::time::SystemTime;

use portcullis_context::{Moment, Place};
use portcullis_identity::PrincipalKind;
use portcullis_request::{Connection, Loosened, Reference, Rules, TrustedPeers, admit};

use super::*;

fn limit(name: &str, by: LimitBy, tiers: &[&str], requests: u32) -> Arc<Limit> {
    let requests = NonZeroU32::new(requests).unwrap();
    let tiers = tiers.iter().map(|tier| (*tier).to_owned()).collect();
    Arc::new(Limit::new(name.to_owned(), by, tiers, requests, Duration::from_secs(3600), requests))
}

fn request(client: &str) -> CanonicalRequest {
    let head = http::Request::builder().uri("/x").header("host", "shop.test").body(()).unwrap();
    let trusted = TrustedPeers::default();
    let rules = Rules { trusted: &trusted, loosened: &|_| Loosened::default() };
    let now = SystemTime::now();
    let from = Connection::plain(client.parse().unwrap());
    admit(&head.into_parts().0, &from, &rules, Reference::new(now), now).unwrap()
}

fn situation(tier: &str) -> Situation {
    let nowhere = || "no database".to_owned();
    Situation {
        place: Place {
            country: Fact::Absent(nowhere()),
            region: Fact::Absent(nowhere()),
            asn: Fact::Absent(nowhere()),
        },
        zones: Vec::new(),
        device: Fact::Absent(nowhere()),
        tier: Fact::Known(tier.to_owned()),
        moment: Moment { unix_ms: 0, minute: 0, weekday: 4 },
    }
}

fn caller(id: &str, how: How) -> Principal {
    Principal {
        kind: PrincipalKind::User,
        id: id.to_owned(),
        how,
        attributes: BTreeMap::new(),
        groups: Vec::new(),
        roles: Vec::new(),
        tier: None,
        device: None,
        scopes: Vec::new(),
        acr: None,
        amr: Vec::new(),
        auth_time: None,
        expires: None,
    }
}

fn key(id: &str, prefix: &str) -> Principal {
    caller(id, How::ApiKey { prefix: prefix.to_owned() })
}

/// How many of `asked` in a row are granted.
fn granted(limit: &Arc<Limit>, asked: &[(Option<&Principal>, &str)]) -> Vec<bool> {
    let situation = situation("free");
    let ask = |(caller, client): &(Option<&Principal>, &str)| {
        let mut told = HeaderMap::new();
        let route = std::slice::from_ref(limit);
        by_caller(&[], route, *caller, &request(client), &situation, &mut told).is_ok()
    };
    asked.iter().map(ask).collect()
}

const HERE: &str = "192.0.2.1:1";
const THERE: &str = "192.0.2.2:1";

#[test]
fn each_principal_has_its_own_count_wherever_it_is() {
    let (alice, bob) = (key("alice", "a"), key("bob", "b"));
    let limit = limit("shop/l", LimitBy::Principal, &[], 1);
    let asked = [(Some(&alice), HERE), (Some(&alice), THERE), (Some(&bob), HERE), (None, HERE), (None, HERE)];
    assert_eq!(granted(&limit, &asked), [true, false, true, true, false]);
}

#[test]
fn a_user_and_a_service_of_one_name_are_two() {
    let user = key("robot", "a");
    let mut service = user.clone();
    service.kind = PrincipalKind::Service;
    let limit = limit("shop/l", LimitBy::Principal, &[], 1);
    assert_eq!(granted(&limit, &[(Some(&user), HERE), (Some(&service), HERE)]), [true, true]);
}

#[test]
fn two_keys_of_one_principal_are_two_credentials() {
    let token = |issuer: &str| caller("alice", How::Token { issuer: issuer.to_owned(), key_id: None });
    let (one, other) = (key("alice", "a"), key("alice", "b"));
    let (here, there) = (token("https://a"), token("https://b"));
    let limit = limit("shop/l", LimitBy::Credential, &[], 1);
    let asked = [(Some(&one), HERE), (Some(&other), HERE), (Some(&here), HERE), (Some(&there), HERE)];
    assert_eq!(granted(&limit, &asked), [true; 4]);
    assert_eq!(granted(&limit, &asked), [false; 4]);
}

#[test]
fn everybody_shares_one() {
    let limit = limit("shop/l", LimitBy::Everybody, &[], 1);
    assert_eq!(granted(&limit, &[(None, HERE), (Some(&key("alice", "a")), THERE)]), [true, false]);
}

#[test]
fn other_plans_are_not_counted() {
    let alice = key("alice", "a");
    let premium = limit("shop/l", LimitBy::Principal, &["premium"], 1);
    assert_eq!(granted(&premium, &[(Some(&alice), HERE); 3]), [true; 3]);
    assert_eq!(premium.keys(), 0);
    let free = limit("shop/l", LimitBy::Principal, &["free"], 1);
    assert_eq!(granted(&free, &[(Some(&alice), HERE); 2]), [true, false]);
}

#[test]
fn addresses_are_counted_apart_from_callers() {
    let limits = [limit("shop/a", LimitBy::Address, &[], 1), limit("shop/p", LimitBy::Principal, &[], 1)];
    let mut told = HeaderMap::new();
    assert!(by_address(&limits, &request(HERE), &mut told).is_ok());
    let exceeded = by_address(&limits, &request(HERE), &mut told).unwrap_err();
    assert_eq!(exceeded.name, "shop/a");
    assert!(exceeded.retry_after > Duration::from_secs(3000), "{exceeded:?}");
    assert!(by_address(&limits, &request(THERE), &mut told).is_ok());
    assert_eq!(limits[1].keys(), 0, "the caller's own limit is not touched");
}

/// A limit that is configured is counted at exactly one place.
#[test]
fn addresses_count_for_an_app_before_and_for_a_route_after_the_decision() {
    let of_app = [limit("shop/a", LimitBy::Address, &[], 1)];
    let of_route = [limit("shop/items/a", LimitBy::Address, &[], 1)];
    let ask = |client: &str| {
        let (situation, mut told) = (situation("free"), HeaderMap::new());
        by_caller(&of_app, &of_route, None, &request(client), &situation, &mut told)
    };
    assert!(ask(HERE).is_ok() && ask(THERE).is_ok());
    assert_eq!(ask(HERE).map_err(|exceeded| exceeded.name), Err("shop/items/a".to_owned()));
    assert_eq!(of_app[0].keys(), 0, "not counted twice");
}

#[test]
fn where_a_caller_stands_is_told_each_time() {
    let limits = [limit("shop/a", LimitBy::Address, &[], 2)];
    let mut told = HeaderMap::new();
    by_address(&limits, &request(HERE), &mut told).unwrap();
    assert_eq!(told["ratelimit-policy"], "\"shop/a\";q=2;w=3600");
    assert!(told["ratelimit"].to_str().unwrap().starts_with("\"shop/a\";r=1;t="), "{told:?}");
}

#[test]
fn the_same_limit_goes_on_counting_and_a_changed_one_begins_anew() {
    let before = limit("shop/l", LimitBy::Everybody, &[], 1);
    assert_eq!(granted(&before, &[(None, HERE)]), [true]);
    let same = limit("shop/l", LimitBy::Everybody, &[], 1);
    same.adopt(&before);
    assert_eq!(granted(&same, &[(None, HERE)]), [false]);
    let changed = limit("shop/l", LimitBy::Everybody, &[], 2);
    changed.adopt(&before);
    assert_eq!(granted(&changed, &[(None, HERE)]), [true]);
}
