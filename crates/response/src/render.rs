//! One renderer for every refusal and every form it may take.

use portcullis_request::Reference;

/// The body an app's API callers get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// RFC 9457 `application/problem+json`.
    #[default]
    Problem,
    /// `{"error": "region_restricted", "message": "…"}`
    Simple,
    /// `{"error": {"code": 403, "message": "…", "details": "…"}}`
    Nested,
}

/// How an app wants its refusals to look. Never changes a status.
#[derive(Debug, Clone, Default)]
pub struct Branding {
    /// Shown on pages: "Shop".
    pub name: String,
    /// Shape of JSON bodies.
    pub shape: Shape,
    /// `realm` of challenges; the app's name where empty.
    pub realm: Option<String>,
    /// Contact shown on pages.
    pub contact: Option<String>,
    /// Texts by message key, overriding the catalogue's.
    pub texts: std::collections::BTreeMap<String, String>,
    /// `Access-Control-Allow-Origin` candidates: origins allowed to read refusals.
    pub cors_origins: Vec<String>,
}

/// What of the request decides the form of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `HEAD` gets no body.
    pub method: &'a http::Method,
    /// `Accept`, `Accept-Language`, `Sec-Fetch-Mode`, `Origin`, `Content-Type`.
    pub headers: &'a http::HeaderMap,
    /// `http://shop.example:8080`, for absolute `type` and `instance` links.
    pub base: &'a str,
    /// The decision's identifier; not shown on hidden refusals.
    pub reference: Reference,
}

// pub struct Renderer; // embedded templates + optional folder
// impl Renderer {
//     /// Renders a refusal. Infallible: a broken custom template falls back to the embedded one.
//     pub fn render(&self, refusal: &Refusal, asked: &Asked<'_>, branding: &Branding) -> http::Response<Bytes>;
// }
