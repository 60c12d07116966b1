//! Signals of comparison: what a probe told, seen beside the refusal.

use std::collections::BTreeSet;

use super::text::readable;
use super::{Scene, Seen};
use crate::answer::{Answer, Failure, Outcome};
use crate::asked::Url;
use crate::evidence::Evidence;
use crate::probe::{Probe, Told};

/// What an outcome tells, seen beside the refusal (none where none was seen).
#[must_use]
pub fn told(outcome: &Outcome, exhibit: Option<&Answer>, sent: &Url, refused: &Url) -> Told {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(Failure::Proxy { .. }) => return Told::Other,
        Err(_) => return Told::Nothing,
    };
    match answer.status {
        403 => match exhibit {
            Some(exhibit) if !alike(answer, exhibit) => Told::Other,
            _ => Told::Same,
        },
        200..=299 | 304 | 101 => Told::Passes,
        300..=399 => match answer.redirect(sent) {
            Some(to) if to.path == refused.path && to.host == refused.host && to.scheme == sent.scheme => {
                Told::Redirects
            }
            Some(to) if is_sign_in(&to) => Told::Challenge,
            Some(to) if to.path == sent.path && to.host == sent.host && to.scheme != sent.scheme => Told::Odd,
            _ => Told::Passes,
        },
        401 | 407 => Told::Challenge,
        404 | 410 => Told::Missing,
        405 | 501 => Told::Method,
        _ => Told::Odd,
    }
}

fn is_sign_in(to: &Url) -> bool {
    let target = to.target().to_ascii_lowercase();
    ["login", "log-in", "signin", "sign-in", "sign_in", "auth", "sso", "session/new", "oauth", "accounts"]
        .iter()
        .any(|part| target.contains(part) || to.host.contains(part))
}

/// Whether two refusals come from the same place: the same banner and nearly the same words. Numbers differ from answer to
/// answer, and the path is often on the page, so only words without digits and slashes count.
#[must_use]
pub fn alike(one: &Answer, other: &Answer) -> bool {
    let banner = |answer: &Answer| {
        answer
            .header("server")
            .map(|server| server.split('/').next().unwrap_or_default().to_ascii_lowercase())
    };
    if banner(one) != banner(other) {
        return false;
    }
    let (one, other) = (words(one), words(other));
    if one.is_empty() || other.is_empty() {
        return one.is_empty() && other.is_empty();
    }
    let common = one.intersection(&other).count();
    let all = one.union(&other).count();
    common * 10 >= all * 6
}

fn words(answer: &Answer) -> BTreeSet<String> {
    let read = readable(&answer.body);
    read.plain
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | ',' | ':' | '{' | '}' | '(' | ')'))
        .filter(|word| !word.is_empty() && !word.contains(|c: char| c.is_ascii_digit() || c == '/'))
        .take(400)
        .map(str::to_owned)
        .collect()
}

