//! Signed addresses: S3 and compatible stores, Google Cloud Storage, Azure's shared access signatures, CloudFront, and the
//! home-made ones. Only kind, times and stated permissions are read; a signature is never shown.

use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::asked::{Asked, Url};

/// Who signs in this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// AWS, version 4 or 2.
    S3,
    /// Google.
    Gcs,
    /// Azure.
    Sas,
    /// CloudFront, in the address or in cookies.
    CloudFront,
    /// nginx's `secure_link`: a hash and a time.
    SecureLink,
    /// Something of an application's own.
    Other,
}

/// A signature as its holder may read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// By whom.
    pub kind: Kind,
    /// Until when.
    pub expires: Option<i64>,
    /// From when.
    pub starts: Option<i64>,
    /// What Azure's signature permits.
    pub permissions: Option<String>,
}

/// Reads the signature of an address.
#[must_use]
pub fn of_url(url: &Url) -> Option<Signed> {
    let arguments: Vec<(String, String)> = url
        .arguments()
        .map(|argument| argument.split_once('=').unwrap_or((argument, "")))
        .map(|(name, value)| {
            (name.to_ascii_lowercase(), percent_decode_str(value).decode_utf8_lossy().into_owned())
        })
        .collect();
    let find =
        |name: &str| arguments.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let lasting = |date: &str, seconds: &str| {
        let starts = compact(find(date)?)?;
        Some((starts, starts.saturating_add(find(seconds)?.parse().ok()?)))
    };
    let signed = |kind, times: Option<(i64, i64)>| Signed {
        kind,
        starts: times.map(|(starts, _)| starts),
        expires: times.map(|(_, expires)| expires),
        permissions: None,
    };
    if find("x-amz-signature").is_some() || find("x-amz-algorithm").is_some() {
        return Some(signed(Kind::S3, lasting("x-amz-date", "x-amz-expires")));
    }
    if find("x-goog-signature").is_some() || find("x-goog-algorithm").is_some() {
        return Some(signed(Kind::Gcs, lasting("x-goog-date", "x-goog-expires")));
    }
    let expires = find("expires")
        .or_else(|| find("e"))
        .or_else(|| find("exp"))
        .or_else(|| find("expiry"))
        .or_else(|| find("ttl"))
        .or_else(|| find("valid_until"))
        .or_else(|| find("until"))
        .and_then(moment);
    let until = |kind| Signed { kind, expires, starts: None, permissions: None };
    if find("awsaccesskeyid").is_some() {
        return Some(until(Kind::S3));
    }
    if find("googleaccessid").is_some() {
        return Some(until(Kind::Gcs));
    }
    if find("sig").is_some() && (find("sv").is_some() || find("se").is_some()) {
        return Some(Signed {
            kind: Kind::Sas,
            expires: find("se").and_then(moment),
            starts: find("st").and_then(moment),
            permissions: find("sp").map(str::to_owned),
        });
    }
    if find("key-pair-id").is_some() {
        return Some(until(Kind::CloudFront));
    }
    let hashed = ["md5", "st", "hash", "s", "h", "token", "secure", "key"].into_iter().any(|name| {
        find(name).is_some_and(|value| {
            matches!(value.len(), 22 | 24)
                || value.len() == 32 && value.bytes().all(|b| b.is_ascii_hexdigit())
        })
    });
    if hashed {
        return Some(until(Kind::SecureLink));
    }
    let other = url.arguments().any(super::is_signature_argument);
    other.then(|| until(Kind::Other))
}

/// Whether CloudFront's cookies are sent.
#[must_use]
pub fn has_cloudfront_cookies(asked: &Asked) -> bool {
    asked.header("cookie").is_some_and(|cookie| cookie.contains("CloudFront-"))
}

/// When a request that is signed in its headers says it was made.
#[must_use]
pub fn stated_time(asked: &Asked) -> Option<i64> {
    asked.header("x-amz-date").and_then(compact).or_else(|| {
        let date = asked.header("date")?;
        jiff::fmt::rfc2822::parse(date).ok().map(|zoned| zoned.timestamp().as_second())
    })
}

/// `20260301T000000Z`
fn compact(text: &str) -> Option<i64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let part = |from: usize, to: usize| digits.get(from..to);
    let written = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0, 4)?,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?
    );
    written.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// Seconds or milliseconds since 1970, or a date.
fn moment(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<i64>() {
        return match number {
            1_000_000_000..=99_999_999_999 => Some(number),
            1_000_000_000_000..=99_999_999_999_999 => Some(number / 1000),
            _ => None,
        };
    }
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_second());
    }
    format!("{text}T00:00:00Z").parse::<Timestamp>().ok().map(Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(query: &str) -> Option<Signed> {
        of_url(&Url::parse(&format!("http://a/x?{query}")).unwrap().0)
    }

    #[test]
    fn kinds_and_times() {
        let s3 = signed("X-Amz-Algorithm=A&X-Amz-Date=20250101T000000Z&X-Amz-Expires=900&X-Amz-Signature=0")
            .unwrap();
        assert_eq!((s3.kind, s3.expires), (Kind::S3, Some(1_735_690_500)));
        let sas = signed("sv=2022-11-02&sp=r&se=2025-01-01T00%3A00%3A00Z&sig=abc").unwrap();
        assert_eq!(
            (sas.kind, sas.expires, sas.permissions.as_deref()),
            (Kind::Sas, Some(1_735_689_600), Some("r"))
        );
        let link = signed("md5=hJLFg5oDDrRwuIggq7V3-Q&expires=1700000000").unwrap();
        assert_eq!((link.kind, link.expires), (Kind::SecureLink, Some(1_700_000_000)));
        assert_eq!(signed("signature=x&expires=1").unwrap().kind, Kind::Other);
        assert_eq!(signed("Expires=1700000000&Signature=x&Key-Pair-Id=K").unwrap().kind, Kind::CloudFront);
        assert_eq!(signed("q=1"), None);
    }
}
