//! HTTP/2, by hyper's own connection. There is no order or spelling to keep: names are in lower case by definition.

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};

use bytes::Bytes;

use super::stream::Stream;
use super::{begin, body, headers};
use crate::answer::{Failure, LONGEST_BODY, Outcome};
use crate::asked::Asked;

/// Fields that speak of one connection; HTTP/2 forbids them (RFC 9113 §8.2.2).
const OF_THE_CONNECTION: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "http2-settings"];

pub(super) async fn exchange(stream: Stream, asked: &Asked, agent: &str) -> Outcome {
    let made = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(u32::try_from(crate::answer::LONGEST_HEAD).unwrap_or(u32::MAX))
        .handshake(TokioIo::new(stream))
        .await;
    let (mut sender, connection) = made.map_err(|fault| Failure::NotHttp(fault.to_string()))?;
    let driver = tokio::spawn(async move { drop(connection.await) });
    let outcome = converse(&mut sender, asked, agent).await;
    driver.abort();
    outcome
}

async fn converse(
    sender: &mut hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    asked: &Asked,
    agent: &str,
) -> Outcome {
    let host = asked.header("host").map_or_else(|| asked.url.authority(), str::to_owned);
    let uri = format!("{}://{host}{}", asked.url.scheme.as_str(), asked.url.target());
    let mut request = http::Request::builder().method(asked.method.as_str()).uri(uri);
    for (name, value) in headers(asked, agent) {
        let name = name.to_ascii_lowercase();
        if !OF_THE_CONNECTION.contains(&name.as_str()) {
            request = request.header(name, value);
        }
    }
    let body = Full::new(Bytes::from(asked.body.clone().unwrap_or_default()));
    let request = request.body(body).map_err(|fault| Failure::Unsendable(fault.to_string()))?;
    let response = sender.send_request(request).await.map_err(|fault| {
        if fault.is_closed() { Failure::Closed } else { Failure::NotHttp(fault.to_string()) }
    })?;
    let mut answer = begin("HTTP/2", response.status().as_u16(), String::new());
    answer.headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        })
        .collect();
    let mut received = response.into_body();
    while let Some(Ok(frame)) = received.frame().await {
        let Ok(data) = frame.into_data() else { continue };
        let room = LONGEST_BODY - answer.body.len();
        answer.body.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if data.len() > room {
            answer.cut = true;
            break;
        }
    }
    let coding = answer.header("content-encoding").map(str::to_owned);
    let (unpacked, cut) = body::unpack(std::mem::take(&mut answer.body), coding.as_deref());
    answer.body = unpacked;
    answer.cut |= cut;
    Ok(answer)
}
