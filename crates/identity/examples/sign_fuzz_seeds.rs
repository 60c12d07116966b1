//! Makes the keys and tokens that the fuzz targets `token` and `jwks` begin with, and forgets the private keys.
//!
//! Run in the repository's root: `cargo run -p portcullis-identity --example sign_fuzz_seeds`.

use std::error::Error;
use std::fs;
use std::path::Path;

use portcullis_identity::dev_issuer::DevIssuer;
use serde_json::json;

/// The present of the fuzz targets, `NOW` in `fuzz/src/believed.rs`.
const NOW: u64 = 1_800_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let (keys, seeds) = (Path::new("fuzz/keys"), Path::new("fuzz/seeds"));
    let (mut listed, mut tokens) = (Vec::new(), String::new());
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"] {
        let issuer = DevIssuer::generate(algorithm)?;
        let claims = json!({
            "iss": "https://issuer.test", "aud": "portcullis", "sub": "alice", "iat": NOW, "exp": NOW + 3_600,
            "groups": ["staff"], "scope": "orders:read",
        });
        let header = json!({ "alg": algorithm, "kid": issuer.key_id(), "typ": "at+jwt" });
        let token = issuer.sign(&claims, "at+jwt")?;
        let signature = token.rsplit('.').next().unwrap_or_default();
        fs::write(seeds.join(format!("token/raw-{algorithm}")), format!("raw\nBearer {token}"))?;
        let parts = format!("parts\n{header}\n{claims}\n{signature}");
        fs::write(seeds.join(format!("token/parts-{algorithm}")), parts)?;
        fs::write(seeds.join(format!("jwks/one-{algorithm}")), issuer.jwks())?;
        listed.push(issuer.jwk());
        tokens.push_str(&token);
        tokens.push('\n');
    }
    let document = json!({ "keys": listed }).to_string();
    fs::write(seeds.join("jwks/all"), &document)?;
    fs::write(keys.join("jwks.json"), document)?;
    fs::write(keys.join("tokens.txt"), tokens)?;
    Ok(())
}
