//! One public key out of a JWKS (RFC 7517 §4, RFC 7518 §6, RFC 8037 §2), parsed once when it is loaded.
//!
//! INVARIANT: a key knows the algorithms it verifies and offers no other. A token can choose among them and the
//! issuer's allowlist, but cannot make an RSA key verify an HMAC or a P-256 key an RSA signature.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RsaPublicKeyComponents};
use serde_json::{Map, Value};

use crate::algorithm::{Algorithm, Family};
use crate::base64url;
use crate::text;

/// A public key that verifies signatures.
pub(crate) struct VerifyingKey {
    id: Option<String>,
    family: Family,
    /// One ready verifier for each algorithm.
    verifiers: Vec<(Algorithm, ParsedPublicKey)>,
    /// Canonical key material, to tell keys apart.
    material: Vec<u8>,
}

/// What makes two keys the same one.
pub(crate) type KeyIdentity<'k> = (Option<&'k str>, Family, Vec<Algorithm>, &'k [u8]);

impl VerifyingKey {
    /// Reads one element of `keys`. The error says why it cannot be used.
    pub(crate) fn from_jwk(jwk: &Map<String, Value>) -> Result<Self, String> {
        let id = match jwk.get("kid") {
            None => None,
            Some(Value::String(id)) if text::is_plain(id, LONGEST_ID) => Some(id.clone()),
            Some(_) => return Err(format!("`kid` is not a text of 1 to {LONGEST_ID} bytes")),
        };
        for part in PRIVATE_PARTS {
            if jwk.contains_key(part) {
                return Err(format!(
                    "shows its private or secret part `{part}`; replace this key, it is public now"
                ));
            }
        }
        check_purpose(jwk)?;
        let (family, material, parse) = read_material(jwk)?;
        let algorithms: Vec<_> = match jwk.get("alg") {
            None => family.algorithms().collect(),
            Some(Value::String(name)) => match Algorithm::named(name) {
                Some(algorithm) if algorithm.family() == family => vec![algorithm],
                Some(_) => return Err(format!("its `alg` `{name}` does not fit its `kty`")),
                None => return Err(format!("its `alg` {name:?} is not among those supported")),
            },
            Some(_) => return Err("its `alg` is not a text".to_owned()),
        };
        let mut verifiers = Vec::with_capacity(algorithms.len());
        for algorithm in algorithms {
            verifiers.push((algorithm, parse(algorithm)?));
        }
        Ok(Self { id, family, verifiers, material })
    }

    /// Its `kid`.
    pub(crate) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether it verifies this algorithm.
    pub(crate) fn fits(&self, algorithm: Algorithm) -> bool {
        self.verifiers.iter().any(|(known, _)| *known == algorithm)
    }

    /// Whether the signature is this key's over the message.
    pub(crate) fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let mut verifiers = self.verifiers.iter();
        let verifier = verifiers.find(|(known, _)| *known == algorithm);
        verifier.is_some_and(|(_, key)| key.verify_sig(message, signature).is_ok())
    }

    /// What tells it from other keys.
    pub(crate) fn identity(&self) -> KeyIdentity<'_> {
        let algorithms = self.verifiers.iter().map(|(algorithm, _)| *algorithm).collect();
        (self.id(), self.family, algorithms, &self.material)
    }
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

fn check_purpose(jwk: &Map<String, Value>) -> Result<(), String> {
    match jwk.get("use") {
        None => {}
        Some(Value::String(purpose)) if purpose == "sig" => {}
        Some(Value::String(other)) => return Err(format!("its `use` is {other:?}, not \"sig\"")),
        Some(_) => return Err("its `use` is no text".to_owned()),
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(purposes)) if purposes.iter().any(|purpose| purpose == "verify") => Ok(()),
        Some(_) => Err("its `key_ops` do not include \"verify\"".to_owned()),
    }
}

type Parse = Box<dyn Fn(Algorithm) -> Result<ParsedPublicKey, String>>;

