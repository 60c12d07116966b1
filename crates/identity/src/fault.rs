//! Everything that can be wrong with a credential: for each fault its stable code, the sentence the caller may
//! read, and which answer it leads to. One table, so that records, metrics, `explain` and the book agree.

use crate::Absence;

/// What is wrong with a credential. `public` may be told to the caller; `detail` is for the record and never holds
/// the credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialFault {
    /// Stable code for records, metrics and `explain`: `token_expired`, `token_signature`, `token_audience`, ….
    pub code: &'static str,
    /// A sentence for the caller: "The access token expired".
    pub public: &'static str,
    /// For the operator: "expired at …, 310 s ago".
    pub detail: String,
}

/// One row of [`FAULTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Stable code.
    pub code: &'static str,
    /// The sentence for the caller.
    pub public: &'static str,
    /// Which absence it is.
    pub answer: FaultAnswer,
}

/// Which [`Absence`] a fault is, and so which status the caller gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultAnswer {
    /// 400 `invalid_request` (RFC 6750 §3.1).
    Malformed,
    /// 401 `invalid_token` (RFC 6750 §3.1).
    Invalid,
    /// 503: it cannot be checked now.
    Unavailable,
}

impl Fault {
    /// The absence this fault is, with what the operator should know.
    pub(crate) fn because(&self, detail: impl Into<String>) -> Absence {
        let fault = CredentialFault { code: self.code, public: self.public, detail: detail.into() };
        match self.answer {
            FaultAnswer::Malformed => Absence::Malformed(fault),
            FaultAnswer::Invalid => Absence::Invalid(fault),
            FaultAnswer::Unavailable => Absence::Unavailable(fault),
        }
    }
}

macro_rules! faults {
    ($($name:ident $answer:ident $code:literal $public:literal)*) => {
        $(pub(crate) const $name: Fault =
            Fault { code: $code, public: $public, answer: FaultAnswer::$answer };)*
        /// Every fault there is.
        pub const FAULTS: &[Fault] = &[$($name),*];
    };
}

faults! {
    CREDENTIALS_REPEATED Malformed "credentials_repeated" "More than one credential was sent"
    CREDENTIALS_FORM Malformed "credentials_malformed" "The credential is not in the form its scheme requires"
    CREDENTIALS_LENGTH Malformed "credentials_too_long" "The credential is too long"

    TOKEN_FORM Invalid "token_malformed" "The access token is not a valid JWT"
    TOKEN_HEADER Invalid "token_header" "The access token has a header that is not accepted"
    TOKEN_TYPE Invalid "token_type" "The token is not an access token"
    TOKEN_ALGORITHM Invalid "token_algorithm" "The access token is signed with an algorithm that is not accepted"
    TOKEN_ISSUER Invalid "token_issuer" "The access token is from an issuer that is not accepted"
    TOKEN_KEY Invalid "token_key" "The access token is signed with an unknown key"
    TOKEN_SIGNATURE Invalid "token_signature" "The signature of the access token is not valid"
    TOKEN_AUDIENCE Invalid "token_audience" "The access token is for another audience"
    TOKEN_EXPIRED Invalid "token_expired" "The access token expired"
    TOKEN_NOT_YET Invalid "token_not_yet_valid" "The access token is not valid yet"
    TOKEN_TIME Invalid "token_time" "The access token has a time that makes no sense"
    TOKEN_SUBJECT Invalid "token_subject" "The access token does not say who it is for"
    TOKEN_CLAIM Invalid "token_claim" "The access token has a claim of the wrong type"

    KEYS_UNAVAILABLE Unavailable "keys_unavailable" "The access token cannot be checked right now"
    KEYS_STALE Unavailable "keys_stale" "The access token cannot be checked right now"
    GROUPS_OVERAGE Unavailable "groups_overage" "The groups of the caller cannot be determined right now"
    CLAIMS_ELSEWHERE Unavailable "claims_elsewhere" "The access token cannot be evaluated right now"
    CLOCK_WRONG Unavailable "clock_wrong" "The access token cannot be checked right now"

    API_KEY_UNKNOWN Invalid "api_key_unknown" "The API key is not known"
    API_KEY_REVOKED Invalid "api_key_revoked" "The API key was revoked"
    API_KEY_EXPIRED Invalid "api_key_expired" "The API key expired"
    API_KEYS_UNAVAILABLE Unavailable "api_keys_unavailable" "The API key cannot be checked right now"
}

#[cfg(test)]
mod tests {
    use super::{FAULTS, FaultAnswer};

    #[test]
    fn codes_are_unique_and_sentences_are_plain() {
        let mut codes: Vec<_> = FAULTS.iter().map(|fault| fault.code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), FAULTS.len());
        // Sentences go into `error_description`, whose characters RFC 6750 §3 limits.
        for fault in FAULTS {
            assert!(
                fault.public.bytes().all(|b| matches!(b, 0x20..=0x7e) && b != b'"' && b != b'\\'),
                "{fault:?}"
            );
        }
    }

    #[test]
    fn only_a_fault_of_ours_is_unavailable() {
        for fault in FAULTS {
            let of_ours = fault.public.ends_with("right now");
            assert_eq!(of_ours, fault.answer == FaultAnswer::Unavailable, "{fault:?}");
        }
    }
}
