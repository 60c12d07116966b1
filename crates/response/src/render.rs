//! One renderer for every refusal and every form it may take.
//!
//! INVARIANT: the status comes from the refusal alone; templates, texts and branding change words and looks. A hidden
//! refusal and one without a route take the same path with the same data, so that no byte tells them apart.

use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ORIGIN, REFERRER_POLICY, VARY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use portcullis_request::Reference;

use crate::accept::{self, Form};
use crate::answer::Answer;
use crate::html::{self, Pages, ProblemPage};
use crate::words::{Speaker, Words};
use crate::{Page, Refusal, TemplateError, catalogue, challenge, fields, folder, grpc, json};

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
    /// Texts by key, overriding the catalogue's: `region_restricted` (the sentence), `advice.region_restricted`,
    /// `label.reference`; for one language only with its tag behind: `region_restricted.de`.
    pub texts: std::collections::BTreeMap<String, String>,
    /// `Access-Control-Allow-Origin` candidates: origins allowed to read refusals, spelled as browsers send them.
    pub cors_origins: Vec<String>,
}

/// What of the request decides the form of the answer.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// `HEAD` gets no body.
    pub method: &'a http::Method,
    /// `Accept`, `Accept-Language`, `Sec-Fetch-Mode`, `Origin`, `Content-Type`.
    pub headers: &'a http::HeaderMap,
    /// `http://shop.example:8080`, for absolute `type` links; empty where the host is unknown.
    pub base: &'a str,
    /// The decision's identifier; not shown on hidden refusals.
    pub reference: Reference,
}

impl Asked<'_> {
    /// Those fields alone, for an answer that may be needed later.
    #[must_use]
    pub fn kept(headers: &HeaderMap) -> HeaderMap {
        let mut kept = HeaderMap::new();
        for name in [ACCEPT, ACCEPT_LANGUAGE, CONTENT_TYPE, ORIGIN, accept::SEC_FETCH_MODE] {
            for value in headers.get_all(&name) {
                kept.append(name.clone(), value.clone());
            }
        }
        kept
    }
}

/// Makes the answers. Holds the texts and the compiled templates; meant to be built once and shared.
pub struct Renderer {
    /// The default language first.
    words: Vec<Words>,
    embedded: Option<Pages>,
    custom: Option<Pages>,
    proxy_status: bool,
}

impl Renderer {
    /// With the texts and templates of the program.
    #[must_use]
    pub fn embedded() -> Self {
        Self { words: Words::embedded(), embedded: Pages::embedded().ok(), custom: None, proxy_status: true }
    }

    /// With an operator's files (name, text) in front of the program's: `page.html`, `problem.html`, `page.css`,
    /// `messages.<language>.toml`, and further `*.html` that those two include.
    ///
    /// # Errors
    /// All that is wrong with any of them, found by parsing each and by rendering samples of every kind.
    pub fn with_folder(files: Vec<(String, String)>) -> Result<Self, Vec<TemplateError>> {
        let mut renderer = Self::embedded();
        let found = folder::read(files, &renderer.words)?;
        renderer.words = found.words;
        renderer.custom = found.pages;
        Ok(renderer)
    }

    /// Without `Proxy-Status`: for a door that is part of the origin, which must not send it (RFC 9209 §2).
    #[must_use]
    pub fn as_origin(mut self) -> Self {
        self.proxy_status = false;
        self
    }

