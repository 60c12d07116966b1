//! Who asks: bearer tokens against JWKS, API keys. Absence says why.
//!
//! [`Identifier::identify`](identify::Identifier::identify) never touches network or disk: keys are fetched beside
//! the request path and swapped whole.

// PLANNED: pub mod api_key;
pub mod identify;
pub mod issuer;
// PLANNED: pub mod jwks;
// PLANNED: pub mod jwt;
pub mod principal;
// PLANNED: pub mod secret;

// PLANNED: pub use api_key::{ApiKeyError, ApiKeys, KeyStore};
pub use identify::{Absence, CredentialFault};
pub use issuer::{ClaimNames, IssuerSettings, KeySource};
pub use principal::{How, Principal, PrincipalKind};
// PLANNED: pub use secret::Secret;
