//! Names in messages.

/// A name as it is shown: cut where it is long, and without what would move a cursor.
pub(crate) fn shown(text: &str) -> String {
    const SHOWN: usize = 100;
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// The nearest of the known names, if one is near enough to have been meant.
pub(crate) fn nearest<'k>(wanted: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    /// More are not compared: a mistyped name must not take minutes.
    const COMPARED: usize = 20_000;
    let most = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .take(COMPARED)
        .filter(|known| known.len().abs_diff(wanted.len()) <= most * 4)
        .map(|known| (strsim::damerau_levenshtein(wanted, known), known))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, known)| known)
}

/// "did you mean …?", or some of what there is.
pub(crate) fn suggest(wanted: &str, known: &[&str]) -> String {
    const LISTED: usize = 12;
    if let Some(near) = nearest(wanted, known.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let mut all: Vec<String> = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    if known.len() > LISTED {
        all.push(format!("{} more", known.len() - LISTED));
    }
    if all.is_empty() { "there is none".to_owned() } else { format!("there are {}", all.join(", ")) }
}
