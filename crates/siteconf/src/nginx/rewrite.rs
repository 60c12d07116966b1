//! The rewrite phase: `set`, `if`, `return`, `rewrite`, `break`, in the order they stand, as nginx runs them.

use std::collections::BTreeSet;
use std::path::Path;

use super::grammar::Directive;
use super::variables::{Source, Value, Variables};
use crate::condition::Truth;
use crate::pattern::{self, Pattern};

/// How a level's rewrite phase ended.
#[derive(Debug, Clone)]
pub(crate) enum Step<'a> {
    Continue,
    /// `break`, or `rewrite … break`: on with the next phase.
    Break,
    /// `rewrite … last`: the location is chosen anew.
    Last,
    /// An answer without more ado.
    Answer(Answer<'a>),
    /// A redirect to elsewhere.
    Redirect,
}

/// An answer that the rewrite phase gives, with the conditions that led to it.
#[derive(Debug, Clone)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) directive: &'a Directive,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) certain: Truth,
}

/// A condition that held, or might have.
#[derive(Debug, Clone)]
pub(crate) struct Condition {
    pub(crate) shown: String,
    pub(crate) value: Value,
    /// Whether it compares with a pattern or text that was met, not one that was missed.
    pub(crate) positive: bool,
    pub(crate) pattern: String,
}

/// What a rewrite phase collects beside its end.
#[derive(Debug, Default)]
pub(crate) struct Trace<'a> {
    /// Answers that an unknown condition might have given.
    pub(crate) possible: Vec<Answer<'a>>,
    /// `if` blocks whose contents hold from here on.
    pub(crate) entered: Vec<&'a Directive>,
}

/// Runs one level.
pub(crate) fn run<'a>(
    level: &'a [Directive],
    variables: &mut Variables<'a, '_>,
    trace: &mut Trace<'a>,
) -> Step<'a> {
    walk(level, variables, trace, &mut Vec::new(), 0)
}

fn walk<'a>(
    level: &'a [Directive],
    variables: &mut Variables<'a, '_>,
    trace: &mut Trace<'a>,
    conditions: &mut Vec<Condition>,
    depth: u8,
) -> Step<'a> {
    for directive in level {
        match directive.name.as_str() {
            "set" => {
                let mut value = variables.expand(directive.arg(1));
                // What a variable is set to under a condition tells of that condition.
                value
                    .sources
                    .extend(conditions.iter().flat_map(|condition| condition.value.sources.iter().cloned()));
                variables.set.insert(directive.arg(0).trim_start_matches('$').to_owned(), value);
            }
            "break" => return Step::Break,
            "return" => {
                let Some(status) = status_of(directive) else { return Step::Redirect };
                let conditions = conditions.clone();
                return Step::Answer(Answer { status, directive, conditions, certain: Truth::Yes });
            }
            "rewrite" => match rewrite(directive, variables) {
                Step::Continue => {}
                step => return step,
            },
            "if" if depth < 4 => {
                let (holds, condition) = test(directive, variables);
                conditions.push(condition);
                match holds {
                    Truth::Yes => {
                        trace.entered.push(directive);
                        let step = walk(directive.children(), variables, trace, conditions, depth + 1);
                        if !matches!(step, Step::Continue) {
                            return step;
                        }
                    }
                    Truth::Unknown => possible(directive, trace, conditions),
                    Truth::No => {}
                }
                conditions.pop();
            }
            _ => {}
        }
    }
    Step::Continue
}

/// What the block of a condition that cannot be evaluated would answer.
fn possible<'a>(block: &'a Directive, trace: &mut Trace<'a>, conditions: &[Condition]) {
    for directive in block.children() {
        if directive.name == "return"
            && let Some(status) = status_of(directive)
        {
            let conditions = conditions.to_vec();
            trace.possible.push(Answer { status, directive, conditions, certain: Truth::Unknown });
        }
    }
}

/// `None` for a redirect by its address alone.
fn status_of(directive: &Directive) -> Option<u16> {
    directive.arg(0).parse().ok()
}

fn rewrite<'a>(directive: &Directive, variables: &mut Variables<'_, '_>) -> Step<'a> {
    let Some(pattern) = Pattern::new(directive.arg(0), false) else { return Step::Continue };
    let Some(captures) = pattern.captures(&variables.uri) else { return Step::Continue };
    let before = std::mem::replace(&mut variables.captures, captures);
    let target = variables.expand(directive.arg(1)).text;
    let flag = directive.arg(2);
    let Some(target) = target else {
        variables.captures = before;
        return Step::Continue;
    };
    if matches!(flag, "redirect" | "permanent") || target.contains("://") || target.starts_with("$scheme") {
        return Step::Redirect;
    }
    let (path, query) =
        target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)));
    variables.uri = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    match query {
        // A question mark at the end drops the old arguments.
        Some("") => variables.args = String::new(),
        Some(query) if variables.args.is_empty() => variables.args = query.to_owned(),
        Some(query) => variables.args = format!("{query}&{}", variables.args),
        None => {}
    }
    match flag {
        "last" => Step::Last,
        "break" => Step::Break,
        _ => Step::Continue,
    }
}

/// Whether an `if` holds.
pub(crate) fn test(directive: &Directive, variables: &Variables<'_, '_>) -> (Truth, Condition) {
    let mut words: Vec<String> = directive.args.clone();
    if let Some(first) = words.first_mut()
        && let Some(rest) = first.strip_prefix('(')
    {
        *first = rest.to_owned();
    }
    if let Some(last) = words.last_mut()
        && let Some(rest) = last.strip_suffix(')')
    {
        *last = rest.to_owned();
    }
    words.retain(|word| !word.is_empty() || directive.args.len() > 2);
    if words.first().is_some_and(String::is_empty) {
        words.remove(0);
    }
    let shown = format!("if {}", directive.args.join(" "));
    let word = |at: usize| words.get(at).map_or("", String::as_str);
    let first = word(0);
    if let Some(kind) = first.strip_prefix('!').unwrap_or(first).strip_prefix('-')
        && matches!(kind, "f" | "d" | "e" | "x")
    {
        let value = variables.expand(word(1));
        let holds = Truth::from(value.text.as_deref().map(|path| file_is(path, kind)));
        let holds = if first.starts_with('!') { !holds } else { holds };
        let value = Value { text: value.text, sources: BTreeSet::from([Source::Path]) };
        return (holds, Condition { shown, value, positive: true, pattern: String::new() });
    }
    let value = variables.expand(first);
    let (operator, operand) = (word(1), word(2));
    let negative = operator.starts_with('!');
    let compared = match (operator.trim_start_matches('!'), value.text.as_deref()) {
        (_, None) => Truth::Unknown,
        ("=", Some(text)) => match variables.expand(operand).text {
            Some(operand) => Truth::from(text == operand),
            None => Truth::Unknown,
        },
        ("~", Some(text)) => pattern::matches(operand, false, text),
        ("~*", Some(text)) => pattern::matches(operand, true, text),
        _ => !Truth::from(value.is_false()),
    };
    let holds = if negative { !compared } else { compared };
    let positive = !(negative || operator == "=" && operand.is_empty());
    (holds, Condition { shown, value, positive, pattern: operand.to_owned() })
}

fn file_is(path: &str, kind: &str) -> bool {
    let path = Path::new(path);
    match kind {
        "f" => path.is_file(),
        "d" => path.is_dir(),
        _ => path.exists(),
    }
}
