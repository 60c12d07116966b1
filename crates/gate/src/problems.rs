//! Our own reference pages, where a problem's `type` leads: `/.well-known/portcullis/problems/<key>`.

use bytes::Bytes;
use http::{Method, Response};
use portcullis_request::CanonicalRequest;
use portcullis_response::{Asked, Branding, Renderer, catalogue};

use crate::pass::base;

/// Below this the gate answers itself; an origin never sees it.
pub const PREFIX: &str = "/.well-known/portcullis/problems/";

/// The page, if this request asks for one that exists. The pages are the same for everybody and say nothing of this
/// installation, so they need no identity.
#[must_use]
pub fn answer(renderer: &Renderer, request: &CanonicalRequest) -> Option<Response<Bytes>> {
    if request.method != Method::GET && request.method != Method::HEAD {
        return None;
    }
    let page = catalogue::find(request.path.as_str().strip_prefix(PREFIX)?)?;
    let base = base(request);
    let asked = Asked {
        method: &request.method,
        headers: &request.headers,
        base: &base,
        reference: request.reference,
    };
    Some(renderer.problem_page(page, &asked, &Branding::default()))
}
