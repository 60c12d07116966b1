//! Configurations, as the binary checks them.
//!
//! Holds for every input: it is either sound or something is said to be in its way; each finding has its code, points into
//! the text and can be printed; the same text is told the same twice.

use std::path::Path;

use serde_json::Value;

/// What must hold.
pub fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    // No such folder, so that it does not matter where this runs.
    let path = Path::new("/nowhere/portcullis.toml");
    let examined = portcullis::examine(path, text);
    assert_eq!(portcullis::examine(path, text), examined, "told differently the second time");
    let findings = examined.findings["findings"].as_array().expect("findings");
    let errors = findings.iter().filter(|finding| finding["severity"] == "error").count();
    assert_eq!(examined.sound, errors == 0, "sound, or something is in its way");
    assert_eq!(findings.is_empty(), examined.printed.is_empty());
    assert!(!examined.printed.contains(unprintable), "what is printed moves the cursor");
    // A bare carriage return counts as a line too for the library that shows lines.
    let lines = text.bytes().filter(|byte| b"\n\r".contains(byte)).count() as u64 + 1;
    for finding in findings {
        let code = finding["code"].as_str().unwrap_or_default();
        assert!(code.starts_with("portcullis::"), "{finding}");
        let message = finding["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{finding}");
        assert!(!message.contains(unprintable), "{finding}");
        let line = finding["line"].as_u64();
        assert!(line.is_none_or(|line| (1..=lines).contains(&line)), "{finding} of {lines} lines");
        let length = finding["length"].as_u64();
        assert!(length.is_none_or(|length| length <= text.len() as u64), "{finding}");
        assert!(finding.get("help") != Some(&Value::String(String::new())), "{finding}");
    }
}

fn unprintable(character: char) -> bool {
    character.is_control() && !['\n', '\t'].contains(&character)
}
