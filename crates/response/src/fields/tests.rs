use std::time::Duration;

use super::{absolute, seconds};

#[test]
fn only_targets_that_lead_somewhere_and_end_where_they_seem_to() {
    for fine in
        ["https://a.example/x?y=1#z", "HTTP://a.example", "mailto:a@b.example", "tel:+49301234", "urn:x:y"]
    {
        assert_eq!(absolute(fine), Some(fine));
    }
    let long = format!("https://a.example/{}", "x".repeat(3000));
    for wrong in [
        "javascript:alert(1)",
        "data:text/html,x",
        "//a.example",
        "/help",
        "",
        "https://a.example/>; rel=\"preload\", <https://evil.example",
        "https://a.example/ x",
        "https://a.example/\r\nSet-Cookie: a=b",
        "https://a.example/\"",
        "https://ä.example",
        &long,
    ] {
        assert_eq!(absolute(wrong), None, "{wrong}");
    }
}

#[test]
fn a_wait_is_never_shortened() {
    assert_eq!(seconds(Duration::ZERO), 1);
    assert_eq!(seconds(Duration::from_millis(1)), 1);
    assert_eq!(seconds(Duration::from_secs(5)), 5);
    assert_eq!(seconds(Duration::from_millis(5001)), 6);
    assert_eq!(seconds(Duration::MAX), u64::MAX);
}
