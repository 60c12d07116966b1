//! From credentials to a principal, or to the reason why there is none.






/// Why there is no principal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absence {
    /// No credential was sent: 401 with a challenge and no error code.
    NoCredential,
    /// The credential is not in the form of one (two of them, an empty one, an unknown scheme…): 400
    /// `invalid_request`.
    Malformed(CredentialFault),
    /// A credential that does not hold (expired, bad signature, wrong audience, revoked …): 401 `invalid_token`.
    Invalid(CredentialFault),
    /// It cannot be checked now (no usable keys): 503.
    Unavailable(CredentialFault),
}

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

// pub struct Identifier;
// impl Identifier {
//     /// Says who sent these headers, without touching network or disk.
//     pub fn identify(&self, headers: &http::HeaderMap, now: SystemTime) -> Result<Arc<Principal>, Absence>;
// }
