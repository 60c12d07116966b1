//! `mod_rewrite` as far as refusing goes: conditions and rules in order, `[F]`, and what rules make of the path.

use super::facts::{Facts, Origin};
use super::grammar::Directive;
use crate::condition::Truth;
use crate::pattern::{self, Pattern};

/// What the rules came to.
#[derive(Debug, Clone)]
pub(crate) enum Ruled<'a> {
    Passed,
    /// The rule with `[F]`, the conditions before it, and how sure it is.
    Forbidden {
        rule: &'a Directive,
        conditions: Vec<&'a Directive>,
        certain: Truth,
        origin: Origin,
    },
    /// Proxied to this address.
    Proxied(String),
    Redirected,
}

/// Runs the rules of one level. `base` is the part of the path that a directory's rules do not see.
pub(crate) fn run<'a>(directives: &[&'a Directive], facts: &mut Facts, base: Option<&str>) -> Ruled<'a> {
    let on = directives
        .iter()
        .rev()
        .find(|directive| directive.name == "rewriteengine")
        .is_some_and(|directive| directive.arg(0).eq_ignore_ascii_case("on"));
    if !on {
        return Ruled::Passed;
    }
    let maps = directives.iter().filter(|directive| directive.name == "rewritemap");
    facts.maps.extend(maps.map(|map| (map.arg(0).to_owned(), map.arg(1).to_owned())));
    let mut conditions: Vec<&'a Directive> = Vec::new();
    let mut maybe: Option<Ruled<'a>> = None;
    let mut skip = 0_usize;
    let mut broken_chain = false;
    for directive in directives {
        if directive.name == "rewritecond" {
            conditions.push(directive);
        }
        if directive.name != "rewriterule" {
            continue;
        }
        let own = std::mem::take(&mut conditions);
        let flags = Flags::read(directive.arg(2));
        let chains = flags.has("c") || flags.has("chain");
        if skip > 0 {
            skip -= 1;
            continue;
        }
        if broken_chain {
            broken_chain = chains;
            continue;
        }
        let (holds, groups) = matched(directive, &own, &flags, facts, base);
        match holds {
            Truth::No => broken_chain = chains,
            Truth::Unknown if flags.forbids() && maybe.is_none() => {
                maybe = Some(forbidden(directive, own, Truth::Unknown));
            }
            Truth::Unknown => {}
            Truth::Yes if flags.forbids() => return forbidden(directive, own, Truth::Yes),
            Truth::Yes => {
                skip = flags.skipped();
                if let Some(ruled) = applied(directive, &own, &flags, &groups, facts, base) {
                    return ruled;
                }
                if flags.has("l") || flags.has("last") || flags.has("end") {
                    break;
                }
            }
        }
    }
    maybe.unwrap_or(Ruled::Passed)
}

/// What a rule that holds changes: variables, the path. `Some` if the request leaves by it.
fn applied<'a>(
    rule: &Directive,
    conditions: &[&Directive],
    flags: &Flags,
    groups: &[String],
    facts: &mut Facts,
    base: Option<&str>,
) -> Option<Ruled<'a>> {
    for setting in flags.values("e").chain(flags.values("env")) {
        let (name, value) = setting.split_once(':').unwrap_or((setting, "1"));
        let origins = conditions.iter().map(|condition| Facts::origin(condition.arg(0)));
        facts.environment.insert(name.to_owned(), (value.to_owned(), origins.max().unwrap_or(Origin::Path)));
    }
    if rule.arg(1) == "-" {
        return None;
    }
    let target = substituted(rule.arg(1), groups, facts);
    if flags.has("p") || flags.has("proxy") {
        return Some(Ruled::Proxied(target));
    }
    let codes = || flags.values("r").chain(flags.values("redirect"));
    if flags.starts("r") && codes().all(|code| code.starts_with('3')) || target.contains("://") {
        return Some(Ruled::Redirected);
    }
    let path = target.split('?').next().unwrap_or(&target);
    facts.path =
        if path.starts_with('/') { path.to_owned() } else { format!("{}{path}", base.unwrap_or("/")) };
    None
}

fn forbidden<'a>(rule: &'a Directive, conditions: Vec<&'a Directive>, certain: Truth) -> Ruled<'a> {
    let origin =
        conditions.iter().map(|condition| Facts::origin(condition.arg(0))).max().unwrap_or(Origin::Path);
    Ruled::Forbidden { rule, conditions, certain, origin }
}

/// Whether the rule's pattern and all its conditions hold, with what the pattern captured.
fn matched(
    rule: &Directive,
    conditions: &[&Directive],
    flags: &Flags,
    facts: &Facts,
    base: Option<&str>,
) -> (Truth, Vec<String>) {
    let subject = match base {
        Some(base) => facts.path.strip_prefix(base).unwrap_or(facts.path.trim_start_matches('/')),
        None => &facts.path,
    };
    let (pattern, negated) = rule.arg(0).strip_prefix('!').map_or((rule.arg(0), false), |rest| (rest, true));
    let ignore_case = flags.has("nc") || flags.has("nocase");
    let Some(compiled) = Pattern::new(pattern, ignore_case) else { return (Truth::Unknown, Vec::new()) };
    let captures = compiled.captures(subject);
    if captures.is_some() == negated {
        return (Truth::No, Vec::new());
    }
    let groups: Vec<String> = captures.unwrap_or_default().into_iter().map(|(_, text)| text).collect();
    let mut all = Truth::Yes;
    let mut open: Option<Truth> = None;
    let mut last: Vec<String> = Vec::new();
    for condition in conditions {
        let flags = Flags::read(condition.arg(2));
        let truth = tested(condition, &flags, facts, &groups, &mut last);
        let truth = open.take().map_or(truth, |before| before.or(truth));
        if flags.has("or") || flags.has("ornext") {
            open = Some(truth);
        } else {
            all = all.and(truth);
        }
    }
    (open.map_or(all, |truth| all.and(truth)), groups)
}

