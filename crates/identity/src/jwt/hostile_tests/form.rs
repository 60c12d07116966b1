//! Tokens that are not three canonical parts holding strict JSON.

use super::{Cases, INVALID, MALFORMED, claims, es256, good, header};
use crate::base64url;

pub(super) fn form(cases: &mut Cases) {
    let good = good();
    let parts: Vec<&str> = good.split('.').collect();
    let (h, p, s) = (parts[0], parts[1], parts[2]);
    let broken = [
        ("one part", h.to_owned()),
        ("two parts", format!("{h}.{p}")),
        ("four parts", format!("{good}.{s}")),
        ("five parts", format!("{h}.{p}.{s}.{p}.{s}")),
        ("dot in front", format!(".{good}")),
        ("dot behind", format!("{good}.")),
        ("only dots", "..".to_owned()),
        ("no header", format!(".{p}.{s}")),
        ("no payload", format!("{h}..{s}")),
        ("padded behind", format!("{good}=")),
        ("doubly padded behind", format!("{good}==")),
        ("standard alphabet in the signature", format!("{h}.{p}.+{}", &s[1..])),
        ("slash in the signature", format!("{h}.{p}./{}", &s[1..])),
        ("tilde in the payload", format!("{h}.~{}.{s}", &p[1..])),
        ("trailing bits in the signature", format!("{h}.{p}.{}", next_spelling(s))),
        ("a length that is no base64", format!("{h}.{p}.{}", &s[..81])),
        ("JSON as it is", format!("{}.{p}.{s}", "header")),
        ("parts swapped", format!("{p}.{h}.{s}")),
    ];
    for (name, token) in broken {
        // Swapped parts are well formed; the payload simply is no header.
        let code = if name == "parts swapped" { "token_header" } else { "token_malformed" };
        cases.add(INVALID, code, name, token);
    }
    for (name, token) in [("header", trailing_bits(0)), ("payload", trailing_bits(1))] {
        cases.add(INVALID, "token_malformed", format!("trailing bits in the {name}"), token);
    }
    for encoded in [utf_16("{\"alg\":\"ES256\"}", true), utf_16("{\"alg\":\"ES256\"}", false)] {
        cases.headers("token_malformed", &[&encoded]);
        cases.payloads("token_malformed", &[&encoded]);
    }
    let deep = format!("{{CLAIMS,\"x\":{}1{}}}", "[".repeat(8), "]".repeat(8));
    let deeper = format!("{{CLAIMS,\"x\":{}}}", "{\"a\":".repeat(1_500));
    let wide = format!("{{CLAIMS,\"x\":[{}1]}}", "1,".repeat(4_096));
    cases.payloads("token_malformed", &[deep.as_bytes(), deeper.as_bytes(), wide.as_bytes()]);
    cases.payloads(
        "token_malformed",
        &[
            b"",
            b" ",
            b"null",
            b"true",
            b"1",
            b"\"alice\"",
            b"[]",
            b"[{CLAIMS}]",
            b"{",
            b"{CLAIMS",
            b"{CLAIMS}}",
            b"{CLAIMS}{}",
            b"{CLAIMS},",
            b"{CLAIMS,}",
            b"{,CLAIMS}",
            b"{'sub':'alice',CLAIMS}",
            b"{CLAIMS}\0",
            b"\0{CLAIMS}",
            b"\xef\xbb\xbf{CLAIMS}",
            b"{CLAIMS,\"x\":\"\xff\"}",
            b"{CLAIMS,\"x\":\"\xed\xa0\x80\"}",
            b"{CLAIMS,\"x\":\"\xc0\xaf\"}",
            b"{CLAIMS,\"x\":\"\\ud800\"}",
            b"{CLAIMS,\"x\":\"\n\"}",
            b"{CLAIMS,\"x\":\"\0\"}",
            b"{CLAIMS,\"x\":1e999}",
            b"{CLAIMS,\"x\":-1e999}",
            b"{CLAIMS,\"x\":NaN}",
            b"{CLAIMS,\"x\":Infinity}",
            b"{CLAIMS,\"x\":01}",
            b"{CLAIMS,\"x\":0x10}",
            b"{CLAIMS,\"x\":.5}",
            b"{CLAIMS,\"x\":1.}",
            b"{CLAIMS,\"x\":+1}",
            b"{CLAIMS/**/}",
            b"// x\n{CLAIMS}",
            b"{CLAIMS,x:1}",
            b"{CLAIMS,\"x\":tru}",
            b"{CLAIMS,\"x\"}",
            b"{CLAIMS,\"x\":\"\\q\"}",
            b"\x0b{CLAIMS}",
            b"{CLAIMS,\"sub\":\"alice\"}",
            b"{\"sub\":\"root\",CLAIMS}",
            b"{CLAIMS,\"exp\":99999999999}",
            b"{CLAIMS,\"\\u0073ub\":\"root\"}",
            b"{CLAIMS,\"aud\":\"portcullis\"}",
            b"{\"iss\":\"x\",CLAIMS}",
            b"{CLAIMS,\"x\":{\"y\":1,\"y\":1}}",
            b"{CLAIMS,\"x\":[[{\"y\":1,\"\\u0079\":2}]]}",
            b"{CLAIMS,\"\":1,\"\":2}",
        ],
    );
    cases.headers(
        "token_malformed",
        &[
            b"",
            b"null",
            b"[]",
            b"\"x\"",
            b"{HEADER",
            b"{HEADER}{}",
            b"\xef\xbb\xbf{HEADER}",
            b"{HEADER}\0",
            b"{HEADER,\"alg\":\"ES256\"}",
            b"{\"alg\":\"none\",HEADER}",
            b"{HEADER,\"\\u0061lg\":\"none\"}",
            b"{\"kid\":\"x\",HEADER}",
            b"{HEADER,\"typ\":\"JWT\"}",
            b"{HEADER,\"x\":{\"y\":1,\"y\":2}}",
            b"{HEADER,\"x\":1e999}",
            b"{HEADER,\"x\":\"\xff\"}",
            b"{HEADER,\"x\":[[[[[[[[1]]]]]]]]}",
        ],
    );
    let long = "a".repeat(16 * 1024);
    for (name, token) in [("long signature", format!("{h}.{p}.{long}")), ("long text", long.clone())] {
        cases.add(MALFORMED, "credentials_too_long", name, token);
    }
}

/// The same bytes under a second spelling that a lax decoder accepts.
fn next_spelling(part: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    assert_ne!(part.len() % 4, 0, "the last character must have bits to spare");
    let (rest, last) = part.split_at(part.len() - 1);
    let place = ALPHABET.iter().position(|byte| *byte == last.as_bytes()[0]).unwrap();
    format!("{rest}{}", char::from(ALPHABET[place + 1]))
}

/// A token that is signed over a non-canonical spelling of one part, so that only the spelling is wrong.
fn trailing_bits(place: usize) -> String {
    let mut encoded = [header(), claims()].map(|value| {
        let mut text = value.to_string();
        while text.len() % 3 == 0 {
            text.push(' ');
        }
        base64url::encode(text.as_bytes())
    });
    encoded[place] = next_spelling(&encoded[place]);
    let signed = encoded.join(".");
    format!("{signed}.{}", base64url::encode(&es256().signature(signed.as_bytes()).unwrap()))
}

fn utf_16(text: &str, little: bool) -> Vec<u8> {
    let unit = |unit: u16| if little { unit.to_le_bytes() } else { unit.to_be_bytes() };
    text.encode_utf16().flat_map(unit).collect()
}
