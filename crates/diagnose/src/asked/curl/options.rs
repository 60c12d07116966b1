//! curl's options by what they mean here. Those that change nothing of the request are listed too: one must know which of
//! them take a value, to skip it.

/// What an option does to the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Url,
    Method,
    Head,
    Get,
    Header,
    Data,
    DataBinary,
    DataRaw,
    DataEncoded,
    Json,
    Form,
    User,
    Bearer,
    Cookie,
    Proxy,
    ProxyUser,
    Insecure,
    Follow,
    Compressed,
    Agent,
    Referer,
    Resolve,
    Http1,
    Http2,
    Four,
    Six,
    Query,
    /// Nothing.
    Aside,
}

/// Kind, and whether it takes a value.
pub(super) fn by_long(name: &str) -> Option<(Kind, bool)> {
    let valued = match name {
        "url" => Kind::Url,
        "request" => Kind::Method,
        "header" => Kind::Header,
        "data" | "data-ascii" => Kind::Data,
        "data-binary" => Kind::DataBinary,
        "data-raw" => Kind::DataRaw,
        "data-urlencode" => Kind::DataEncoded,
        "json" => Kind::Json,
        "form" | "form-string" => Kind::Form,
        "user" => Kind::User,
        "oauth2-bearer" => Kind::Bearer,
        "cookie" => Kind::Cookie,
        "proxy" | "preproxy" => Kind::Proxy,
        "proxy-user" => Kind::ProxyUser,
        "user-agent" => Kind::Agent,
        "referer" => Kind::Referer,
        "resolve" => Kind::Resolve,
        "url-query" => Kind::Query,
        _ if VALUED.contains(&name) => Kind::Aside,
        _ => {
            let plain = match name {
                "head" => Kind::Head,
                "get" => Kind::Get,
                "insecure" => Kind::Insecure,
                "location" | "location-trusted" => Kind::Follow,
                "compressed" => Kind::Compressed,
                "http1.1" | "http1.0" | "http0.9" => Kind::Http1,
                "http2" | "http2-prior-knowledge" => Kind::Http2,
                "ipv4" => Kind::Four,
                "ipv6" => Kind::Six,
                _ if PLAIN.contains(&name) || name.starts_with("no-") => Kind::Aside,
                _ => return None,
            };
            return Some((plain, false));
        }
    };
    Some((valued, true))
}

/// Kind, and whether it takes a value.
pub(super) fn by_short(letter: char) -> Option<(Kind, bool)> {
    Some(match letter {
        'X' => (Kind::Method, true),
        'H' => (Kind::Header, true),
        'd' => (Kind::Data, true),
        'F' => (Kind::Form, true),
        'u' => (Kind::User, true),
        'b' => (Kind::Cookie, true),
        'x' => (Kind::Proxy, true),
        'U' => (Kind::ProxyUser, true),
        'A' => (Kind::Agent, true),
        'e' => (Kind::Referer, true),
        'k' => (Kind::Insecure, false),
        'L' => (Kind::Follow, false),
        'I' => (Kind::Head, false),
        'G' => (Kind::Get, false),
        '4' => (Kind::Four, false),
        '6' => (Kind::Six, false),
        '0' => (Kind::Http1, false),
        'o' | 'm' | 'w' | 'c' | 'T' | 'C' | 'D' | 'E' | 'K' | 'P' | 'Q' | 'r' | 't' | 'Y' | 'y' | 'z' | 'h' => (Kind::Aside, true),
        'v' | 's' | 'S' | 'i' | 'f' | 'g' | 'j' | 'J' | 'l' | 'M' | 'n' | 'N' | 'O' | 'p' | 'q' | 'R' | 'Z' | '#' | 'a' | 'B'
        | '1' | '2' | '3' | ':' => (Kind::Aside, false),
        _ => return None,
    })
}

const VALUED: &[&str] = &[
    "output", "max-time", "write-out", "cookie-jar", "upload-file", "continue-at", "dump-header", "cert", "config",
    "connect-timeout", "retry", "retry-delay", "retry-max-time", "range", "cacert", "capath", "key", "cert-type", "key-type",
    "pass", "ciphers", "tls13-ciphers", "tls-max", "curves", "interface", "dns-servers", "doh-url", "limit-rate",
    "max-filesize", "max-redirs", "noproxy", "proto", "proto-default", "proto-redir", "pinnedpubkey", "proxy-header",
    "proxy-cacert", "proxy-cert", "proxy-key", "quote", "socks4", "socks4a", "socks5", "socks5-hostname", "speed-limit",
    "speed-time", "stderr", "time-cond", "trace", "trace-ascii", "unix-socket", "abstract-unix-socket", "keepalive-time",
    "local-port", "expect100-timeout", "happy-eyeballs-timeout-ms", "hsts", "alt-svc", "aws-sigv4", "connect-to",
    "create-file-mode", "crlfile", "delegation", "egd-file", "engine", "etag-compare", "etag-save", "ftp-port", "krb",
    "libcurl", "login-options", "mail-from", "mail-rcpt", "netrc-file", "output-dir", "parallel-max", "random-file", "rate",
    "request-target", "sasl-authzid", "service-name", "telnet-option", "variable", "ech", "haproxy-clientip", "ip-tos",
];

const PLAIN: &[&str] = &[
    "verbose", "silent", "show-error", "include", "fail", "fail-with-body", "globoff", "junk-session-cookies",
    "remote-name", "remote-header-name", "progress-bar", "raw", "path-as-is", "anyauth", "basic", "digest", "negotiate",
    "ntlm", "ntlm-wb", "tlsv1", "tlsv1.0", "tlsv1.1", "tlsv1.2", "tlsv1.3", "sslv2", "sslv3", "ssl", "ssl-reqd",
    "ssl-no-revoke", "ssl-revoke-best-effort", "ssl-allow-beast", "tcp-nodelay", "tcp-fastopen", "keepalive",
    "proxytunnel", "proxy-insecure", "proxy-basic", "proxy-digest", "proxy-ntlm", "proxy-anyauth", "append", "buffer",
    "cert-status", "crlf", "create-dirs", "disable", "disallow-username-in-url", "doh-insecure", "false-start",
    "form-escape", "http3", "http3-only", "ignore-content-length", "manual", "netrc", "netrc-optional", "next", "parallel",
    "parallel-immediate", "post301", "post302", "post303", "remote-name-all", "remote-time", "remove-on-error",
    "retry-all-errors", "retry-connrefused", "sessionid", "styled-output", "suppress-connect-headers", "tr-encoding",
    "trace-time", "use-ascii", "xattr", "version", "ca-native", "proxy-http2", "clobber", "skip-existing",
];
