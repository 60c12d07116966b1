//! The fields that tell a caller where it stands: `RateLimit-Policy` and `RateLimit` of
//! draft-ietf-httpapi-ratelimit-headers-11 (May 2026), and `Retry-After` (RFC 9110 §10.2.3). Values only; which answers
//! carry them is not decided here.

use std::fmt::Write;
use std::time::Duration;

use crate::rate::{Rate, Standing};

/// The name of the field that [`policy_value`] is for.
pub const POLICY: &str = "ratelimit-policy";
/// The name of the field that [`limit_value`] is for.
pub const LIMIT: &str = "ratelimit";

/// What the limit is: `"default";q=100;w=10`, with the burst where it differs (`;portcullis-burst=20`; §3.1 asks for a
/// prefix on parameters of one's own). Several limits are joined with `, `.
///
/// The window must be whole seconds and not zero (§3.1.3): 10 in 100 ms is told as `q=100;w=1`. What does not divide evenly
/// is rounded to fewer requests. No partition key (`pk`) is told: it would tell what callers are counted by.
#[must_use]
pub fn policy_value(name: &str, rate: &Rate) -> String {
    let per = rate.per.as_nanos().max(1);
    let window = u128::from(whole_seconds(rate.per).max(1));
    let quota = u128::from(rate.requests.get()) * (window * NANOS_PER_SECOND) / per;
    let mut value = quoted(name);
    write_parameter(&mut value, "q", quota);
    write_parameter(&mut value, "w", window);
    if rate.burst != rate.requests {
        write_parameter(&mut value, "portcullis-burst", u128::from(rate.burst.get()));
    }
    value
}

/// Where the caller stands: `"default";r=50;t=30`. Several limits are joined with `, `.
///
/// `t` is rounded up, as [`retry_after_value`] is, so that the two agree after a refusal (§6).
#[must_use]
pub fn limit_value(name: &str, standing: &Standing) -> String {
    let mut value = quoted(name);
    write_parameter(&mut value, "r", u128::from(standing.remaining));
    write_parameter(&mut value, "t", u128::from(whole_seconds(standing.reset)));
    value
}

/// `Retry-After` in seconds, rounded up and at least 1: who waits so long is not sent away again for having come early.
#[must_use]
pub fn retry_after_value(wait: Duration) -> String {
    whole_seconds(wait).clamp(1, LARGEST_INTEGER).to_string()
}

const NANOS_PER_SECOND: u128 = 1_000_000_000;

/// The largest Integer of RFC 9651 §3.3.1.
const LARGEST_INTEGER: u64 = 999_999_999_999_999;

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}

fn write_parameter(value: &mut String, name: &str, number: u128) {
    // Writing to a `String` cannot fail.
    write!(value, ";{name}={}", number.min(u128::from(LARGEST_INTEGER))).unwrap_or_default();
}

/// `name` as a String of RFC 9651 §3.3.3. Characters that such a string cannot hold become `_`: a name from a file must
/// not be able to end the field or begin another.
fn quoted(name: &str) -> String {
    let mut value = String::with_capacity(name.len() + 32);
    value.push('"');
    for character in name.chars() {
        match character {
            '"' | '\\' => value.extend(['\\', character]),
            ' '..='~' => value.push(character),
            _ => value.push('_'),
        }
    }
    value.push('"');
    value
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn rate(requests: u32, per: Duration, burst: u32) -> Rate {
        Rate { requests: NonZeroU32::new(requests).unwrap(), per, burst: NonZeroU32::new(burst).unwrap() }
    }

    #[test]
    fn as_the_draft_writes_them() {
        assert_eq!(
            policy_value("default", &rate(100, Duration::from_secs(10), 100)),
            "\"default\";q=100;w=10"
        );
        let standing = Standing { limit: 100, remaining: 50, reset: Duration::from_secs(30) };
        assert_eq!(limit_value("default", &standing), "\"default\";r=50;t=30");
    }

    #[test]
    fn a_burst_of_its_own_is_told_as_our_parameter() {
        let value = policy_value("login", &rate(5, Duration::from_secs(60), 2));
        assert_eq!(value, "\"login\";q=5;w=60;portcullis-burst=2");
    }

    #[test]
    fn windows_are_whole_seconds() {
        let cases = [
            (rate(10, Duration::from_millis(100), 10), "q=100;w=1"),
            (rate(3, Duration::from_millis(1_500), 3), "q=4;w=2"),
            (rate(1, Duration::MAX, 1), "q=0;w=999999999999999"),
            (rate(u32::MAX, Duration::ZERO, u32::MAX), "q=999999999999999;w=1"),
        ];
        for (rate, expected) in cases {
            assert_eq!(policy_value("n", &rate), format!("\"n\";{expected}"));
        }
    }

    #[test]
    fn times_are_rounded_up_and_agree() {
        let wait = Duration::from_millis(1_001);
        let standing = Standing { limit: 1, remaining: 0, reset: wait };
        assert_eq!(limit_value("n", &standing), "\"n\";r=0;t=2");
        assert_eq!(retry_after_value(wait), "2");
        assert_eq!(retry_after_value(Duration::from_nanos(1)), "1");
        assert_eq!(retry_after_value(Duration::ZERO), "1");
        assert_eq!(retry_after_value(Duration::MAX), "999999999999999");
    }

    #[test]
    fn a_name_cannot_leave_its_quotes() {
        let value = policy_value("a\"b\\c\r\nX: é", &rate(1, Duration::from_secs(1), 1));
        assert_eq!(value, "\"a\\\"b\\\\c__X: _\";q=1;w=1");
    }
}
