//! Why there is no connection to an origin. What the caller is told about it is `forward`'s matter.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConnectFault {
    /// The name has no address, or nobody could say.
    #[error("its name could not be resolved: {0}")]
    Dns(String),
    /// Nobody listens there.
    #[error("{0}")]
    Refused(String),
    /// It took too long, TLS included.
    #[error("no connection within {0:?}")]
    TimedOut(Duration),
    /// The network has no way, or the connection broke at once.
    #[error("{0}")]
    Unreachable(String),
    /// Its certificate does not hold.
    #[error("its certificate does not hold: {0}; look at its names, dates and issuer")]
    Certificate(String),
    /// TLS came to nothing for another reason.
    #[error("TLS came to nothing: {0}")]
    Tls(String),
    /// It speaks another protocol than agreed.
    #[error("{0}")]
    Protocol(String),
}

/// A name that has no address. Tells it from the further reasons why the connector fails.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Unresolved(pub(super) io::Error);

impl ConnectFault {
    pub(super) fn tcp(error: &(dyn Error + 'static), limit: Duration) -> Self {
        if let Some(unresolved) = find::<Unresolved>(error) {
            return Self::Dns(cut(&unresolved.to_string()));
        }
        let said = told(error);
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => Self::Refused(said),
            Some(io::ErrorKind::TimedOut) => Self::TimedOut(limit),
            _ => Self::Unreachable(said),
        }
    }

    pub(super) fn tls(error: &io::Error) -> Self {
        use rustls::Error::{InvalidCertificate, NoCertificatesPresented, UnsupportedNameType};
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(fault @ (InvalidCertificate(_) | NoCertificatesPresented | UnsupportedNameType)) => {
                Self::Certificate(cut(&fault.to_string()))
            }
            // Plain text before the end of the handshake is among these (nginx CVE-2026-1642).
            Some(fault) => Self::Tls(cut(&fault.to_string())),
            None => Self::Tls(told(error)),
        }
    }
}

/// The first of an error's causes that is such a one.
pub(crate) fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// An error with its causes, in one bounded line.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.ends_with(&said) {
            // Writing to a `String` cannot fail.
            write!(text, ": {said}").unwrap_or_default();
        }
        source = cause.source();
    }
    cut(&text)
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).flat_map(char::escape_debug).collect()
}

/// Characters of a fault that the outcome keeps.
const LONGEST: usize = 300;