fn read_material(jwk: &Map<String, Value>) -> Result<(Family, Vec<u8>, Parse), String> {
    let curve = jwk.get("crv").and_then(Value::as_str);
    match (jwk.get("kty").and_then(Value::as_str), curve) {
        (Some("RSA"), _) => read_rsa(jwk),
        (Some("EC"), Some("P-256")) => read_ec(jwk, Family::P256),
        (Some("EC"), Some("P-384")) => read_ec(jwk, Family::P384),
        (Some("OKP"), Some("Ed25519")) => read_ed25519(jwk),
        (Some("oct"), _) => Err("is symmetric: whoever verifies with it could sign with it".to_owned()),
        (Some(kind @ ("EC" | "OKP")), curve) => {
            Err(format!("`kty` {kind} with `crv` {:?} is not supported", curve.unwrap_or_default()))
        }
        (kind, _) => Err(format!("`kty` {:?} is not supported", kind.unwrap_or_default())),
    }
}

fn read_rsa(jwk: &Map<String, Value>) -> Result<(Family, Vec<u8>, Parse), String> {
    let (n, e) = (number(jwk, "n")?, number(jwk, "e")?);
    let bits = match n.first() {
        Some(first) => n.len() * 8 - first.leading_zeros() as usize,
        None => 0,
    };
    if !RSA_BITS.contains(&bits) {
        let (least, most) = (RSA_BITS.start(), RSA_BITS.end());
        return Err(format!("its RSA modulus has {bits} bits; {least} to {most} are accepted"));
    }
    // Even numbers are no RSA modulus or exponent; 1 signs nothing; NIST SP 800-56B bounds the exponent too.
    let odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    if !odd(&n) || !odd(&e) || e.as_slice() == [1] || e.len() > 8 {
        return Err("its RSA modulus or exponent is not one".to_owned());
    }
    let mut material = n.clone();
    material.extend_from_slice(&e);
    let parse = move |algorithm: Algorithm| {
        let parameters = algorithm.rsa().ok_or("not an RSA algorithm")?;
        let components = RsaPublicKeyComponents { n: &n, e: &e };
        components.to_parsed_public_key(parameters).map_err(|_| "is not a valid RSA key".to_owned())
    };
    Ok((Family::Rsa, material, Box::new(parse)))
}

fn read_ec(jwk: &Map<String, Value>, family: Family) -> Result<(Family, Vec<u8>, Parse), String> {
    let (ecdsa, length) = family.ecdsa().ok_or("not an ECDSA curve")?;
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    // Coordinates have the full length of the curve (RFC 7518 §6.2.1.2).
    if x.len() != length || y.len() != length {
        return Err("its coordinates do not have the length of its curve".to_owned());
    }
    let point = [&[UNCOMPRESSED][..], &x, &y].concat();
    let material = point.clone();
    let parse =
        move |_| ParsedPublicKey::new(ecdsa, &point).map_err(|_| "is not a point on its curve".to_owned());
    Ok((family, material, Box::new(parse)))
}

fn read_ed25519(jwk: &Map<String, Value>) -> Result<(Family, Vec<u8>, Parse), String> {
    let x = bytes(jwk, "x")?;
    let material = x.clone();
    let parse = move |_| ParsedPublicKey::new(&ED25519, &x).map_err(|_| "is not an Ed25519 key".to_owned());
    Ok((Family::Ed25519, material, Box::new(parse)))
}

/// `Base64urlUInt` (RFC 7518 §2): no leading zeros. Some providers write one, so it is dropped rather than refused.
fn number(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let bytes = bytes(jwk, name)?;
    Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
}

fn bytes(jwk: &Map<String, Value>, name: &str) -> Result<Vec<u8>, String> {
    let text = jwk.get(name).and_then(Value::as_str).ok_or_else(|| format!("has no text `{name}`"))?;
    base64url::decode(text).ok_or_else(|| format!("its `{name}` is not canonical base64url"))
}

/// Members that only a private or symmetric key has (RFC 7518 §6).
const PRIVATE_PARTS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
const LONGEST_ID: usize = 256;
/// SEC 1 §2.3.3: both coordinates follow.
const UNCOMPRESSED: u8 = 4;
