//! `portcullis doctor curl -H … URL`: a pasted command has options that are curl's, not ours, and some mean other things
//! (`--json`). Everything from the word `curl` on is made one argument before the command line is read.

/// Folds a pasted command into one argument. Anything else stays as it is.
#[must_use]
pub fn fold_curl(arguments: Vec<String>) -> Vec<String> {
    let doctor = arguments.iter().take(3).position(|argument| argument == "doctor");
    let Some(doctor) = doctor else { return arguments };
    let is_curl =
        |argument: &String| matches!(argument.as_str(), "curl" | "curl.exe") || argument.ends_with("/curl");
    let Some(at) = arguments.iter().skip(doctor + 1).position(is_curl).map(|at| doctor + 1 + at) else {
        return arguments;
    };
    let mut arguments = arguments;
    let pasted = arguments.split_off(at);
    let quoted = pasted
        .iter()
        .map(|word| shlex::try_quote(word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned));
    arguments.push(quoted.collect::<Vec<_>>().join(" "));
    arguments
}

#[cfg(test)]
mod tests {
    use super::fold_curl;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn a_pasted_command_is_one_argument() {
        let folded = fold_curl(words(&[
            "portcullis",
            "doctor",
            "--markdown",
            "curl",
            "-H",
            "a: b c",
            "--json",
            "{}",
            "u",
        ]));
        assert_eq!(folded, words(&["portcullis", "doctor", "--markdown", "curl -H 'a: b c' --json '{}' u"]));
        let other = words(&["portcullis", "check", "curl"]);
        assert_eq!(fold_curl(other.clone()), other);
    }
}
