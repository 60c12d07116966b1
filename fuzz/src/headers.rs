//! Header fields, one `name: value` in each line, as a caller's headers, as its trailers, and as an origin's answer.
//!
//! Holds for every input: after a removal no name is left that folds to one that should have gone; a field goes or
//! stays by its own name alone, whatever stands beside it; what stays keeps its values in order; removing twice is
//! removing once.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use portcullis_request::headers::{
    OWN_PREFIX, connection_has, fold, remove_hop_by_hop, remove_own, remove_unsettable,
    remove_unsettable_trailers,
};
use portcullis_request::{Loosened, TrustedPeers};

use crate::raw_head;

/// What must hold.
pub fn check(input: &[u8]) {
    let sent = raw_head::fields(input.split(|byte| *byte == b'\n'));
    for name in sent.keys() {
        folding(name.as_str());
    }
    unsettable(&sent);
    by_name_alone(&sent, &remove_own);
    by_name_alone(&sent, &remove_unsettable_trailers);
    let mut answer = sent.clone();
    remove_own(&mut answer);
    assert!(!answer.keys().any(|name| fold(name.as_str()).starts_with(OWN_PREFIX)));
    trailers(&sent);
    hop_by_hop(&sent);
    whole_request(sent);
}

fn folding(name: &str) {
    let folded = fold(name);
    assert_eq!(fold(&folded), folded);
    assert_eq!(fold(&name.to_ascii_uppercase()), folded);
    assert_eq!(fold(&name.replace(['_', '.'], "-")), folded);
    assert!(folded.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{folded}");
}

fn unsettable(sent: &HeaderMap) {
    let [mut kept, mut kept_of_trusted] = [sent.clone(), sent.clone()];
    remove_unsettable(&mut kept, false);
    remove_unsettable(&mut kept_of_trusted, true);
    for name in kept.keys() {
        assert!(kept_of_trusted.contains_key(name), "`{name}` of a trusted peer counts for less");
        assert!(!NEVER.contains(&&*fold(name.as_str())), "`{name}` is left");
        assert!(!fold(name.as_str()).starts_with("x-forwarded-"), "`{name}` is left");
    }
    for name in kept_of_trusted.keys().map(|name| fold(name.as_str())) {
        let never =
            name.starts_with(OWN_PREFIX) || name.starts_with("proxy-") || EVEN_OF_TRUSTED.contains(&&*name);
        assert!(!never, "`{name}` is left");
    }
    by_name_alone(sent, &|fields: &mut HeaderMap| remove_unsettable(fields, false));
    by_name_alone(sent, &|fields: &mut HeaderMap| remove_unsettable(fields, true));
    // A name goes exactly if the name goes that a careless server reads in it.
    for name in sent.keys() {
        let plain = HeaderName::from_bytes(fold(name.as_str()).as_bytes()).expect("a folded name is a name");
        for trusted in [false, true] {
            let kept = |name: &HeaderName| {
                let mut alone = HeaderMap::from_iter([(name.clone(), HeaderValue::from_static("x"))]);
                remove_unsettable(&mut alone, trusted);
                !alone.is_empty()
            };
            assert_eq!(kept(name), kept(&plain), "`{name}` and `{plain}` differ");
        }
    }
}

fn trailers(sent: &HeaderMap) {
    let mut kept = sent.clone();
    remove_unsettable_trailers(&mut kept);
    for name in kept.keys() {
        assert_eq!(fold(name.as_str()), name.as_str(), "a trailer that folds to another name is left");
        let known = [
            "grpc-",
            "content-digest",
            "repr-digest",
            "digest",
            "content-md5",
            "x-amz-checksum-",
            "x-checksum",
        ];
        assert!(known.iter().any(|known| name.as_str().starts_with(known)), "the trailer `{name}` is left");
    }
    let mut again = kept.clone();
    remove_unsettable(&mut again, false);
    assert_eq!(again, kept, "a trailer is left that could not be set as a header");
}

fn hop_by_hop(sent: &HeaderMap) {
    let mut kept = sent.clone();
    remove_hop_by_hop(&mut kept);
    let options: Vec<Vec<u8>> = sent
        .get_all("connection")
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|option| option.trim_ascii().to_ascii_lowercase())
        .collect();
    for name in sent.keys() {
        let named = options.iter().any(|option| option == name.as_str().as_bytes());
        let goes = named || HOP_BY_HOP.contains(&name.as_str());
        assert_eq!(kept.contains_key(name), !goes, "`{name}`");
        assert_eq!(connection_has(sent, name.as_str()), named, "`{name}`");
    }
    same_values(sent, &kept);
    let mut again = kept.clone();
    remove_hop_by_hop(&mut again);
    assert_eq!(again, kept);
}

/// A removal looks at names one by one, and changes nothing else.
fn by_name_alone(sent: &HeaderMap, remove: &dyn Fn(&mut HeaderMap)) {
    let mut kept = sent.clone();
    remove(&mut kept);
    for (name, value) in sent {
        let mut alone = HeaderMap::from_iter([(name.clone(), value.clone())]);
        remove(&mut alone);
        assert_eq!(alone.is_empty(), !kept.contains_key(name), "`{name}` goes by more than its name");
    }
    same_values(sent, &kept);
    let mut again = kept.clone();
    remove(&mut again);
    assert_eq!(again, kept, "removing twice is not removing once");
}

fn same_values(sent: &HeaderMap, kept: &HeaderMap) {
    for name in kept.keys() {
        assert!(sent.get_all(name).iter().eq(kept.get_all(name)), "the values of `{name}` changed");
    }
}

/// The door as a whole: what it admits has plain names, few fields and nothing that a caller may not set.
fn whole_request(sent: HeaderMap) {
    let peer = SocketAddr::from(([198, 51, 100, 7], 4711));
    let (target, trusted) = (Uri::from_static("/"), TrustedPeers::default());
    let Ok(request) = raw_head::admitted(target, sent, peer, &trusted, Loosened::default()) else { return };
    assert!(request.headers.len() <= 100);
    assert_eq!(request.headers.get_all("host").iter().count(), 1);
    let lengths = request.headers.get_all("content-length").iter().count();
    let codings = request.headers.get_all("transfer-encoding").iter().count();
    assert!(lengths + codings <= 1, "two ways to find the body's end");
    for (name, value) in &request.headers {
        assert_eq!(fold(name.as_str()), name.as_str(), "`{name}` was admitted");
        assert!(!NEVER.contains(&name.as_str()), "`{name}` was admitted");
        assert!(!value.as_bytes().iter().any(|byte| byte.is_ascii_control() && *byte != b'\t'));
    }
}

/// From a peer that nobody named as trusted.
const NEVER: [&str; 12] = [
    "forwarded",
    "x-real-ip",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-host",
    "proxy",
    "remote-user",
    "x-auth-request-user",
    "x-client-ip",
    "true-client-ip",
    "x-portcullis-user",
];

/// From anybody.
const EVEN_OF_TRUSTED: [&str; 8] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "proxy",
];

/// RFC 9110 §7.6.1, and what only proxies of old know.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];
