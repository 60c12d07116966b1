//! Results as JUnit XML, which build servers read.

use super::{Ran, by_file, explained};
use crate::setting::Setting;

/// One test suite a file, one test case a test; failures carry the explanation. `seconds` is how long all of it took.
#[must_use]
pub fn junit(setting: &Setting<'_>, ran: &[Ran<'_>], seconds: f64) -> String {
    let failed = |ran: &[&Ran<'_>]| ran.iter().filter(|one| !one.passed()).count();
    let all: Vec<&Ran<'_>> = ran.iter().collect();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let mut line = |text: std::fmt::Arguments<'_>| {
        xml.push_str(&text.to_string());
        xml.push('\n');
    };
    line(format_args!(
        "<testsuites name=\"portcullis\" tests=\"{}\" failures=\"{}\" time=\"{seconds:.6}\">",
        ran.len(),
        failed(&all)
    ));
    for (file, ran) in by_file(ran) {
        let name = escaped(file);
        line(format_args!(
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\">",
            ran.len(),
            failed(&ran)
        ));
        for one in ran {
            let case = format!(
                "name=\"{}\" classname=\"{name}\" file=\"{name}\" line=\"{}\"",
                escaped(&one.case.name),
                one.case.line
            );
            if one.passed() {
                line(format_args!("    <testcase {case}/>"));
                continue;
            }
            let message: Vec<String> = one.mismatches.iter().map(ToString::to_string).collect();
            line(format_args!("    <testcase {case}>"));
            line(format_args!("      <failure message=\"{}\">", escaped(&message.join("; "))));
            for told in explained(setting, one.case) {
                line(format_args!("{}", escaped(&told)));
            }
            line(format_args!("      </failure>"));
            line(format_args!("    </testcase>"));
        }
        line(format_args!("  </testsuite>"));
    }
    line(format_args!("</testsuites>"));
    xml
}

/// XML has no characters for most controls, not even escaped.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' => escaped.push(' '),
            character if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => {
                escaped.push('\u{fffd}');
            }
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_written_ends_an_attribute_or_begins_an_element() {
        assert_eq!(escaped("a<b>\"&'\u{1}\n"), "a&lt;b&gt;&quot;&amp;&apos;\u{fffd} ");
    }
}
