//! An issuer for demonstrations and tests, never for production: its key lives in memory, it signs whatever it is
//! given, and nobody asks it for a password.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair, RsaPublicKeyComponents, RsaSignatureEncoding,
};
use aws_lc_rs::{digest, error::Unspecified};
use serde_json::{Map, Value, json};

use crate::algorithm::{Algorithm, Family};
use crate::base64url;

/// A signing key made for the moment, and its JWKS.
pub struct DevIssuer {
    algorithm: Algorithm,
    key: Key,
    key_id: String,
}

enum Key {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why the development issuer cannot make or use a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DevIssuerError {
    /// Not an algorithm that is supported.
    #[error("`{0}` is not a signature algorithm that is supported; `ES256` is a good one")]
    Algorithm(String),
    /// The cryptographic library refused.
    #[error("the cryptographic library could not make a key or a signature")]
    Cryptography,
}

impl From<Unspecified> for DevIssuerError {
    fn from(_: Unspecified) -> Self {
        Self::Cryptography
    }
}

impl DevIssuer {
    /// Makes a key for `RS256` … `PS512` (2048 bits), `ES256`, `ES384` or `EdDSA`.
    pub fn generate(algorithm: &str) -> Result<Self, DevIssuerError> {
        let named =
            Algorithm::named(algorithm).ok_or_else(|| DevIssuerError::Algorithm(algorithm.to_owned()))?;
        let key = match named.family() {
            Family::Rsa => Key::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048)?)),
            Family::P256 => Key::Ecdsa(EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)?),
            Family::P384 => Key::Ecdsa(EcdsaKeyPair::generate(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)?),
            Family::Ed25519 => Key::Ed25519(Ed25519KeyPair::generate()?),
        };
        let fingerprint = digest::digest(&digest::SHA256, key.public());
        let short: Vec<u8> = fingerprint.as_ref().iter().copied().take(6).collect();
        Ok(Self { algorithm: named, key, key_id: format!("dev-{}", base64url::encode(&short)) })
    }

    /// The `kid` of its key.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Its JWKS document.
    pub fn jwks(&self) -> String {
        json!({ "keys": [self.jwk()] }).to_string()
    }

    /// Its public key as a JWK.
    pub fn jwk(&self) -> Value {
        let mut jwk = self.key.jwk();
        jwk.insert("kid".to_owned(), self.key_id.clone().into());
        jwk.insert("alg".to_owned(), self.algorithm.name().into());
        jwk.insert("use".to_owned(), "sig".into());
        Value::Object(jwk)
    }

    /// Signs claims as a token of this `typ` (`at+jwt`, `JWT`).
    pub fn sign(&self, claims: &Value, typ: &str) -> Result<String, DevIssuerError> {
        let header = json!({ "alg": self.algorithm.name(), "kid": self.key_id, "typ": typ });
        self.sign_exactly(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// Signs these bytes as header and payload, whatever they are.
    pub fn sign_exactly(&self, header: &[u8], payload: &[u8]) -> Result<String, DevIssuerError> {
        let signed = format!("{}.{}", base64url::encode(header), base64url::encode(payload));
        let signature = self.signature(signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64url::encode(&signature)))
    }

    /// The signature of a message.
    pub fn signature(&self, message: &[u8]) -> Result<Vec<u8>, DevIssuerError> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(rsa_encoding(self.algorithm)?, &random, message, &mut signature)?;
                Ok(signature)
            }
            Key::Ecdsa(key) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            Key::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
        }
    }
}

impl Key {
    fn public(&self) -> &[u8] {
        match self {
            Self::Rsa(key) => key.public_key().as_ref(),
            Self::Ecdsa(key) => key.public_key().as_ref(),
            Self::Ed25519(key) => key.public_key().as_ref(),
        }
    }

    fn jwk(&self) -> Map<String, Value> {
        let mut jwk = Map::new();
        let mut put = |name: &str, value: String| jwk.insert(name.to_owned(), value.into());
        match self {
            Self::Rsa(key) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                put("kty", "RSA".to_owned());
                put("n", base64url::encode(&public.n));
                put("e", base64url::encode(&public.e));
            }
            Self::Ecdsa(key) => {
                // 0x04, then both coordinates (SEC 1 §2.3.3).
                let (_, point) = key.public_key().as_ref().split_at(1);
                let (x, y) = point.split_at(point.len() / 2);
                put("kty", "EC".to_owned());
                put("crv", if x.len() == 32 { "P-256" } else { "P-384" }.to_owned());
                put("x", base64url::encode(x));
                put("y", base64url::encode(y));
            }
            Self::Ed25519(_) => {
                put("kty", "OKP".to_owned());
                put("crv", "Ed25519".to_owned());
                put("x", base64url::encode(self.public()));
            }
        }
        jwk
    }
}

fn rsa_encoding(algorithm: Algorithm) -> Result<&'static RsaSignatureEncoding, DevIssuerError> {
    match algorithm {
        Algorithm::Rs256 => Ok(&signature::RSA_PKCS1_SHA256),
        Algorithm::Rs384 => Ok(&signature::RSA_PKCS1_SHA384),
        Algorithm::Rs512 => Ok(&signature::RSA_PKCS1_SHA512),
        Algorithm::Ps256 => Ok(&signature::RSA_PSS_SHA256),
        Algorithm::Ps384 => Ok(&signature::RSA_PSS_SHA384),
        Algorithm::Ps512 => Ok(&signature::RSA_PSS_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => Err(DevIssuerError::Cryptography),
    }
}
