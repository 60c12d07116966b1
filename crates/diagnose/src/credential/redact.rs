//! Takes secrets out of what is shown. It knows the values that the caller sent as secrets, and the shapes of those that a
//! server may send: tokens, cookies, keys, signatures.
//!
//! INVARIANT: every text that leaves the crate (report, JSON, Markdown, dry run) has gone through here.

use std::borrow::Cow;

use regex::Regex;

use crate::asked::{Asked, is_secret_header};

use super::{is_credential_argument, is_credential_header, is_signature_argument};

/// What stands in place of a secret.
pub const HIDDEN: &str = "[hidden]";

/// Knows what to hide.
#[derive(Debug, Clone)]
pub struct Redactor {
    /// Longest first, so that a secret within another does not leave its rest.
    secrets: Vec<String>,
    shapes: Vec<(Regex, &'static str)>,
}

/// Shorter values would hide half of every text.
const SHORTEST: usize = 6;

impl Redactor {
    /// For one reported request.
    #[must_use]
    pub fn new(asked: &Asked) -> Self {
        let mut secrets = Vec::new();
        for (name, value) in &asked.headers {
            if is_secret_header(name) || is_credential_header(name) {
                secrets.push(value.clone());
                secrets.extend(
                    value
                        .split([' ', ';', ',', '='])
                        .map(str::trim)
                        .filter(|part| part.len() >= 12)
                        .map(str::to_owned),
                );
            }
        }
        for argument in asked.url.arguments() {
            if (is_credential_argument(argument) || is_signature_argument(argument))
                && let Some((_, value)) = argument.split_once('=')
            {
                secrets.push(value.to_owned());
            }
        }
        if let Some(proxy) = &asked.proxy
            && let Some(user) = &proxy.user
        {
            secrets.push(user.clone());
        }
        if let Some(body) = &asked.body {
            let text = String::from_utf8_lossy(body);
            for field in text.split(['&', ',', '\n']) {
                if let Some((name, value)) = field.split_once(['=', ':'])
                    && is_secret_header(name.trim_matches(['"', ' ', '{']))
                {
                    secrets.push(value.trim_matches(['"', ' ', '}']).to_owned());
                }
            }
        }
        secrets.retain(|secret| secret.len() >= SHORTEST);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        let shapes = SHAPES
            .iter()
            .filter_map(|(shape, instead)| Regex::new(shape).ok().map(|shape| (shape, *instead)))
            .collect();
        Self { secrets, shapes }
    }

    /// The text without secrets.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut shown = Cow::Borrowed(text);
        for secret in &self.secrets {
            if shown.contains(secret.as_str()) {
                shown = Cow::Owned(shown.replace(secret.as_str(), HIDDEN));
            }
        }
        for (shape, instead) in &self.shapes {
            let hidden = shape.replace_all(&shown, *instead);
            if let Cow::Owned(hidden) = hidden {
                shown = Cow::Owned(hidden);
            }
        }
        shown.into_owned()
    }
}

/// Shapes of secrets: JWTs, bearer tokens, keys of AWS, GitHub, Slack and Google, signatures in addresses, cookies.
const SHAPES: &[(&str, &str)] = &[
    (r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*", HIDDEN),
    (r"(?i)\b(bearer|basic|token|digest|negotiate)\s+[A-Za-z0-9+/_.=~-]{12,}", "${1} [hidden]"),
    (r"\b(AKIA|ASIA)[A-Z0-9]{12,}", HIDDEN),
    (r"\b(ghp|gho|ghu|ghs|ghr|github_pat|glpat|xox[abprs]|sk|pk|rk)[_-][A-Za-z0-9_-]{16,}", HIDDEN),
    (r"\bAIza[A-Za-z0-9_-]{20,}", HIDDEN),
    (
        r"(?i)([?&](?:x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|x-goog-credential|signature|sig|token|access_token|api_key|apikey|key|password|secret|md5|hmac|policy|code)=)[^&\s`'\x22<>]+",
        "${1}[hidden]",
    ),
    (r"(?i)((?:set-)?cookie:\s*)[^\r\n]+", "${1}[hidden]"),
    (
        r"(?i)(<(?:AWSAccessKeyId|StringToSign|StringToSignBytes|CanonicalRequest|CanonicalRequestBytes|SignatureProvided)>)[^<]*",
        "${1}[hidden]",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked::Url;

    #[test]
    fn nothing_secret_is_left() {
        let (url, _) =
            Url::parse("https://a.test/x?token=abcdef123&X-Amz-Signature=00112233&q=fine").unwrap();
        let mut asked = Asked::get(url);
        asked.headers.push(("Authorization".to_owned(), "Bearer s3cr3t-s3cr3t-s3cr3t".to_owned()));
        asked.headers.push(("Cookie".to_owned(), "sid=0123456789abcdef; theme=dark".to_owned()));
        let redactor = Redactor::new(&asked);
        let shown = redactor.hide(
            "https://a.test/x?token=abcdef123&X-Amz-Signature=00112233&q=fine s3cr3t-s3cr3t-s3cr3t 0123456789abcdef \
             eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig AKIAIOSFODNN7EXAMPLE set-cookie: a=b",
        );
        for secret in ["abcdef123", "00112233", "s3cr3t", "0123456789abcdef", "eyJ", "AKIA", "a=b"] {
            assert!(!shown.contains(secret), "{secret} in {shown}");
        }
        assert!(shown.contains("q=fine"));
    }
}
