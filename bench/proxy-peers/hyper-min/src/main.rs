//! The smallest useful reverse proxy: hop-by-hop fields removed, the caller's address added, `/deny` refused.
//!
//! usage: `hyper-min LISTEN UPSTREAM THREADS`. For comparison only.

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{Either, Empty};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};

type Body = Either<Incoming, Empty<Bytes>>;

struct Upstream {
    authority: String,
    client: Client<HttpConnector, Incoming>,
}

impl Upstream {
    async fn answer(&self, mut request: Request<Incoming>, caller: SocketAddr) -> Response<Body> {
        if request.uri().path().starts_with("/deny") {
            return empty(StatusCode::FORBIDDEN);
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let target = Uri::builder().scheme("http").authority(self.authority.as_str()).path_and_query(path);
        let Ok(target) = target.build() else { return empty(StatusCode::BAD_REQUEST) };
        *request.uri_mut() = target;
        remove_hop_by_hop(request.headers_mut());
        if let Ok(address) = HeaderValue::from_str(&caller.ip().to_string()) {
            request.headers_mut().insert("x-forwarded-for", address);
        }
        match self.client.request(request).await {
            Ok(mut answer) => {
                remove_hop_by_hop(answer.headers_mut());
                answer.map(Either::Left)
            }
            Err(_) => empty(StatusCode::BAD_GATEWAY),
        }
    }
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(Either::Right(Empty::new()));
    *answer.status_mut() = status;
    answer
}

/// RFC 9110 §7.6.1.
fn remove_hop_by_hop(fields: &mut HeaderMap) {
    if let Some(named) = fields.remove(CONNECTION)
        && let Ok(named) = named.to_str()
    {
        for name in named.split(',').filter_map(|name| name.trim().parse::<HeaderName>().ok()) {
            fields.remove(name);
        }
    }
    for name in [
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ] {
        fields.remove(name);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [listen, upstream, threads] = arguments.as_slice() else {
        return Err("usage: hyper-min LISTEN UPSTREAM THREADS".into());
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads.parse()?).enable_all().build()?;
    runtime.block_on(serve(listen, upstream.clone()))
}

async fn serve(listen: &str, authority: String) -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind(listen).await?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(256).build(connector);
    let upstream = Arc::new(Upstream { authority, client });
    loop {
        let Ok((stream, caller)) = listener.accept().await else { continue };
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let upstream = Arc::clone(&upstream);
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let upstream = Arc::clone(&upstream);
                async move { Ok::<_, std::convert::Infallible>(upstream.answer(request, caller).await) }
            });
            // A connection that breaks off is the caller's affair.
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
        });
    }
}
