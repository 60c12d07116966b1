//! Prints what the configuration roots say about a request, as JSON:
//! `read [-X METHOD] [-H 'Name: value']… [--local FILE]… [--status N] URL`.

use std::path::PathBuf;

use portcullis_siteconf::{Asked, Clue, Place, read};
use serde_json::{Value, json};

fn main() {
    let mut asked = Asked { method: "GET".to_owned(), status: Some(403), ..Asked::default() };
    let mut roots = Vec::new();
    let mut url = String::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-X" => asked.method = words.next().unwrap_or_default(),
            "-H" => asked.headers.extend(words.next().and_then(|field| {
                field.split_once(':').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            })),
            "-d" => {
                words.next();
            }
            "--status" => asked.status = words.next().and_then(|status| status.parse().ok()),
            "--local" => roots.extend(words.next().map(PathBuf::from)),
            "--resolve" => {
                words.next();
            }
            word if word.starts_with('-') => {}
            _ => url = word,
        }
    }
    take_apart(&url, &mut asked);
    let report = read(&roots, &asked);
    let out = json!({
        "clues": report.clues.iter().map(clue).collect::<Vec<_>>(),
        "servers": report.servers.iter().map(|server| json!({
            "kind": server.kind, "root": server.root, "section": server.section, "place": place(&server.place),
            "file": server.file, "next": server.next,
        })).collect::<Vec<_>>(),
        "faults": report.faults.iter().map(|fault| json!({"place": fault.place.to_string(), "said": fault.said})).collect::<Vec<_>>(),
    });
    #[allow(clippy::print_stdout, reason = "that is what this example is for")]
    {
        println!("{out:#}");
    }
}

fn take_apart(url: &str, asked: &mut Asked) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, target) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let usual = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or(usual)),
        None => (authority, usual),
    };
    asked.scheme = scheme.to_owned();
    asked.host = host.to_owned();
    asked.port = port;
    asked.target = target.to_owned();
}

fn clue(clue: &Clue) -> Value {
    json!({
        "cause": clue.cause, "strength": format!("{:?}", clue.strength), "layer": clue.layer, "place": place(&clue.place),
        "said": clue.said, "quote": clue.quote, "fix": clue.fix,
    })
}

fn place(place: &Option<Place>) -> Value {
    place.as_ref().map_or(Value::Null, |place| json!(place.to_string()))
}
