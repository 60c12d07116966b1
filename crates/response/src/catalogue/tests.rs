use std::collections::BTreeSet;

use http::StatusCode;
use portcullis_request::Ambiguity;

use super::{WRITTEN, all, book, find, nearest};
use crate::words::Words;

#[test]
fn every_page_is_in_its_form() {
    assert_eq!(all().len(), WRITTEN.len(), "a page did not parse");
    for page in all() {
        let status = StatusCode::from_u16(page.status).unwrap();
        assert!(status.is_client_error() || status.is_server_error(), "{}", page.key);
        assert!(page.title.len() <= 60 && !page.title.ends_with('.'), "{}", page.title);
        assert!(!page.specifications.is_empty(), "{}", page.key);
        assert!(
            page.specifications.iter().all(|(_, address)| address.starts_with("https://")),
            "{}",
            page.key
        );
        for (heading, text) in page.sections() {
            assert!(text.len() >= 20 && text.ends_with('.'), "{} / {heading}", page.key);
            assert_eq!(text.matches('`').count() % 2, 0, "{} / {heading}", page.key);
            assert!(text.lines().all(|line| line.chars().count() <= 110), "{} / {heading}", page.key);
        }
    }
}

#[test]
fn every_file_is_listed() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/catalogue/pages");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().trim_end_matches(".md").to_owned())
        .collect();
    let listed: BTreeSet<String> = WRITTEN.iter().map(|(key, _)| (*key).to_owned()).collect();
    assert_eq!(files, listed);
}

#[test]
fn every_status_and_every_ambiguity_has_a_page_of_its_status() {
    for status in [
        "400", "401", "403", "404", "408", "413", "414", "415", "421", "422", "429", "431", "451", "500",
        "501", "502", "503", "504", "505",
    ] {
        assert_eq!(find(status).unwrap().status.to_string(), status);
    }
    for code in Ambiguity::CODES {
        let ambiguity = Ambiguity { code, detail: String::new() };
        assert_eq!(find(code).unwrap_or_else(|| panic!("{code}")).status, ambiguity.status(), "{code}");
    }
}

#[test]
fn every_code_has_words_in_every_language() {
    let languages = Words::embedded();
    assert_eq!(languages.len(), 2);
    for words in &languages {
        for page in all() {
            assert!(words.has_message(page.key), "{} in {}", page.key, words.language);
        }
        assert_eq!(
            words.keys(),
            languages[0].keys(),
            "{} differs from {}",
            words.language,
            languages[0].language
        );
    }
}

#[test]
fn a_mistyped_key_finds_its_neighbour_and_nonsense_does_not() {
    assert_eq!(nearest("region-restrictd"), Some("region_restricted"));
    assert_eq!(nearest("Token expired"), Some("token_expired"));
    assert_eq!(nearest("qqqq"), None);
    assert_eq!(nearest(&"x".repeat(100_000)), None);
}

#[test]
fn the_book_has_these_pages_and_no_others() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/refusals");
    let mut names = BTreeSet::new();
    for (name, text) in book() {
        let found = std::fs::read_to_string(format!("{folder}/{name}")).unwrap_or_default();
        assert!(
            found == text,
            "{name} differs: cargo run -p portcullis-response --example write_book_pages -- docs/src/refusals"
        );
        names.insert(name);
    }
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, names);
}
