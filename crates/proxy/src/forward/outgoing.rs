//! The request as an origin gets it. Nothing is sent from here.
//!
//! INVARIANT: host, path and query are those of the canonical request; hop-by-hop fields go before ours are added; a
//! message has one framing.

use http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use portcullis_gate::OriginTarget;
use portcullis_request::{CanonicalRequest, headers};

use crate::caller::CallerBody;
use crate::upgrade::Asked;

/// What is sent, apart from the body and from what depends on the connection.
#[derive(Debug)]
pub(super) struct Outgoing {
    method: Method,
    target: PathAndQuery,
    /// Host and port as the caller addressed them.
    asked_authority: String,
    preserve_host: bool,
    scheme: Scheme,
    wants_trailers: bool,
    headers: HeaderMap,
}

impl Outgoing {
    pub(super) fn new(
        request: CanonicalRequest,
        own_headers: HeaderMap,
        target: &OriginTarget,
    ) -> Result<Self, http::Error> {
        let CanonicalRequest { method, scheme, host, port, path, query, mut headers, client, .. } = request;
        let asked_authority = port.map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let path_and_query: PathAndQuery = match query {
            Some(query) => format!("{path}?{query}").try_into()?,
            None => path.as_str().try_into()?,
        };
        let wants_trailers =
            headers.get_all(TE).iter().any(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
        headers::remove_hop_by_hop(&mut headers);
        // 100 is said by us when the origin takes the body, so the origin need not be asked.
        headers.remove(EXPECT);
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_str(&client.to_string())?);
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme.as_str()));
        headers.insert(X_FORWARDED_HOST, HeaderValue::from_str(&asked_authority)?);
        headers.extend(own_headers);
        Ok(Self {
            method,
            target: path_and_query,
            asked_authority,
            preserve_host: target.preserve_host,
            scheme: target.scheme.clone(),
            wants_trailers,
            headers,
        })
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    /// For a connection over HTTP/1.1 (RFC 9112).
    pub(super) fn http1(
        &self,
        address: &Authority,
        body: CallerBody,
        chunked: bool,
        asked: Option<&Asked>,
    ) -> Result<Request<CallerBody>, http::Error> {
        let mut request = Request::new(body);
        *request.uri_mut() = Uri::from(self.target.clone());
        let mut headers = self.headers.clone();
        let host = if self.preserve_host { &self.asked_authority } else { address.as_str() };
        headers.insert(HOST, HeaderValue::from_str(host)?);
        if let Some(asked) = asked {
            asked.ask_http1(&mut headers)?;
            headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_str(asked.protocol())?);
        } else if self.wants_trailers {
            headers.insert(CONNECTION, HeaderValue::from_static("te"));
        }
        if self.wants_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        if chunked {
            // Said outright, since the library sends no body of unknown length with GET otherwise.
            headers.remove(CONTENT_LENGTH);
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// For a connection over HTTP/2 (RFC 9113 §8.3.1): the host is `:authority`, and a wish to leave HTTP is an extended
    /// `CONNECT` (RFC 8441 §4).
    pub(super) fn http2(
        &self,
        address: &Authority,
        body: CallerBody,
        asked: Option<&Asked>,
    ) -> Result<Request<CallerBody>, http::Error> {
        let mut request = Request::new(body);
        let authority = if self.preserve_host { self.asked_authority.as_str() } else { address.as_str() };
        *request.uri_mut() = Uri::builder()
            .scheme(self.scheme.clone())
            .authority(authority)
            .path_and_query(self.target.clone())
            .build()?;
        *request.method_mut() = self.method.clone();
        let mut headers = self.headers.clone();
        headers.remove(HOST);
        if let Some(asked) = asked {
            *request.method_mut() = Method::CONNECT;
            asked.ask_http2(&mut headers);
            request.extensions_mut().insert(hyper::ext::Protocol::from(asked.protocol()));
        }
        if self.wants_trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
        *request.headers_mut() = headers;
        Ok(request)
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
