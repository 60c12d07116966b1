//! What can happen, as closed sets: each is one label of the metrics and says its own value. Deliberately not the types
//! of the crates that see it happen, so that they may change without renaming anybody's dashboards.

/// One of a closed set of label values.
pub(crate) trait Label: Copy + 'static {
    /// Every value, in the order of its index.
    const ALL: &'static [Self];

    /// Where it stands in [`Label::ALL`].
    fn index(self) -> usize;

    /// As Prometheus sees it.
    fn text(self) -> &'static str;
}

macro_rules! labels {
    ($($(#[$about:meta])* $name:ident { $($(#[$note:meta])* $value:ident = $text:literal,)+ })+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$note])* $value,)+ }

        impl Label for $name {
            const ALL: &'static [Self] = &[$(Self::$value,)+];

            fn index(self) -> usize {
                self as usize
            }

            fn text(self) -> &'static str {
                match self { $(Self::$value => $text,)+ }
            }
        }
    )+};
}

labels! {
    /// The way in.
    Door {
        /// The reverse proxy.
        Proxy = "proxy",
        /// Another proxy that asks before it forwards.
        ForwardAuth = "forward_auth",
    }

    /// How a request ended here.
    Answered {
        /// Allowed and sent to the origin (or, at a door that only asks, allowed).
        Forwarded = "forwarded",
        /// Refused: the answer is no, or the request was not one.
        Refused = "refused",
        /// Answered by ourselves, and not refused: a preflight, a redirect, a page of ours.
        Answered = "answered",
        /// No decision could be made or carried out: 5xx.
        Failed = "failed",
    }

    /// Who made an answer.
    By {
        /// We did.
        Portcullis = "portcullis",
        /// The origin did.
        Origin = "origin",
    }

    /// A stage on the way of a request.
    Stage {
        /// Is this one unambiguous request?
        Admit = "admit",
        /// Who sends it?
        Identify = "identify",
        /// Where from, on what device, on which plan?
        Situate = "situate",
        /// May they?
        Decide = "decide",
        /// The answer is made.
        Answer = "answer",
        /// The record is handed to the log.
        Record = "record",
        /// From the permit to the head of the origin's answer.
        Origin = "origin",
    }

    /// What one try at an origin came to.
    OriginOutcome {
        /// It answered.
        Answered = "answered",
        /// No connection.
        ConnectFailed = "connect_failed",
        /// No answer in time.
        Timeout = "timeout",
        /// The connection broke, or what came was not HTTP.
        Broken = "broken",
        /// It failed in a way that was safe to try again, and was.
        Retried = "retried",
    }

    /// What looking at changed files came to.
    Reload {
        /// They are in force.
        TakenUp = "taken_up",
        /// They say what is in force already.
        Unchanged = "unchanged",
        /// They do not load; what was in force stays in force.
        Refused = "refused",
    }

    /// What shadow policies came to.
    ShadowOutcome {
        /// The same as those in force.
        Same = "same",
        /// What was refused would go on.
        NewlyAllowed = "newly_allowed",
        /// What went on would be refused.
        NewlyRefused = "newly_refused",
        /// Refused with another reason or status.
        ChangedReason = "changed_reason",
        /// Never asked: too many were waiting.
        Dropped = "dropped",
        /// They could not be asked: a fault of ours.
        Failed = "failed",
    }

    /// What a connection speaks.
    ConnectionKind {
        /// HTTP/1.1 in plain text.
        Http1 = "h1",
        /// HTTP/2 in plain text.
        Http2 = "h2",
        /// HTTP/1.1 over TLS.
        TlsHttp1 = "tls_h1",
        /// HTTP/2 over TLS.
        TlsHttp2 = "tls_h2",
    }

    /// Why a connection was closed before, or without regard to, its requests.
    ConnectionRefused {
        /// Too many of one address.
        AddressLimit = "address_limit",
        /// Its PROXY header is missing, malformed or not to be trusted.
        ProxyHeader = "proxy_header",
        /// It called off too many requests.
        Resets = "resets",
        /// It sent too many frames that carry nothing.
        IdleFrames = "idle_frames",
    }

    /// A value that somebody else holds and that is read when it is shown.
    Watched {
        /// Records that wait to be written.
        LogQueue = "log_queue",
        /// Records written since the start.
        RecordsWritten = "records_written",
        /// Records that could not be written.
        RecordsMissed = "records_missed",
        /// Decisions that rules left out of the log.
        RecordsLeftOut = "records_left_out",
        /// 1 while the log cannot be written.
        LogBroken = "log_broken",
        /// Keys that limits count apart.
        LimiterKeys = "limiter_keys",
        /// Policies in force.
        Policies = "policies",
        /// Apps in force.
        Apps = "apps",
        /// Verified tokens that are remembered.
        TokenCacheEntries = "token_cache_entries",
        /// Issuers without usable keys: their callers get 503.
        IssuersWithoutKeys = "issuers_without_keys",
        /// Spans handed to the collector.
        SpansSent = "spans_sent",
        /// Spans that were not: the queue was full, or the collector refused them.
        SpansDropped = "spans_dropped",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn check<L: Label + std::fmt::Debug>() {
        let texts: BTreeSet<_> = L::ALL.iter().map(|label| label.text()).collect();
        assert_eq!(texts.len(), L::ALL.len(), "two values of {:?} share a text", L::ALL);
        for (at, label) in L::ALL.iter().enumerate() {
            assert_eq!(label.index(), at, "{label:?}");
        }
    }

    #[test]
    fn values_are_distinct_and_stand_where_they_say() {
        check::<Door>();
        check::<Answered>();
        check::<By>();
        check::<Stage>();
        check::<OriginOutcome>();
        check::<Reload>();
        check::<ShadowOutcome>();
        check::<ConnectionKind>();
        check::<ConnectionRefused>();
        check::<Watched>();
    }
}
