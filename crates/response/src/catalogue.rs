//! The catalogue of everything we say: one page for each status and each public reason, and the default texts.
//!
//! A page is a Markdown file below `catalogue/pages/`, compiled in. The same page answers `portcullis explain`, stands
//! in the book, and is where a problem's `type` leads. It says nothing about any installation.

use std::sync::LazyLock;

use http::StatusCode;

pub(crate) mod text;

/// One entry: a status (`403`) or a public reason (`region_restricted`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// What it is found by.
    pub key: &'static str,
    /// A few words, the same at each occurrence (RFC 9457 §3.1.3).
    pub title: &'static str,
    /// The status it is sent with.
    pub status: u16,
    /// What it means.
    pub means: &'static str,
    /// Why it occurs.
    pub occurs: &'static str,
    /// What the caller can do.
    pub caller: &'static str,
    /// What the operator can do.
    pub operator: &'static str,
    /// Name and address of what to read.
    pub specifications: Vec<(&'static str, &'static str)>,
}

/// The page with this key.
#[must_use]
pub fn find(key: &str) -> Option<&'static Page> {
    let at = PAGES.binary_search_by(|page| page.key.cmp(key)).ok()?;
    PAGES.get(at)
}

/// Every page by its key: statuses first.
#[must_use]
pub fn all() -> &'static [Page] {
    &PAGES
}

/// The key most like one that does not exist, if any is like it.
#[must_use]
pub fn nearest(key: &str) -> Option<&'static str> {
    let key: String =
        key.chars().take(LONGEST_KEY).collect::<String>().to_lowercase().replace(['-', ' '], "_");
    PAGES
        .iter()
        .map(|page| (strsim::jaro_winkler(&key, page.key), page.key))
        .filter(|(alike, _)| *alike > ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, key)| key)
}

/// Chapters of the book: file names and their texts. An index, how to write templates, and every page.
#[must_use]
pub fn book() -> Vec<(String, String)> {
    let index = ("catalogue.md".to_owned(), text::index(all()));
    let templates = ("templates.md".to_owned(), include_str!("templates/templates.md").to_owned());
    let pages = all().iter().map(|page| (format!("{}.md", page.key), page.to_markdown()));
    [index, templates].into_iter().chain(pages).collect()
}

impl Page {
    /// The name of its status: `Forbidden`.
    #[must_use]
    pub fn reason_phrase(&self) -> &'static str {
        StatusCode::from_u16(self.status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or_default()
    }

    /// Its parts in order, each with its heading.
    pub fn sections(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        HEADINGS.into_iter().zip([self.means, self.occurs, self.caller, self.operator])
    }

    /// For a terminal: wrapped, without markup.
    #[must_use]
    pub fn to_text(&self) -> String {
        text::terminal(self)
    }

    /// For the book.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        text::markdown(self)
    }

    /// Whether it may be sent with this status: its own, and any where it is about what the origin said.
    pub(crate) fn is_status(&self, status: &str) -> bool {
        self.key == OF_ANY_STATUS || status.parse() == Ok(self.status)
    }

    /// A page as written: `# title`, `Status: 403`, the four headed parts, a list of specifications.
    fn parse(key: &'static str, written: &'static str) -> Option<Self> {
        let (title, rest) = written.strip_prefix("# ")?.split_once('\n')?;
        let (status, rest) = rest.trim_start().strip_prefix("Status: ")?.split_once('\n')?;
        let part = |heading: &str| {
            let start = rest.find(&format!("## {heading}\n"))? + heading.len() + 4;
            let body = rest.get(start..)?;
            Some(body.split("\n## ").next()?.trim())
        };
        let [means, occurs, caller, operator] = HEADINGS;
        Some(Self {
            key,
            title,
            status: status.trim().parse().ok()?,
            means: part(means)?,
            occurs: part(occurs)?,
            caller: part(caller)?,
            operator: part(operator)?,
            specifications: part(SPECIFICATIONS)?.lines().map(reference).collect::<Option<_>>()?,
        })
    }
}

/// `- [RFC 9110 §15.5.4](https://…)`
fn reference(line: &'static str) -> Option<(&'static str, &'static str)> {
    line.strip_prefix("- [")?.strip_suffix(')')?.split_once("](")
}

static PAGES: LazyLock<Vec<Page>> = LazyLock::new(|| {
    let mut pages: Vec<_> = WRITTEN.iter().filter_map(|(key, written)| Page::parse(key, written)).collect();
    pages.sort_by_key(|page| page.key);
    pages
});

const HEADINGS: [&str; 4] =
    ["What it means", "Why it occurs", "What the caller can do", "What the operator can do"];

/// The one page whose code goes with many statuses.
const OF_ANY_STATUS: &str = "origin_error";

const SPECIFICATIONS: &str = "Specifications";

/// Longer than any key: what is compared is bounded.
const LONGEST_KEY: usize = 40;

/// Below this a suggestion is a guess.
const ALIKE: f64 = 0.8;

macro_rules! written {
    ($($key:literal)*) => {
        const WRITTEN: &[(&str, &str)] =
            &[$(($key, include_str!(concat!("catalogue/pages/", $key, ".md")))),*];
    };
}

written! {
    "400" "401" "403" "404" "408" "413" "414" "415" "421" "422" "429" "431" "451" "500" "501" "502" "503"
    "504" "505" "access_denied" "ambiguous_forwarding" "ambiguous_framing" "ambiguous_path" "ambiguous_query"
    "ambiguous_target" "api_key_expired" "api_key_revoked" "api_key_unknown" "api_keys_unavailable"
    "bad_gateway" "bad_header_name" "bad_header_value" "body_timeout" "broken_body" "cannot_decide"
    "claims_elsewhere" "clock_wrong" "connection_read_timeout" "connection_refused" "connection_terminated"
    "connection_timeout" "connection_write_timeout" "credentials_malformed" "credentials_repeated"
    "credentials_required" "credentials_too_long" "destination_not_found" "destination_unavailable"
    "device_untrusted" "dns_error" "dns_timeout" "gateway_timeout" "group_required" "groups_overage"
    "head_timeout" "head_too_large" "hidden" "http_protocol_error" "http_response_incomplete"
    "http_response_timeout" "http_upgrade_failed" "insufficient_scope" "invalid_host" "invalid_payload"
    "invalid_request" "invalid_token" "keys_stale" "keys_unavailable" "legal_restriction" "log_unavailable"
    "malformed_payload" "malformed_request" "method_override" "misdirected" "missing_host"
    "network_restricted" "not_found" "origin_error" "origin_forbidden" "origin_not_found" "outside_hours" "overloaded"
    "path_too_long" "payload_too_deep" "payload_too_large" "query_too_long" "rate_limited"
    "region_restricted" "repeated_header" "role_required" "step_up_required" "target_too_long"
    "tier_required" "tls_certificate_error" "tls_protocol_error" "token_algorithm" "token_audience"
    "token_claim" "token_expired" "token_header" "token_issuer" "token_key" "token_malformed"
    "token_not_yet_valid" "token_signature" "token_subject" "token_time" "token_type" "too_many_headers"
    "tunnel_not_offered"
    "unsupported_media_type" "unsupported_version"
}

#[cfg(test)]
mod tests;