fn tested(
    condition: &Directive,
    flags: &Flags,
    facts: &Facts,
    groups: &[String],
    last: &mut Vec<String>,
) -> Truth {
    let text = condition.arg(0);
    let (pattern, negated) =
        condition.arg(1).strip_prefix('!').map_or((condition.arg(1), false), |rest| (rest, true));
    let mut with_groups = text.to_owned();
    for (at, group) in groups.iter().enumerate().take(10) {
        with_groups = with_groups.replace(&format!("${at}"), group);
    }
    for (at, group) in last.iter().enumerate().take(10) {
        with_groups = with_groups.replace(&format!("%{at}"), group);
    }
    let ignore_case = flags.has("nc") || flags.has("nocase");
    let truth = if text.eq_ignore_ascii_case("expr") {
        super::expression::holds(condition.arg(1), facts)
    } else {
        let expanded = super::expression::expanded(&with_groups, facts);
        let Some(value) = expanded.and_then(|text| looked_up(&text, facts)) else { return Truth::Unknown };
        match pattern {
            "-f" | "-s" | "-F" => Truth::from(std::path::Path::new(&value).is_file()),
            "-d" => Truth::from(std::path::Path::new(&value).is_dir()),
            "-l" | "-h" | "-L" => {
                Truth::from(std::fs::symlink_metadata(&value).is_ok_and(|about| about.is_symlink()))
            }
            "-x" | "-U" => Truth::Unknown,
            _ if pattern.starts_with('=') => Truth::from(compare(pattern, &value, ignore_case)),
            _ => {
                if let Some(found) =
                    Pattern::new(pattern, ignore_case).and_then(|pattern| pattern.captures(&value))
                {
                    *last = found.into_iter().map(|(_, text)| text).collect();
                }
                pattern::matches(pattern, ignore_case, &value)
            }
        }
    };
    if negated { !truth } else { truth }
}

fn compare(pattern: &str, value: &str, ignore_case: bool) -> bool {
    let wanted = pattern.trim_start_matches('=');
    let wanted = if wanted == "\"\"" { "" } else { wanted };
    if ignore_case { wanted.eq_ignore_ascii_case(value) } else { wanted == value }
}

fn substituted(text: &str, groups: &[String], facts: &Facts) -> String {
    let mut out = text.to_owned();
    for (at, group) in groups.iter().enumerate().take(10) {
        out = out.replace(&format!("${at}"), group);
    }
    super::expression::expanded(&out, facts).and_then(|text| looked_up(&text, facts)).unwrap_or(out)
}

/// `${map:key|default}` as the map's file has it; `None` where the map is a program, a database or cannot be read.
fn looked_up(text: &str, facts: &Facts) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (inner, left) = after.split_once('}')?;
        let (name, key) = inner.split_once(':')?;
        let (key, default) = key.rsplit_once('|').unwrap_or((key, ""));
        let kept = facts.maps.get(name)?;
        match kept.split_once(':').unwrap_or(("txt", kept)) {
            ("txt", file) => out.push_str(&kept_for(key, file, default)?),
            ("int", "tolower") => out.push_str(&key.to_lowercase()),
            ("int", "toupper") => out.push_str(&key.to_uppercase()),
            _ => return None,
        }
        rest = left;
    }
    out.push_str(rest);
    Some(out)
}

/// The value of a key in a map of lines `key value`; `None` if the map cannot be read.
fn kept_for(key: &str, file: &str, default: &str) -> Option<String> {
    let text = crate::source::whole(std::path::Path::new(file)).ok()?;
    let pairs = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let mut pairs = pairs.filter_map(|line| line.trim().split_once(char::is_whitespace));
    let found = pairs.find(|(own, _)| *own == key).map(|(_, value)| value.trim());
    Some(found.unwrap_or(default).to_owned())
}

/// The flags of a rule or condition.
struct Flags(Vec<String>);

impl Flags {
    fn read(text: &str) -> Flags {
        let inner = text.trim().trim_start_matches('[').trim_end_matches(']');
        Flags(inner.split(',').map(|flag| flag.trim().to_owned()).filter(|flag| !flag.is_empty()).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|flag| flag.eq_ignore_ascii_case(name))
    }

    fn starts(&self, name: &str) -> bool {
        self.0.iter().any(|flag| {
            flag.split('=')
                .next()
                .is_some_and(|head| head.eq_ignore_ascii_case(name) || head.eq_ignore_ascii_case("redirect"))
        })
    }

    fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter_map(move |flag| {
            flag.split_once('=').filter(|(head, _)| head.eq_ignore_ascii_case(name)).map(|(_, value)| value)
        })
    }

    /// How many rules `[S=n]` leaves out.
    fn skipped(&self) -> usize {
        let mut counts = self.values("s").chain(self.values("skip"));
        counts.find_map(|count| count.parse().ok()).unwrap_or(0)
    }

    fn forbids(&self) -> bool {
        self.has("f")
            || self.has("forbidden")
            || self.values("r").chain(self.values("redirect")).any(|code| code == "403")
    }
}
