#![allow(clippy::unwrap_used, clippy::panic, reason = "that is how a test fails")]

use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519, date_time_ymd,
};

use super::*;

/// A day in January 2027.
const NOW: Duration = Duration::from_secs(1_800_000_000);

struct Made {
    chain: String,
    key: String,
}

fn made(names: &[&str], tune: impl FnOnce(&mut CertificateParams)) -> Made {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    tune(&mut params);
    let key = KeyPair::generate().unwrap();
    Made { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
}

fn pem<'a>(chain: &'a str, key: &'a str) -> CertificatePem<'a> {
    CertificatePem {
        chain_file: "chain.pem",
        chain: chain.as_bytes(),
        key_file: "key.pem",
        key: key.as_bytes(),
    }
}

fn fault(pems: &[CertificatePem<'_>], nameless: Nameless) -> String {
    match CertificateSet::read(pems, nameless, NOW) {
        Ok(_) => panic!("it was read"),
        Err(fault) => fault.to_string(),
    }
}

#[test]
fn a_fault_names_its_file_and_nothing_in_it() {
    let (one, other) = (made(&["a"], |_| {}), made(&["a"], |_| {}));
    let client =
        made(&["a"], |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let nobody = made(&[], |_| {});
    let broken = one.key.replace('M', "!");
    let cases = [
        (vec![], "there is no certificate"),
        (vec![pem("", &one.key)], "`chain.pem` has no certificate"),
        (vec![pem(&one.key, &one.key)], "`chain.pem` has no certificate"),
        (vec![pem(&one.chain, "")], "`key.pem` has no private key"),
        (vec![pem(&one.chain, &one.chain)], "`key.pem` has no private key"),
        (vec![pem(&one.chain, &broken)], "`key.pem` has no private key"),
        (
            vec![pem(&one.chain, &other.key)],
            "the key in `key.pem` is not that of the first certificate in `chain.pem`",
        ),
        (vec![pem(&client.chain, &client.key)], "the first certificate in `chain.pem` cannot be served"),
        (vec![pem(&nobody.chain, &nobody.key)], "the first certificate in `chain.pem` names no host"),
        (vec![pem(&one.chain, &one.key), pem(&one.chain, &other.key)], "the key in `key.pem` is not"),
    ];
    for (pems, expected) in cases {
        let fault = fault(&pems, Nameless::Refused);
        assert!(fault.starts_with(expected), "{fault}");
        assert!(fault.contains("; ") || fault.contains("cannot be served: "), "a hint: {fault}");
        let secret = one.key.lines().nth(1).unwrap();
        assert!(!fault.contains(&secret[..16]), "{fault}");
    }
}

#[test]
fn a_certificate_for_addresses_alone_is_for_the_nameless() {
    let address = made(&["192.0.2.1"], |_| {});
    let host = made(&["a"], |_| {});
    let (address, host) = (pem(&address.chain, &address.key), pem(&host.chain, &host.key));
    assert!(fault(&[address], Nameless::Refused).contains("names no host"));
    assert!(
        fault(&[host, address], Nameless::First).contains("names no host"),
        "only the first is ever shown"
    );
    let set = CertificateSet::read(&[address, host], Nameless::First, NOW).unwrap();
    assert!(set.holds(None) && set.holds(Some("a")) && !set.holds(Some("b")));
    let set = CertificateSet::read(&[host], Nameless::Refused, NOW).unwrap();
    assert!(!set.holds(None));
}

#[test]
fn time_is_warned_of() {
    let past = made(&["a"], |params| params.not_after = date_time_ymd(2020, 1, 1));
    let future = made(&["b"], |params| params.not_before = date_time_ymd(2040, 1, 1));
    let set = CertificateSet::read(
        &[pem(&past.chain, &past.key), pem(&future.chain, &future.key)],
        Nameless::Refused,
        NOW,
    )
    .unwrap();
    let file = "chain.pem".to_owned();
    assert_eq!(
        set.warnings(),
        [CertificateWarning::Expired(file.clone()), CertificateWarning::NotYetValid(file)]
    );
    assert!(set.holds(Some("a")) && set.holds(Some("b")), "callers are told by the certificate itself");
}

#[test]
fn one_name_has_one_key_of_each_kind() {
    let of_kind = |kind| {
        let key = KeyPair::generate_for(kind).unwrap();
        let params = CertificateParams::new(vec!["a".to_owned()]).unwrap();
        Made { chain: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    };
    let (curve, edwards, again) =
        (of_kind(&PKCS_ECDSA_P256_SHA256), of_kind(&PKCS_ED25519), of_kind(&PKCS_ECDSA_P256_SHA256));
    let pems = [&curve, &edwards, &again].map(|made| pem(&made.chain, &made.key));
    let set = CertificateSet::read(&pems, Nameless::Refused, NOW).unwrap();
    assert_eq!(set.names.of(Some("a")).len(), 2);
    assert_eq!(
        set.warnings(),
        [CertificateWarning::Shadowed { file: "chain.pem".to_owned(), name: "a".to_owned() }]
    );
}

#[test]
fn wildcards_stand_for_one_label() {
    let wild = made(&["*.shop.example"], |_| {});
    let set = CertificateSet::read(&[pem(&wild.chain, &wild.key)], Nameless::Refused, NOW).unwrap();
    for (name, held) in [
        ("a.shop.example", true),
        ("A.Shop.Example", true),
        ("a.b.shop.example", false),
        ("shop.example", false),
        (".shop.example", false),
        ("ashop.example", false),
    ] {
        assert_eq!(set.holds(Some(name)), held, "{name}");
    }
}