pub(super) fn judge(evidence: &Evidence, scene: &Scene<'_>, seen: &mut Seen) {
    if scene.asked.meant_host().parse::<std::net::IpAddr>().is_err() && scene.addresses.len() > 1 {
        addresses(evidence, scene, seen);
    }
    // What was let through before the first refusal is told by `repeat:at-first-fine`.
    let since = scene.trials.iter().skip_while(|(_, told)| scene.at_first_fine && *told == Told::Passes);
    let unsteady = scene.exhibit.is_some()
        && since.clone().any(|(trial, told)| trial.probe == Probe::Repeat && *told == Told::Passes);
    for (trial, told) in &scene.trials {
        let group = trial.probe.group();
        // A server that answers now so, now so, says nothing by a difference.
        let believable = !unsteady || matches!(trial.probe, Probe::Repeat | Probe::Pause);
        if !believable || *told == Told::Nothing || matches!(group, "given" | "family" | "argument") {
            continue;
        }
        let mut outcome = *told;
        if trial.probe == Probe::Repeat {
            outcome = if unsteady { Told::Passes } else { Told::Same };
        }
        let signals: Vec<String> = evidence.outcomes(group).map(|(_, signal)| signal.id.clone()).collect();
        let name = format!("{group}:{}", outcome.name());
        let name = if signals.contains(&name) { name } else { format!("{group}:odd") };
        for id in signals.iter().filter(|id| {
            !matches!(id.as_str(), "query:one-argument" | "repeat:at-first-fine" | "repeat:alternates")
        }) {
            seen.set(evidence, id, *id == name);
        }
    }
    let arguments: Vec<_> =
        scene.trials.iter().filter(|(trial, _)| matches!(trial.probe, Probe::Argument(_))).collect();
    if !arguments.is_empty() && !unsteady {
        seen.set(evidence, "query:one-argument", arguments.iter().any(|(_, told)| *told == Told::Passes));
    }
    if unsteady {
        seen.set(evidence, "repeat:alternates", alternates(scene));
    }
    if scene.at_first_fine {
        seen.set(evidence, "repeat:at-first-fine", true);
    }
}

/// Refused, let through, and refused again.
fn alternates(scene: &Scene<'_>) -> bool {
    let mut turns = scene
        .trials
        .iter()
        .filter(|(trial, _)| matches!(trial.probe, Probe::AsGiven | Probe::Repeat))
        .map(|(_, told)| *told == Told::Passes)
        .skip_while(|passes| *passes)
        .skip_while(|passes| !*passes);
    turns.any(|passes| !passes)
}

fn addresses(evidence: &Evidence, scene: &Scene<'_>, seen: &mut Seen) {
    let told: Vec<Told> = scene
        .trials
        .iter()
        .filter(|(trial, told)| matches!(trial.probe, Probe::Address(_)) && *told != Told::Nothing)
        .map(|(_, told)| *told)
        .collect();
    if told.is_empty() {
        return;
    }
    let differs = told.iter().any(|told| *told != Told::Same);
    seen.set(evidence, "family:differs", differs);
    seen.set(evidence, "family:passes", told.contains(&Told::Passes));
    seen.set(evidence, "family:same", !differs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, server: &str, body: &str) -> Answer {
        Answer {
            status,
            headers: vec![("Server".to_owned(), server.to_owned())],
            body: body.into(),
            ..Answer::default()
        }
    }

    #[test]
    fn refusals_are_alike_whatever_they_number() {
        let one = answer(403, "x/1", "<h1>Access Denied</h1> Reference 18.abc path /a/b request 1234");
        let other = answer(403, "x/1", "<h1>Access Denied</h1> Reference 19.def path /z request 99");
        assert!(alike(&one, &other));
        assert!(!alike(&one, &answer(403, "x/1", "csrf token missing or incorrect")));
        assert!(!alike(&one, &answer(403, "y", "<h1>Access Denied</h1> Reference path request")));
        assert!(alike(&answer(403, "x", ""), &answer(403, "x", "")));
    }

    #[test]
    fn what_answers_tell() {
        let (here, _) = Url::parse("http://a.test/x/").unwrap();
        let (there, _) = Url::parse("http://a.test/x").unwrap();
        let redirect = |to: &str| {
            let mut answer = answer(301, "x", "");
            answer.headers.push(("Location".to_owned(), to.to_owned()));
            Ok(answer)
        };
        assert_eq!(told(&redirect("/x/"), None, &there, &here), Told::Redirects);
        assert_eq!(told(&redirect("/login?next=/x"), None, &there, &here), Told::Challenge);
        assert_eq!(told(&redirect("/elsewhere"), None, &there, &here), Told::Passes);
        assert_eq!(told(&Ok(answer(404, "x", "")), None, &there, &here), Told::Missing);
        assert_eq!(told(&Err(Failure::Closed), None, &there, &here), Told::Nothing);
    }
}
