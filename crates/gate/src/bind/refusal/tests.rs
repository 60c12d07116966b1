use portcullis_identity::FAULTS;
use portcullis_policy::StepUp;
use portcullis_response::catalogue;

use super::*;

fn reason(code: &str, status: ReasonStatus) -> PublicReason {
    PublicReason { code: code.to_owned(), message: None, status, help: None }
}

#[test]
fn every_code_we_say_has_a_page() {
    for fault in FAULTS {
        assert!(catalogue::find(fault.code).is_some(), "`{}` has no page", fault.code);
    }
    for code in ["cannot_decide", "access_denied", "log_unavailable", "credentials_required", "misdirected"] {
        assert!(catalogue::find(code).is_some(), "`{code}` has no page");
    }
}

#[test]
fn what_hides_is_said_first_and_a_step_up_last() {
    let step_up = reason("step_up_required", ReasonStatus::StepUp(StepUp::default()));
    let scope = reason("insufficient_scope", ReasonStatus::InsufficientScope { scope: "a".to_owned() });
    let plain = reason("region_restricted", ReasonStatus::Forbidden);
    let legal = reason("legal_restriction", ReasonStatus::Legal { blocked_by: None });
    let hidden = reason("not_found", ReasonStatus::Hidden);
    let ranks: Vec<_> = [&hidden, &legal, &plain, &scope, &step_up].into_iter().map(rank).collect();
    assert!(ranks.is_sorted() && ranks.windows(2).all(|pair| pair[0] != pair[1]), "{ranks:?}");
}

#[test]
fn reasons_become_the_refusal_of_their_status() {
    let hidden = refusal(&reason("not_found", ReasonStatus::Hidden));
    assert_eq!((hidden.status().as_u16(), hidden), (404, Refusal::Hidden));
    let legal =
        refusal(&reason("x", ReasonStatus::Legal { blocked_by: Some("https://court.example".to_owned()) }));
    assert_eq!(legal, Refusal::Legal(said("x"), Some("https://court.example".to_owned())));
    let asked = StepUp { acr_values: vec!["mfa".to_owned()], max_age: Some(900) };
    let step_up = refusal(&reason("x", ReasonStatus::StepUp(asked)));
    assert_eq!(step_up.status(), 401);
    assert_eq!(
        step_up,
        Refusal::Unauthenticated(
            said("x"),
            Challenge::StepUp { acr_values: vec!["mfa".to_owned()], max_age: Some(900) }
        )
    );
}

#[test]
fn an_outage_is_never_a_403() {
    let fault = CredentialFault { code: "keys_unavailable", public: "Try again", detail: String::new() };
    assert_eq!(absence(&Absence::Unavailable(fault.clone())).status(), 503);
    assert_eq!(absence(&Absence::Invalid(fault.clone())).status(), 401);
    assert_eq!(absence(&Absence::Malformed(fault)).status(), 400);
    assert_eq!(absence(&Absence::NoCredential).status(), 401);
}
