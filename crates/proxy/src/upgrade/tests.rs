//! What counts as a wish for a tunnel, and what as its granting.

use http::Request;

use super::*;

fn head(fields: &[(&'static str, &'static str)]) -> Parts {
    let mut request = Request::get("/");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

fn asked(protocol: &str, key: Option<&'static str>) -> Asked {
    Asked { protocol: protocol.to_owned(), key: key.map(HeaderValue::from_static), by: Version::HTTP_11 }
}

fn reply(fields: &[(&'static str, &'static str)]) -> Response<()> {
    let mut response = Response::new(());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *response.headers_mut() = head(fields).headers;
    response
}

#[test]
fn one_token_that_connection_names_is_a_wish() {
    let good = head(&[("connection", "keep-alive, Upgrade"), ("upgrade", "websocket")]);
    assert_eq!(single_token(&good.headers).as_deref(), Some("websocket"));
    for fields in [
        &[("upgrade", "websocket")][..],
        &[("connection", "upgrade")],
        &[("connection", "upgrade"), ("upgrade", "websocket, x")],
        &[("connection", "upgrade"), ("upgrade", "websocket"), ("upgrade", "x")],
        &[("connection", "upgrade"), ("upgrade", "")],
    ] {
        assert_eq!(single_token(&head(fields).headers), None, "{fields:?}");
    }
}

/// Behind `h2c` an origin reads requests that nobody decided.
#[test]
fn http_is_not_tunnelled() {
    for http in ["h2c", "H2C", "h2", "HTTP/2.0", "http/1.1", "TLS/1.0", "h3", "a b", "", "x\u{e9}"] {
        assert!(!is_tunnel(http) || http.is_empty(), "{http}");
    }
    for tunnel in ["websocket", "WebSocket", "connect-udp", "IRC/6.9", "tcp"] {
        assert!(is_tunnel(tunnel), "{tunnel}");
    }
}

/// Threat 2.
#[test]
fn only_what_was_asked_for_is_granted() {
    let asked = asked("websocket", Some("dGhlIHNhbXBsZSBub25jZQ=="));
    let proof = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    let good = [("connection", "Upgrade"), ("upgrade", "WebSocket"), proof];
    assert_eq!(asked.reply(&reply(&good)), Reply::Granted);
    for wrong in [
        &[("upgrade", "websocket"), proof][..],
        &[("connection", "upgrade"), ("upgrade", "x"), proof],
        &[("connection", "upgrade"), proof],
        &[("connection", "upgrade"), ("upgrade", "websocket, x"), proof],
        &[("connection", "upgrade"), ("upgrade", "websocket")],
        &[("connection", "upgrade"), ("upgrade", "websocket"), ("sec-websocket-accept", "AAAA")],
    ] {
        assert!(matches!(asked.reply(&reply(wrong)), Reply::Wrong(_)), "{wrong:?}");
    }
    for status in [200, 204, 400, 426, 500] {
        let mut plain = reply(&good);
        *plain.status_mut() = StatusCode::from_u16(status).expect("a status");
        assert_eq!(asked.reply(&plain), Reply::Declined, "{status}");
    }
}

#[test]
fn an_extended_connect_is_the_get_it_stands_for() {
    let mut head = head(&[]);
    head.version = Version::HTTP_2;
    head.method = Method::CONNECT;
    assert!(as_asked(&mut head).is_none(), "a plain CONNECT is none");
    assert_eq!(head.method, Method::CONNECT);
    head.extensions.insert(Protocol::from_static("websocket"));
    assert_eq!(as_asked(&mut head).expect("one").as_str(), "websocket");
    assert_eq!(head.method, Method::GET);
    head.version = Version::HTTP_11;
    head.method = Method::CONNECT;
    head.extensions.insert(Protocol::from_static("websocket"));
    assert!(as_asked(&mut head).is_none(), "not over HTTP/1");
}
