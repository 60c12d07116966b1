//! Signals of the refusal: whose page, whose banner, which words and codes. Where no refusal was seen, what the other
//! answers of the address show of its servers.

use super::text::readable;
use super::{ExhibitWords, Judged, Scene, Seen};
use crate::answer::Answer;
use crate::evidence::{Evidence, Matched};
use crate::probe::Told;

pub(super) fn judge(evidence: &Evidence, scene: &Scene<'_>, seen: &mut Seen) {
    match scene.exhibit {
        Some(exhibit) => {
            match scene.words {
                Some(read) => take(read, seen),
                None => words(evidence, exhibit, seen),
            }
            rest_of_page(evidence, scene, exhibit, seen);
            only_first(evidence, seen);
            reasons(evidence, exhibit, seen);
            fields(evidence, scene, exhibit, seen);
        }
        None => elsewhere(evidence, scene, seen),
    }
}

/// Status and reason phrase, then the fields, each as one line in lower case.
fn lines(answer: &Answer) -> Vec<Vec<u8>> {
    let status = format!("{} {}", answer.status, answer.reason);
    std::iter::once(status)
        .chain(answer.headers.iter().map(|(name, value)| format!("{name}: {value}")))
        .map(|line| line.to_lowercase().into_bytes())
        .collect()
}

/// What was read before.
fn take(read: &ExhibitWords, seen: &mut Seen) {
    for (index, judged) in read.0.judged.iter().enumerate().filter(|(_, judged)| judged.is_some()) {
        seen.put(index, *judged);
    }
}

pub(super) fn words(evidence: &Evidence, exhibit: &Answer, seen: &mut Seen) {
    let read = readable(&exhibit.body);
    let headers = lines(exhibit);
    let told = told_in_header(exhibit);
    let plain = format!("{} {}", read.plain, told.join(" "));
    let texts: [&[u8]; 2] = [plain.as_bytes(), read.marked_up.as_bytes()];
    for (index, signal) in evidence.signals.iter().enumerate().filter(|(_, signal)| signal.is_of_words()) {
        if signal.group == "elsewhere" {
            continue;
        }
        // What a sentence says is read without markup, or class names would speak.
        let of_sentences = signal.id.starts_with("says:");
        let matched = signal.search(if of_sentences { &texts[..1] } else { &texts }, &headers);
        let (holds, weight) = match matched {
            Matched::No => (false, 1.0),
            Matched::Weakly => (true, 0.3),
            #[expect(clippy::cast_precision_loss, reason = "a handful of patterns")]
            Matched::Plainly(hits) => {
                // A code says it by agreement, a sentence by chance.
                let by_code = if signal.id.starts_with("code:") { 0.5 } else { 0.0 };
                (true, 1.0 + by_code + 0.1 * (hits.min(4) as f64 - 1.0))
            }
        };
        seen.put(index, Some(Judged { holds, weight }));
    }
    for (index, signal) in evidence.signals.iter().enumerate() {
        let backed =
            signal.needs_server.is_empty() || signal.needs_server.iter().any(|id| seen.holds(evidence, id));
        if !backed && seen.get(index).is_some_and(|judged| judged.holds) {
            seen.put(index, Some(Judged { holds: false, weight: 1.0 }));
        }
    }
}

/// Applications also give their reason in a header, or in the reason phrase.
fn told_in_header(exhibit: &Answer) -> Vec<String> {
    let telling = |name: &str| {
        let name = name.to_ascii_lowercase();
        name == "warning"
            || TELLING.iter().any(|part| name.contains(part))
                && !VENDORS.iter().any(|part| name.starts_with(part))
    };
    let fields = exhibit.headers.iter().filter(|(name, _)| telling(name)).map(|(_, value)| value);
    // A word or two stand in reason phrases everywhere; a sentence was written for this refusal.
    let phrase = Some(&exhibit.reason)
        .filter(|reason| exhibit.body.is_empty() || reason.split_whitespace().count() >= 3);
    fields
        .chain(phrase)
        .map(|told| told.to_lowercase())
        .filter(|told| !matches!(told.trim(), "" | "forbidden"))
        .collect()
}

