//! Takes the tour: sends each request over a connection of its own, compares, and tells.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use portcullis_record::{read, why};
use portcullis_request::Reference;
use tokio::net::TcpStream;

use super::{Expect, Step};
use crate::cli::{complain, say};
use crate::demo::World;
use crate::rehearsal::beside;

/// Longest wait for one answer of a gate on the same machine.
const PATIENCE: Duration = Duration::from_secs(10);

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// Takes every step and prints it. `false` if any answer was not what it should be.
pub(in crate::demo) async fn take(world: &World, steps: &[Step]) -> bool {
    let started = Instant::now();
    let mut wrong = 0_usize;
    let mut last_refusal = None;
    for (number, step) in steps.iter().enumerate() {
        say(format_args!("{:>2}. {}: {}", number + 1, step.title, step.shows));
        match tokio::time::timeout(PATIENCE, send(world, step)).await {
            Ok(Ok(reply)) => {
                tell(step, &reply);
                let faults = differences(&step.expect, &reply);
                wrong += usize::from(!faults.is_empty());
                for fault in faults {
                    say(format_args!("    WRONG: {fault}"));
                }
                if !reply.status.is_success() {
                    last_refusal = reference(&reply).or(last_refusal);
                }
            }
            Ok(Err(fault)) => {
                wrong += 1;
                say(format_args!("    WRONG: no answer: {fault}"));
            }
            Err(_) => {
                wrong += 1;
                say("    WRONG: no answer in time");
            }
        }
    }
    wrong += usize::from(!tell_why(world, last_refusal));
    say(format_args!("\n{} exchanges in {} ms, {wrong} wrong", steps.len(), started.elapsed().as_millis()));
    wrong == 0
}

async fn send(world: &World, step: &Step) -> Result<Reply, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(world.gate.listen).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::builder()
        .method(step.method)
        .uri(step.path)
        .header(header::HOST, world.gate.listen.to_string())
        .header(header::ACCEPT, "*/*");
    if let Some(token) = &step.token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if let Some(from) = step.from {
        request = request.header("x-forwarded-for", from);
    }
    let response = sender.send_request(request.body(Empty::<Bytes>::new())?).await?;
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    drop(sender);
    connection.abort();
    Ok(Reply {
        status: head.status,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn tell(step: &Step, reply: &Reply) {
    say(format_args!("    > {} {}", step.method, step.path));
    say(format_args!("    < HTTP/1.1 {}", reply.status));
    for name in [header::WWW_AUTHENTICATE, header::LINK, header::RETRY_AFTER] {
        for value in reply.headers.get_all(&name) {
            say(format_args!("    < {name}: {}", value.to_str().unwrap_or("(not text)")));
        }
    }
    if let Some(reference) = reply.headers.get("x-portcullis-ref").and_then(|value| value.to_str().ok()) {
        say(format_args!("    < x-portcullis-ref: {reference}"));
    }
    if let Some(line) = reply.body.lines().next() {
        say(format_args!("    < {line}"));
    }
}

fn differences(expect: &Expect, reply: &Reply) -> Vec<String> {
    let mut faults = Vec::new();
    if reply.status.as_u16() != expect.status {
        faults.push(format!("expected status {}", expect.status));
    }
    if let Some(code) = expect.code {
        let said = serde_json::from_str::<serde_json::Value>(&reply.body).unwrap_or_default();
        if said.get("error").and_then(serde_json::Value::as_str) != Some(code) {
            faults.push(format!("expected the reason `{code}`"));
        }
    }
    if let Some(body) = expect.body
        && reply.body != body
    {
        faults.push(format!("expected the body {body}"));
    }
    let challenge = reply.headers.get(header::WWW_AUTHENTICATE).and_then(|value| value.to_str().ok());
    match (expect.challenge, challenge) {
        (Some(""), Some(challenge)) if challenge.contains("error=") => {
            faults.push("expected a challenge without an error".to_owned());
        }
        (Some(part), Some(challenge)) if !challenge.contains(part) => {
            faults.push(format!("expected a challenge with `{part}`"));
        }
        (Some(_), None) => faults.push("expected a challenge".to_owned()),
        (None, Some(_)) if expect.status != 401 => faults.push("expected no challenge".to_owned()),
        _ => {}
    }
    faults
}

fn reference(reply: &Reply) -> Option<Reference> {
    reply.headers.get("x-portcullis-ref")?.to_str().ok()?.parse().ok()
}

/// Shows `portcullis why` for the last refusal; `false` if the record cannot be found.
fn tell_why(world: &World, reference: Option<Reference>) -> bool {
    let Some(reference) = reference else {
        say("    WRONG: no refusal carried a reference");
        return false;
    };
    say(format_args!("\n$ portcullis why {reference}"));
    let snapshot = world.gate.gate.snapshot();
    match read::find(&world.gate.log_folder, reference) {
        Ok(Some(remembered)) => {
            let beside = beside(&snapshot, &world.gate.log_folder, &remembered);
            say(why::tell(&remembered, &beside).trim_end());
            true
        }
        Ok(None) => {
            say("    WRONG: there is no record of it");
            false
        }
        Err(fault) => {
            complain(format_args!("the log cannot be read: {fault}"), None);
            false
        }
    }
}
