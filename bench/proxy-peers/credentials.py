"""Keys, tokens and a certificate, made anew for each run. Needs PyJWT and cryptography."""

import base64
import datetime
import json
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from world import AUDIENCE, DEVICE, ISSUER, USER


def write(put):
    """Writes the files that proxies name: `put(name, text)`."""
    for algorithm, key, public in (
        ("RS256", (key := rsa.generate_private_key(public_exponent=65537, key_size=2048)), rsa_jwk(key)),
        ("ES256", (key := ec.generate_private_key(ec.SECP256R1())), ec_jwk(key)),
    ):
        key_id = f"bench-{algorithm}"
        jwk = {**public, "alg": algorithm, "use": "sig", "kid": key_id}
        put(f"jwks-{algorithm}.json", json.dumps({"keys": [jwk]}))
        put(f"public-{algorithm}.pem", public_pem(key))
        headers = {"kid": key_id, "typ": "at+jwt"}
        put(f"token-{algorithm}.txt", jwt.encode(claims(), key, algorithm=algorithm, headers=headers))
    certificate, key = self_signed()
    put("tls.crt", certificate)
    put("tls.key", key, secret=True)
    put("tls.pem", certificate + key, secret=True)


def claims():
    """About what an access token of a larger organisation says."""
    now = int(time.time())
    return {
        "iss": ISSUER, "aud": AUDIENCE, "sub": USER, "iat": now, "nbf": now - 60, "exp": now + 86_400,
        "auth_time": now, "role": "admin", "groups": ["eng", "sre", "oncall"], "email": "user42@corp.test",
        "scope": "orders:read orders:write", "device_id": DEVICE, "acr": "mfa", "amr": ["pwd", "otp"],
    }


def rsa_jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e)}


def ec_jwk(key):
    numbers = key.public_key().public_numbers()
    return {"kty": "EC", "crv": "P-256", "x": number(numbers.x, 32), "y": number(numbers.y, 32)}


def number(value, size=None):
    size = size or (value.bit_length() + 7) // 8
    return base64.urlsafe_b64encode(value.to_bytes(size, "big")).rstrip(b"=").decode()


def public_pem(key):
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


def self_signed():
    """A certificate for `localhost`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()