/// Parts of the names of headers that give a reason.
const TELLING: &[&str] = &[
    "error",
    "reason",
    "message",
    "denied",
    "deny",
    "block",
    "detail",
    "status-text",
    "seraph",
    "www-authenticate",
];
/// Those whose codes are signals of their own.
const VENDORS: &[&str] = &["x-amzn", "x-ms-", "x-squid", "x-goog", "proxy-", "x-github"];

/// Pages that are nobody's by their words.
fn rest_of_page(evidence: &Evidence, scene: &Scene<'_>, exhibit: &Answer, seen: &mut Seen) {
    let text = exhibit.text();
    let text = text.trim();
    let media = exhibit.header("content-type").unwrap_or_default().to_ascii_lowercase();
    let json = media.contains("json") || (text.starts_with(['{', '[']) && text.ends_with(['}', ']']));
    let markup = text.starts_with('<') || media.contains("html") && text.contains("</");
    let unread = exhibit.body.is_empty() && scene.asked.method == "HEAD";
    if !unread {
        seen.set(evidence, "page:empty", text.is_empty());
        seen.set(evidence, "page:json", !text.is_empty() && json);
        seen.set(evidence, "page:html", !text.is_empty() && !json && markup);
        seen.set(evidence, "page:text", !text.is_empty() && !json && !markup);
    }
}

/// Of several pages of a group that fit, the most particular counts.
fn only_first(evidence: &Evidence, seen: &mut Seen) {
    let holding = |seen: &Seen| -> Vec<(usize, u32)> {
        evidence
            .group("page")
            .filter(|(index, _)| seen.get(*index).is_some_and(|judged| judged.holds))
            .map(|(index, signal)| (index, signal.first))
            .collect()
    };
    let found = holding(seen);
    let Some(first) = found.iter().map(|(_, first)| *first).min() else { return };
    for (index, _) in found.into_iter().filter(|(_, order)| *order > first) {
        seen.put(index, Some(Judged { holds: false, weight: 1.0 }));
    }
}

/// Pages that some server makes by itself give no reason of an application; a vendor's page speaks in the vendor's words,
/// and those families of words are left open.
fn reasons(evidence: &Evidence, exhibit: &Answer, seen: &mut Seen) {
    let in_header = !told_in_header(exhibit).is_empty();
    let page = evidence
        .group("page")
        .filter(|(index, _)| seen.get(*index).is_some_and(|judged| judged.holds))
        .map(|(_, signal)| signal.first)
        .min()
        .unwrap_or(u32::MAX);
    let said: Vec<_> =
        evidence.signals.iter().enumerate().filter(|(_, signal)| signal.group.starts_with("says")).collect();
    let mut most: f64 = 0.0;
    let mut of_roles = None;
    for (index, signal) in &said {
        let of_code = signal.id.starts_with("code:");
        if !of_code && (page < 20 || page <= 40 && !in_header) {
            seen.put(*index, None);
        } else if let Some(judged) = seen.get(*index).filter(|judged| judged.holds) {
            if signal.id == "says:role" {
                of_roles = Some((*index, judged));
            } else {
                most = most.max(judged.weight);
            }
        }
    }
    // "You may not do this" stands in refusals of every kind: a single such phrase never outweighs a reason given besides.
    if let Some((index, judged)) = of_roles {
        let single = judged.weight < 1.15;
        let weight = if most >= 1.0 && single { judged.weight.min(1.0) } else { judged.weight };
        seen.put(index, Some(Judged { weight, ..judged }));
        most = most.max(weight);
    }
    if page >= 20 {
        seen.set(evidence, "says:anything", most > 0.0);
    }
    // That it gives no reason is said once, not once for every reason it does not give.
    if most <= 0.0 {
        for (index, _) in said.iter().filter(|(_, signal)| signal.group == "says") {
            seen.put(*index, None);
        }
    }
    // Where one family fits plainly, hints of others are no hints, and lesser fits weigh less.
    for (index, signal) in said {
        let Some(judged) = seen.get(index).filter(|judged| judged.holds && signal.group == "says") else {
            continue;
        };
        if judged.weight < 0.9 && most >= 1.0 {
            seen.put(index, None);
        } else if judged.weight + 0.05 < most {
            seen.put(index, Some(Judged { weight: 0.6, ..judged }));
        } else {
            seen.put(index, Some(Judged { weight: judged.weight.min(1.0), ..judged }));
        }
    }
}