    /// The answer to a refused request.
    ///
    /// Infallible: a custom template that fails here gives way to the embedded one, with the same status.
    #[must_use]
    pub fn render(&self, refusal: &Refusal, asked: &Asked<'_>, branding: &Branding) -> Response<Bytes> {
        let form = accept::form(asked.headers);
        let speaker = self.speaker(asked, branding);
        let language = &speaker.words.language;
        let answer = Answer::new(refusal, asked, speaker);
        let mut fields = fields::common(form, asked, branding);
        fields::particular(&mut fields, refusal, self.proxy_status);
        if let Some(reference) = &answer.reference {
            insert(&mut fields, fields::X_PORTCULLIS_REF, &reference.grouped);
        }
        if let Some(challenge) = challenge::of(refusal, answer.realm(), &answer.description) {
            fields.insert(WWW_AUTHENTICATE, challenge);
        }
        let (status, content_type, body) = match form {
            Form::Grpc => {
                let wait = fields::wait(refusal).map(|wait| wait.as_millis());
                fields.extend(grpc::fields(answer.status, answer.code, &answer.sentence(), wait));
                (StatusCode::OK, accept::grpc(asked.headers).unwrap_or("application/grpc"), Vec::new())
            }
            Form::Json => {
                let shape = branding.shape;
                (answer.status, json::media_type(shape), json::body(shape, &answer.content()))
            }
            Form::Html => {
                let page = answer.page();
                let (policy, page) = self.page(answer.status, |pages| pages.refusal(&page));
                insert(&mut fields, CONTENT_SECURITY_POLICY, &policy);
                insert(&mut fields, CONTENT_LANGUAGE, language);
                (answer.status, HTML, page.into_bytes())
            }
        };
        finish(status, fields, content_type, body, asked)
    }

    /// The reference page of a problem, where its `type` leads: a page for browsers, plain text for everybody else.
    #[must_use]
    pub fn problem_page(&self, page: &Page, asked: &Asked<'_>, branding: &Branding) -> Response<Bytes> {
        let mut fields = HeaderMap::with_capacity(8);
        fields.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        fields.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        fields.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        fields.insert(VARY, HeaderValue::from_static("Accept, Content-Type, Sec-Fetch-Mode"));
        if accept::form(asked.headers) != Form::Html {
            let text = page.to_text().into_bytes();
            return finish(StatusCode::OK, fields, "text/plain; charset=utf-8", text, asked);
        }
        let shown = ProblemPage::new(page, &branding.name);
        let (policy, body) = self.page(StatusCode::OK, |pages| pages.problem(&shown));
        insert(&mut fields, CONTENT_SECURITY_POLICY, &policy);
        finish(StatusCode::OK, fields, HTML, body.into_bytes(), asked)
    }

    /// A page's security policy and the page: the operator's, else the program's, else one line.
    fn page(
        &self,
        status: StatusCode,
        render: impl Fn(&Pages) -> Result<String, minijinja::Error>,
    ) -> (String, String) {
        for pages in [&self.custom, &self.embedded].into_iter().flatten() {
            match render(pages) {
                Ok(page) => return (pages.security_policy.clone(), page),
                Err(fault) => tracing::error!(%fault, "page template failed, falling back"),
            }
        }
        let line = format!("<!doctype html><html lang=en><title>{0}</title><h1>{0}</h1>", status.as_u16());
        (html::security_policy(&[]), line)
    }

    fn speaker<'a>(&'a self, asked: &Asked<'_>, branding: &'a Branding) -> Speaker<'a> {
        let offered: Vec<&str> = self.words.iter().map(|words| &*words.language).collect();
        let fallback = self.words.first().unwrap_or(&NO_WORDS);
        let words = self.words.get(accept::language(asked.headers, &offered)).unwrap_or(fallback);
        Speaker { words, fallback, branding }
    }
}

/// A problem's reference page, as a path: of the code where it has one of this status, else of the status.
pub(crate) fn problem_path(code: &str, status: &str) -> String {
    let key = catalogue::find(code).filter(|page| page.is_status(status)).map_or(status, |page| page.key);
    format!("/.well-known/portcullis/problems/{key}")
}

/// The lengths are those of the body that GET would get, also for HEAD (RFC 9110 §9.3.2).
fn finish(
    status: StatusCode,
    mut fields: HeaderMap,
    content_type: &'static str,
    body: Vec<u8>,
    asked: &Asked<'_>,
) -> Response<Bytes> {
    fields.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    fields.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let body = if asked.method == Method::HEAD { Bytes::new() } else { Bytes::from(body) };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    response
}

/// A text that cannot stand in a field is left out rather than altered.
fn insert(fields: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::try_from(text) {
        fields.insert(name, value);
    }
}

static NO_WORDS: LazyLock<Words> = LazyLock::new(Words::default);

const HTML: &str = "text/html; charset=utf-8";

#[cfg(test)]
mod tests;
