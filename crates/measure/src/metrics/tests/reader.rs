//! A small, strict reader of OpenMetrics text: what it takes, Prometheus takes.

use std::collections::{BTreeMap, BTreeSet};

/// What was read.
pub(super) struct Exposition {
    pub(super) families: Vec<Family>,
    /// `name{labels}` as written, and its value.
    pub(super) series: BTreeMap<String, f64>,
}

#[derive(Default)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) help: String,
    unit: Option<String>,
    /// The names of the labels of each sample.
    pub(super) samples: Vec<Vec<String>>,
}

pub(super) fn read(text: &str) -> Result<Exposition, String> {
    let body = text.strip_suffix("# EOF\n").ok_or("does not end with `# EOF`")?;
    let mut families: Vec<Family> = Vec::new();
    let mut series = BTreeMap::new();
    for line in body.split_terminator('\n') {
        let fault = |why: &str| format!("{why}: `{line}`");
        if let Some(described) = line.strip_prefix("# ") {
            describe(described, &mut families).map_err(|why| fault(&why))?;
            continue;
        }
        let family = families.last_mut().ok_or_else(|| fault("a sample of no family"))?;
        let (name, labels, value) = sample(line).map_err(|why| fault(&why))?;
        belongs(family, name, &labels, value).map_err(|why| fault(&why))?;
        let distinct: BTreeSet<_> = labels.iter().map(|(label, _)| label).collect();
        if distinct.len() != labels.len() {
            return Err(fault("a label twice"));
        }
        family.samples.push(labels.into_iter().map(|(label, _)| label).collect());
        let key = line.rsplit_once(' ').map(|(key, _)| key.to_owned()).unwrap_or_default();
        if series.insert(key, value).is_some() {
            return Err(fault("a series twice"));
        }
    }
    let names: BTreeSet<_> = families.iter().map(|family| &family.name).collect();
    if names.len() != families.len() {
        return Err("a family twice".to_owned());
    }
    if let Some(family) = families.iter().find(|family| family.kind.is_empty() || family.help.is_empty()) {
        return Err(format!("`{}` has no type or no help", family.name));
    }
    if let Some((name, unit)) = families.iter().find_map(|family| {
        let unit = family.unit.as_ref()?;
        (!family.name.ends_with(&format!("_{unit}"))).then_some((&family.name, unit))
    }) {
        return Err(format!("`{name}` does not end with its unit `{unit}`"));
    }
    Ok(Exposition { families, series })
}

fn describe(line: &str, families: &mut Vec<Family>) -> Result<(), String> {
    let mut parts = line.splitn(3, ' ');
    let (Some(what), Some(name), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
        return Err("not three parts".to_owned());
    };
    if what == "HELP" {
        families.push(Family { name: name.to_owned(), help: text.to_owned(), ..Family::default() });
        return Ok(());
    }
    let family = families.last_mut().filter(|family| family.name == name && family.samples.is_empty());
    let family = family.ok_or("describes no family that begins here")?;
    match what {
        "TYPE" if family.kind.is_empty() => text.clone_into(&mut family.kind),
        "UNIT" if family.unit.is_none() => family.unit = Some(text.to_owned()),
        _ => return Err("neither HELP, TYPE nor UNIT, or twice".to_owned()),
    }
    Ok(())
}

type Labels = Vec<(String, String)>;

fn sample(line: &str) -> Result<(&str, Labels, f64), String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or("a label without a value")?;
            let (value, after) = quoted(after)?;
            labels.push((label.to_owned(), value));
            match after.strip_prefix(',') {
                Some(further) => rest = further,
                None => {
                    rest = after.strip_prefix('}').ok_or("labels without an end")?;
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let value: f64 = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    Ok((name, labels, value))
}

/// Up to the closing quote, and what comes after it.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                _ => return Err("an unknown escape".to_owned()),
            },
            other => value.push(other),
        }
    }
    Err("a value without an end".to_owned())
}

fn belongs(family: &Family, name: &str, labels: &Labels, value: f64) -> Result<(), String> {
    let suffix = name.strip_prefix(&*family.name).ok_or("a sample of another family")?;
    let bounded = labels.iter().any(|(label, _)| label == "le");
    let fits = match &*family.kind {
        "counter" => suffix == "_total" && value >= 0.0,
        "gauge" => suffix.is_empty(),
        "info" => suffix == "_info" && value == 1.0,
        "histogram" => matches!(suffix, "_sum" | "_count") || suffix == "_bucket" && bounded,
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("does not fit a {}", family.kind)) }
}