fn fields(evidence: &Evidence, scene: &Scene<'_>, exhibit: &Answer, seen: &mut Seen) {
    seen.set(evidence, "server:silent", exhibit.header("server").is_none());
    let hit =
        |name: &str| exhibit.header(name).is_some_and(|value| value.to_ascii_lowercase().contains("hit"));
    let age = exhibit.header("age").and_then(|age| age.trim().parse::<u64>().ok()).is_some_and(|age| age > 0);
    let varnish_hit = exhibit.header("x-varnish").is_some_and(|ids| ids.split_whitespace().count() == 2);
    let cached = age
        || varnish_hit
        || [
            "x-cache",
            "x-cache-status",
            "cf-cache-status",
            "x-proxy-cache",
            "x-cache-lookup",
            "x-drupal-cache",
            "x-litespeed-cache",
            "cache-status",
        ]
        .iter()
        .any(|name| hit(name));
    seen.set(evidence, "code:age", cached);
    let bare = exhibit.body.as_slice() == b"Forbidden"
        && !exhibit.has("server")
        && !exhibit.has("x-content-type-options")
        && !exhibit.has("x-powered-by");
    seen.set(evidence, "code:bare-refusal", bare);
    // A saved answer may lack its fields altogether.
    if !exhibit.headers.is_empty() {
        seen.set(evidence, "field:no-date", !exhibit.has("date"));
    }
    passed_on(evidence, exhibit, seen);
    not_found(evidence, scene, seen);
    let origin_sent = scene.asked.header("origin").is_some();
    seen.set(evidence, "code:fallback-cors", origin_sent && !exhibit.has("access-control-allow-origin"));
    seen.set(evidence, "code:connect", exhibit.from_connect);
    let tls = exhibit.tls.as_ref();
    if let Some(tls) = tls {
        seen.set(evidence, "code:tls-asks-certificate", tls.asks_for_certificate);
        let host = scene.asked.meant_host();
        let named = tls.covers_host || tls.names.contains(&host);
        seen.set(evidence, "code:tls-other-name", !named && host.parse::<std::net::IpAddr>().is_err());
        let issuer = tls.issuer.to_ascii_lowercase();
        let of_filter = [
            "zscaler",
            "netskope",
            "fortinet",
            "fortigate",
            "blue coat",
            "bluecoat",
            "palo alto",
            "sophos",
            "cisco umbrella",
            "websense",
            "forcepoint",
            "kaspersky",
            "avast",
            "bitdefender",
            "eset",
            "barracuda",
            "proxy",
            "corp",
            "web gateway",
            "check point",
            "untangle",
            "mcafee",
        ];
        seen.set(
            evidence,
            "code:tls-corporate",
            tls.fault.is_some() && of_filter.iter().any(|name| issuer.contains(name)),
        );
    }
    banners(evidence, scene, exhibit, seen);
}

/// A cache that refuses by itself signs as `Server`; one that only left its fields beside another's banner passed an
/// answer on.
fn passed_on(evidence: &Evidence, exhibit: &Answer, seen: &mut Seen) {
    let cache = exhibit.has("x-varnish") || exhibit.header("via").is_some_and(|via| via.contains("arnish"));
    let others = banner(exhibit).is_some_and(|server| !server.contains("varnish"));
    if cache {
        seen.set(evidence, "server:passed-on", others);
    }
}

/// In which words the same server says 404.
fn not_found(evidence: &Evidence, scene: &Scene<'_>, seen: &mut Seen) {
    let mut answers = scene
        .trials
        .iter()
        .filter_map(|(trial, _)| trial.outcome.as_ref().ok())
        .filter(|answer| answer.status == 404)
        .peekable();
    if answers.peek().is_some() {
        let go = answers.any(|answer| answer.text().trim() == "404 page not found");
        seen.set(evidence, "elsewhere:go-not-found", go);
    }
}

fn banner(answer: &Answer) -> Option<String> {
    let server = answer.header("server")?;
    Some(server.split(['/', ' ', '(']).next().unwrap_or_default().to_ascii_lowercase())
}

