use super::{Block, Run, WIDTH, blocks};
use crate::catalogue;

#[test]
fn text_for_a_terminal_keeps_its_width() {
    for page in catalogue::all() {
        let text = page.to_text();
        let specifications = text.find("\nSpecifications").unwrap();
        let wide = text[..specifications].lines().find(|line| line.chars().count() > WIDTH);
        assert_eq!(wide, None, "{}", page.key);
    }
}

#[test]
fn a_page_for_a_terminal() {
    insta::assert_snapshot!(catalogue::find("token_expired").unwrap().to_text());
}

#[test]
fn a_page_for_the_book() {
    insta::assert_snapshot!(catalogue::find("ambiguous_path").unwrap().to_markdown());
}

#[test]
fn marks_become_blocks_and_runs() {
    let plain = |text: &str| Run { text: text.to_owned(), code: false };
    assert_eq!(
        blocks("one\ntwo `c`\n\n- a\n  b\n- c"),
        [
            Block {
                items: vec![vec![plain("one two "), Run { text: "c".to_owned(), code: true }]],
                list: false
            },
            Block { items: vec![vec![plain("a b")], vec![plain("c")]], list: true },
        ]
    );
}
