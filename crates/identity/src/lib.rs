//! Who asks: bearer tokens against JWKS, API keys. Absence says why.
//!
//! [`Identifier::identify`] never touches network or disk: keys are fetched beside the request path
//! ([`Identifier::refresh_loop`]), API keys re-read beside it ([`ApiKeys::reload_if_changed`]), both swapped whole.
//! This crate does not decide what a caller may do, and renders no answer.

mod algorithm;
mod api_key;
mod base64url;
mod credential;
pub mod dev_issuer;
mod fault;
mod fetch;
mod identify;
mod issuer;
mod jwks;
mod jwt;
mod keys;
mod principal;
mod refresh;
mod secret;
mod strict_json;
#[cfg(test)]
mod testing;
mod text;
mod token_cache;
mod voucher;

pub use api_key::{ApiKeyError, ApiKeys, KeyInfo, KeyStore, NewKey};
pub use fault::{CredentialFault, FAULTS, Fault, FaultAnswer};
pub use fetch::KeyFetcher;
pub use identify::{Absence, Identifier, IssuerStatus, KeysState};
pub use issuer::{ClaimNames, IssuerError, IssuerSettings, KeySource};
pub use jwks::JwksError;
pub use principal::{How, Principal, PrincipalKind};
pub use secret::{Secret, SecretError};
pub use voucher::{Voucher, VoucherError};