fn banners(evidence: &Evidence, scene: &Scene<'_>, exhibit: &Answer, seen: &mut Seen) {
    let own = banner(exhibit);
    let others: Vec<Option<String>> = scene
        .trials
        .iter()
        .filter(|(trial, told)| {
            !matches!(told, Told::Same | Told::Nothing)
                && trial.probe.group() != "family"
                && trial.probe.group() != "direct"
        })
        .filter_map(|(trial, _)| trial.outcome.as_ref().ok())
        .map(banner)
        .collect();
    if others.is_empty() {
        return;
    }
    seen.set(evidence, "server:banner-vanishes", own.is_none() && others.iter().any(Option::is_some));
    let changes = own.is_some() && others.iter().flatten().any(|other| Some(other) != own.as_ref());
    seen.set(evidence, "server:banner-changes", changes);
    let repeated =
        scene.trials.iter().filter(|(trial, _)| matches!(trial.probe.group(), "repeat" | "given" | "pause"));
    let several =
        repeated.filter_map(|(trial, _)| trial.outcome.as_ref().ok()).any(|answer| banner(answer) != own);
    seen.set(evidence, "server:several-banners", several);
}

/// Without a refusal: who answers at this address otherwise.
fn elsewhere(evidence: &Evidence, scene: &Scene<'_>, seen: &mut Seen) {
    let answers: Vec<&Answer> =
        scene.trials.iter().filter_map(|(trial, _)| trial.outcome.as_ref().ok()).collect();
    if answers.is_empty() {
        return;
    }
    let headers: Vec<Vec<u8>> = answers.iter().flat_map(|answer| lines(answer)).collect();
    let texts: Vec<_> = answers.iter().map(|answer| readable(&answer.body)).collect();
    let of = |id: &str| {
        evidence
            .signal(id)
            .and_then(|index| evidence.signals.get(index))
            .is_some_and(|signal| signal.search(&[], &headers) != Matched::No)
    };
    let says = |id: &str| {
        evidence.signal(id).and_then(|index| evidence.signals.get(index)).is_some_and(|signal| {
            texts.iter().any(|text| signal.search(&[text.marked_up.as_bytes()], &[]) != Matched::No)
        })
    };
    for (there, by) in [
        ("elsewhere:nginx", "server:nginx"),
        ("elsewhere:apache", "server:apache"),
        ("elsewhere:framework", "server:framework"),
        ("elsewhere:envoy", "server:envoy"),
        ("elsewhere:cloudfront", "server:cloudfront"),
        ("elsewhere:cloudflare", "server:cloudflare"),
        ("elsewhere:varnish", "server:varnish"),
        ("elsewhere:caddy", "server:caddy"),
        ("elsewhere:lighttpd", "server:lighttpd"),
    ] {
        seen.set(evidence, there, of(by));
    }
    seen.set(evidence, "elsewhere:kubernetes", of("server:kubernetes") || says("page:kubernetes"));
    seen.set(evidence, "elsewhere:store", of("server:s3") || of("server:gcs") || of("server:azure-storage"));
    let file = answers.iter().any(|answer| {
        answer.status == 200
            && answer.has("last-modified")
            && answer.has("accept-ranges")
            && !answer.has("set-cookie")
    });
    seen.set(evidence, "elsewhere:static-file", file);
    let product = |name: &str| headers.iter().any(|line| String::from_utf8_lossy(line).contains(name));
    let search_engine = product("x-elastic-product")
        || product("x-opensearch")
        || texts.iter().any(|text| {
            ["elasticsearch", "opensearch", "you know, for search"]
                .iter()
                .any(|name| text.plain.contains(name))
        });
    seen.set(evidence, "elsewhere:search-engine", search_engine);
    seen.set(evidence, "elsewhere:silent", answers.iter().all(|answer| !answer.has("server")));
    let token = texts.iter().any(|text| {
        ["csrf", "xsrf", "authenticity_token", "requestverificationtoken", "name=\"_token\"", "nonce"]
            .iter()
            .any(|part| text.marked_up.contains(part))
    }) || headers.iter().any(|line| {
        let line = String::from_utf8_lossy(line);
        line.starts_with("set-cookie:")
            && (line.contains("csrf") || line.contains("xsrf") || line.contains("antiforgery"))
    });
    seen.set(evidence, "elsewhere:token-offered", token);
    if let Some(tls) = answers.iter().find_map(|answer| answer.tls.as_ref()) {
        seen.set(evidence, "code:tls-asks-certificate", tls.asks_for_certificate);
    }
}
