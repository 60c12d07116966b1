use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use serde_json::json;

use super::{Absence, Identifier, KeysState};
use crate::testing::{
    self, ALGORITHMS, AUDIENCE, ISSUER, LEEWAY, at, bearer, claims, claims_with, dev, now, present,
};
use crate::{How, IssuerError, IssuerSettings, KeySource, PrincipalKind};

fn code(absence: &Absence) -> &'static str {
    match absence {
        Absence::NoCredential => "no_credential",
        Absence::Malformed(fault) | Absence::Invalid(fault) | Absence::Unavailable(fault) => fault.code,
    }
}

#[test]
fn every_algorithm_identifies() {
    for algorithm in ALGORITHMS {
        let issuer = dev(algorithm);
        let identifier = testing::identifier(&[issuer.jwk()]);
        let token = issuer.sign(&claims(), "at+jwt").unwrap();
        let principal = identifier.identify(&bearer(&token), now()).unwrap();
        assert_eq!(principal.id, "test|alice", "{algorithm}");
        assert_eq!(principal.kind, PrincipalKind::User);
        let how = How::Token { issuer: ISSUER.to_owned(), key_id: Some(issuer.key_id().to_owned()) };
        assert_eq!(principal.how, how);
        assert_eq!(principal.expires, Some(at(present() + 300)));
    }
}
