//! `portcullis doctor`: the command line, from words to exit code. The program's own command is a thin shell around it.

mod admin;
mod environment;
mod run;

use clap::Args;

use crate::asked::curl::{self, CurlError};

pub use run::{Exit, run};

/// Find out who answered 403, why, and what to do about it.
///
/// Give it the URL, with the options you would give curl, or paste the whole `curl …` command behind `doctor`. It repeats
/// the request and then changes one thing at a time: at most twelve requests, at most four a second, only methods that
/// change nothing, and never anything that tries to get round the refusal. `portcullis doctor explain ID` tells all about a
/// cause.
///
/// Exit code: 0 diagnosed (or nothing was refused), 1 undecided, 2 wrong usage, 3 nobody answered.
#[derive(Debug, Clone, Default, Args)]
pub struct Doctor {
    /// The URL, or a `curl …` command; `explain ID` prints a finding.
    #[arg(value_name = "URL")]
    pub words: Vec<String>,

    /// Method.
    #[arg(short = 'X', long = "request", value_name = "METHOD", help_heading = "The request, as with curl")]
    pub method: Option<String>,
    /// Header; `Name:` leaves out one that is sent by itself. Repeatable.
    #[arg(short = 'H', long = "header", value_name = "LINE", help_heading = "The request, as with curl")]
    pub headers: Vec<String>,
    /// Body; `@FILE` reads it. Repeatable.
    #[arg(
        short = 'd',
        long = "data",
        value_name = "DATA",
        allow_hyphen_values = true,
        help_heading = "The request, as with curl"
    )]
    pub data: Vec<String>,
    /// Body, as it is.
    #[arg(long, value_name = "DATA", allow_hyphen_values = true, help_heading = "The request, as with curl")]
    pub data_raw: Vec<String>,
    /// Go on when the certificate cannot be verified (and say so).
    #[arg(short = 'k', long, help_heading = "The request, as with curl")]
    pub insecure: bool,
    /// User and password.
    #[arg(short = 'u', long, value_name = "USER:PASSWORD", help_heading = "The request, as with curl")]
    pub user: Option<String>,
    /// Cookies: `a=b; c=d`, or a file of them.
    #[arg(short = 'b', long, value_name = "COOKIES", help_heading = "The request, as with curl")]
    pub cookie: Vec<String>,
    /// Proxy on your side.
    #[arg(short = 'x', long, value_name = "URL", help_heading = "The request, as with curl")]
    pub proxy: Option<String>,
    /// User and password for the proxy.
    #[arg(short = 'U', long, value_name = "USER:PASSWORD", help_heading = "The request, as with curl")]
    pub proxy_user: Option<String>,
    /// User-Agent; empty sends none.
    #[arg(short = 'A', long, value_name = "NAME", help_heading = "The request, as with curl")]
    pub user_agent: Option<String>,
    /// Referer.
    #[arg(short = 'e', long, value_name = "URL", help_heading = "The request, as with curl")]
    pub referer: Option<String>,
    /// HOST:PORT:ADDRESS in place of what DNS says. Repeatable.
    #[arg(long, value_name = "HOST:PORT:ADDRESS", help_heading = "The request, as with curl")]
    pub resolve: Vec<String>,
    /// HEAD.
    #[arg(short = 'I', long, help_heading = "The request, as with curl")]
    pub head: bool,
    /// HTTP/1.1 only.
    #[arg(long = "http1.1", help_heading = "The request, as with curl")]
    pub http1: bool,
    /// HTTP/2.
    #[arg(long = "http2", help_heading = "The request, as with curl", conflicts_with = "http1")]
    pub http2: bool,
    /// IPv4 only.
    #[arg(short = '4', long = "ipv4", help_heading = "The request, as with curl")]
    pub four: bool,
    /// IPv6 only.
    #[arg(short = '6', long = "ipv6", help_heading = "The request, as with curl", conflicts_with = "four")]
    pub six: bool,

    /// Read a HAR file in place of asking, and explain the entries that were refused.
    #[arg(long, value_name = "FILE", help_heading = "Where to look")]
    pub har: Option<std::path::PathBuf>,
    /// Read a saved exchange (output of `curl -v` or `curl -i`; `-` for standard input) in place of asking.
    #[arg(long, value_name = "FILE", help_heading = "Where to look", conflicts_with = "har")]
    pub exchange: Option<std::path::PathBuf>,
    /// Read the configuration of the servers on this machine: files or folders (repeatable), or none to find them.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "", help_heading = "Where to look")]
    pub local: Vec<String>,
    /// Portcullis' admin listener, which is asked why where the refusal is Portcullis' own; without it, the one on this
    /// machine (`http://127.0.0.1:8081`), where there is a token.
    #[arg(long, value_name = "URL", help_heading = "Where to look")]
    pub admin: Option<String>,
    /// File with the token of the admin listener; otherwise it is in `PORTCULLIS_ADMIN_TOKEN`.
    #[arg(long, value_name = "FILE", help_heading = "Where to look")]
    pub admin_token: Option<std::path::PathBuf>,
    /// Requests at most.
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u16).range(1..=50), help_heading = "How much to ask")]
    pub budget: u16,
    /// Seconds at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=600), help_heading = "How much to ask")]
    pub time: u16,
    /// Send the reported request again although its method changes things.
    #[arg(long, help_heading = "How much to ask")]
    pub repeat_unsafe: bool,
    /// Say what may be sent, and send nothing.
    #[arg(long, help_heading = "How much to ask")]
    pub dry_run: bool,

    /// List all findings.
    #[arg(long, help_heading = "Output")]
    pub list: bool,
    /// Print JSON.
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// Print Markdown for a ticket, secrets removed.
    #[arg(long, help_heading = "Output", conflicts_with = "json")]
    pub markdown: bool,
    /// Say nothing while working.
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}

