//! Telling a report: to people in the terminal, as JSON, as Markdown for a ticket, as a page with charts.

/// Adds to a text what is formatted; texts do not fail as streams do.
macro_rules! tell {
    ($text:expr, $($format:tt)*) => { $text.push_str(&format!($($format)*)) };
}

/// As `tell!`, with a line's end.
macro_rules! tell_line {
    ($text:expr, $($format:tt)*) => {{
        $text.push_str(&format!($($format)*));
        $text.push('\n');
    }};
}

pub(crate) mod html;
pub(crate) mod json;
pub(crate) mod markdown;
pub(crate) mod redact;
pub(crate) mod text;
