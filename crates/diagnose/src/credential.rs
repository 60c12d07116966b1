//! What the caller sends to be known by, read here and never shown: tokens and signed addresses, and which headers and
//! arguments are secrets.

pub mod jwt;
pub mod redact;
pub mod signed;

/// Whether a header is sent to be known by. Cookies are a thing of their own.
#[must_use]
pub fn is_credential_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(
        name.as_str(),
        "authorization"
            | "x-amz-security-token"
            | "x-amz-date"
            | "x-amz-content-sha256"
            | "x-goog-api-key"
            | "dpop"
            | "ocp-apim-subscription-key"
            | "x-auth"
            | "x-access"
            | "x-functions-key"
            | "x-apikey"
    ) || [
        "api-key",
        "apikey",
        "api_key",
        "x-auth-",
        "access-token",
        "auth-token",
        "x-token",
        "private-token",
        "vault-token",
        "consul-token",
        "gitlab-token",
        "job-token",
        "bearer-token",
        "jwt",
        "-secret",
        "session-token",
        "app-key",
        "client-key",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// Whether `name=value` of a query is a credential.
#[must_use]
pub fn is_credential_argument(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "key"
            | "token"
            | "access_token"
            | "id_token"
            | "api_key"
            | "apikey"
            | "api-key"
            | "auth"
            | "authtoken"
            | "auth_token"
            | "password"
            | "secret"
            | "client_secret"
            | "jwt"
            | "session"
            | "sessionid"
            | "sid"
            | "appid"
            | "app_key"
            | "subscription-key"
            | "code"
            | "ticket"
            | "accesskey"
    )
}

/// Whether `name=value` of a query is part of a signature.
#[must_use]
pub fn is_signature_argument(argument: &str) -> bool {
    let name = argument.split('=').next().unwrap_or_default().to_ascii_lowercase();
    matches!(
        name.as_str(),
        "signature"
            | "sig"
            | "sign"
            | "hmac"
            | "hash"
            | "md5"
            | "st"
            | "hdnts"
            | "hdnea"
            | "policy"
            | "mac"
            | "s"
            | "x-amz-signature"
            | "x-goog-signature"
            | "x-amz-credential"
            | "x-goog-credential"
            | "x-amz-security-token"
            | "key-pair-id"
            | "awsaccesskeyid"
            | "googleaccessid"
            | "_signature"
            | "_hash"
            | "verify"
            | "digest"
            | "checksum"
            | "secure"
            | "urlhash"
    )
}