impl Doctor {
    /// The reported request.
    ///
    /// # Errors
    ///
    /// The words are no request.
    pub fn command(&self) -> Result<curl::Command, CurlError> {
        let url = self.words.first().or_else(|| self.local.iter().find(|value| value.contains("://")));
        let given = self.as_curl();
        match url {
            // A pasted command has blanks; a URL never.
            Some(pasted)
                if pasted.trim_start_matches("$ ").starts_with("curl")
                    && pasted.contains(char::is_whitespace) =>
            {
                // What stands beside it is added to it.
                let mut text = pasted.clone();
                for word in given {
                    text.push(' ');
                    text.push_str(
                        &shlex::try_quote(&word).map_or_else(|_| word.clone(), std::borrow::Cow::into_owned),
                    );
                }
                curl::parse_pasted(&text)
            }
            Some(url) => {
                let mut words = given;
                words.push("--url".to_owned());
                words.push(url.clone());
                curl::parse(&words)
            }
            None => Err(CurlError::NoUrl),
        }
    }

    fn as_curl(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut valued = |option: &str, values: &[String]| {
            for value in values {
                words.push(option.to_owned());
                words.push(value.clone());
            }
        };
        let one = |value: &Option<String>| value.iter().cloned().collect::<Vec<_>>();
        valued("-X", &one(&self.method));
        valued("-H", &self.headers);
        valued("-d", &self.data);
        valued("--data-raw", &self.data_raw);
        valued("-u", &one(&self.user));
        valued("-b", &self.cookie);
        valued("-x", &one(&self.proxy));
        valued("-U", &one(&self.proxy_user));
        valued("-A", &one(&self.user_agent));
        valued("-e", &one(&self.referer));
        valued("--resolve", &self.resolve);
        let flags = [
            (self.insecure, "-k"),
            (self.head, "-I"),
            (self.http1, "--http1.1"),
            (self.http2, "--http2"),
            (self.four, "-4"),
            (self.six, "-6"),
        ];
        words.extend(flags.iter().filter(|(set, _)| *set).map(|(_, flag)| (*flag).to_owned()));
        words
    }

    /// Roots of configuration; none where it was not asked for, an empty list where they are to be found.
    #[must_use]
    pub fn local_roots(&self) -> Option<Vec<std::path::PathBuf>> {
        if self.local.is_empty() {
            return None;
        }
        let named = self.local.iter().filter(|value| !value.is_empty() && !value.contains("://"));
        Some(named.map(std::path::PathBuf::from).collect())
    }
}
