//! How deep a text nests, told from its tokens alone, before a parser that recurses sees it.
//!
//! INVARIANT: the depth of the tree that Cedar makes of a text is at most what is counted here; the count may be higher.

use std::ops::Range;

/// Deeper nesting is refused. The evaluator recurses on the stack of the thread that decides, and one that runs out of
/// it errs on every request.
pub(crate) const NESTING_LIMIT: usize = 100;

/// Longer chains of `&&` and `||` are refused: their tree is as deep as they are long, though they are decided link by
/// link.
pub(crate) const CHAIN_LIMIT: usize = 1_000;

/// One level of brackets: the links of `&&` and `||` and the `if`s in it so far, and the operators since the last link.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    chain: usize,
    branches: usize,
    operators: usize,
}

/// Where a text becomes too deep, if it does.
pub(crate) fn too_deep(text: &str) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let mut outer: Vec<Level> = Vec::new();
    let mut here = Level::default();
    // Of the levels around this one: nesting, with one for each bracket, and links.
    let (mut around, mut links) = (0_usize, 0_usize);
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        let next = bytes.get(at + 1).copied();
        let start = at;
        at += 1;
        match byte {
            b'"' => at = after_string(bytes, at),
            b'/' if next == Some(b'/') => {
                at += bytes.get(at..).unwrap_or(&[]).iter().take_while(|byte| **byte != b'\n').count();
            }
            b'(' | b'[' | b'{' => {
                outer.push(here);
                around += here.branches + here.operators + 1;
                links += here.chain;
                here = Level::default();
            }
            b')' | b']' | b'}' => {
                if let Some(level) = outer.pop() {
                    around = around.saturating_sub(level.branches + level.operators + 1);
                    links = links.saturating_sub(level.chain);
                    here = level;
                }
            }
            b',' | b';' => here = Level::default(),
            b'&' | b'|' if next == Some(byte) => {
                at += 1;
                here = Level { chain: here.chain + 1, operators: 0, ..here };
            }
            b'.' | b'!' | b'-' | b'+' | b'*' | b'<' | b'>' | b'=' => here.operators += 1,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let is_word = |byte: &&u8| byte.is_ascii_alphanumeric() || **byte == b'_';
                at += bytes.get(at..).unwrap_or(&[]).iter().take_while(is_word).count();
                match text.get(start..at) {
                    Some("if") => here.branches += 1,
                    Some("has" | "in" | "is" | "like" | "when" | "unless") => here.operators += 1,
                    _ => {}
                }
            }
            _ => {}
        }
        if around + here.branches + here.operators > NESTING_LIMIT || links + here.chain > CHAIN_LIMIT {
            return Some(start..at);
        }
    }
    None
}

/// The position after the closing quote of the string that opened before `at`.
fn after_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(byte) = bytes.get(at) {
        at += match byte {
            b'\\' => 2,
            b'"' => return at + 1,
            _ => 1,
        };
    }
    at
}
