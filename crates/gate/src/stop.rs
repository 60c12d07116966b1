//! Why the way of a request ended before the origin.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode};
use portcullis_request::{Ambiguity, CanonicalRequest};
use portcullis_response::Refusal;

use crate::bind::refusal::{RETRY_AFTER, said};
use crate::pass::base;
use crate::{App, Unreadable};

/// What a stopped request was about, as far as it is known: the app, and the origin that the caller addressed.
type About = (Arc<App>, String);

/// The end of the way.
pub(crate) enum Stop {
    /// Refused, for the reason of the stage that stopped it.
    Refused { refusal: Box<Refusal>, about: Option<About> },
    /// Answered by ourselves without a decision about a resource: a reference page, a CORS preflight.
    Answered { response: Box<Response<Bytes>> },
}

impl Stop {
    pub(crate) fn refused(refusal: Refusal, app: &Arc<App>, request: &CanonicalRequest) -> Self {
        Self::Refused { refusal: Box::new(refusal), about: Some((Arc::clone(app), base(request))) }
    }

    /// Refused before anything is known of where it was going.
    fn at_the_door(refusal: Refusal) -> Self {
        Self::Refused { refusal: Box::new(refusal), about: None }
    }

    pub(crate) fn answered(response: Response<Bytes>) -> Self {
        Self::Answered { response: Box::new(response) }
    }

    /// 404: the host is ours, and no app of it has the path.
    pub(crate) fn no_app() -> Self {
        Self::at_the_door(Refusal::NoRoute)
    }

    pub(crate) fn ambiguous(ambiguity: &Ambiguity) -> Self {
        let said = said(ambiguity.code);
        let refusal =
            if ambiguity.status() == 421 { Refusal::Misdirected(said) } else { Refusal::Ambiguous(said) };
        Self::at_the_door(refusal)
    }

    pub(crate) fn unreadable(unreadable: &Unreadable) -> Self {
        let said = said(unreadable.code);
        let refusal = match unreadable.status {
            StatusCode::BAD_REQUEST => Refusal::Ambiguous(said),
            status => Refusal::Unreadable(said, status),
        };
        Self::at_the_door(refusal)
    }

    /// 400: the query asks for another method than the one that was decided on.
    pub(crate) fn overridden() -> Self {
        Self::at_the_door(Refusal::Ambiguous(said("method_override")))
    }

    /// 421: nothing here answers to that authority (RFC 9110 §15.5.20).
    pub(crate) fn unknown_host() -> Self {
        Self::at_the_door(Refusal::Misdirected(said("misdirected")))
    }

    /// 503: a defect of ours, in which nothing was decided.
    pub(crate) fn fault() -> Self {
        Self::at_the_door(Refusal::Unavailable(said("cannot_decide"), RETRY_AFTER))
    }

    /// Whether the connection must end: after a defect of ours nothing is certain, and after a request that could be read in
    /// two ways, so could the next.
    pub(crate) fn closes(&self) -> bool {
        let Self::Refused { refusal, about } = self else { return false };
        match refusal.as_ref() {
            Refusal::Ambiguous(_) | Refusal::Unreadable(..) => true,
            Refusal::Unavailable(..) => about.is_none(),
            _ => false,
        }
    }
}
