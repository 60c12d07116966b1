//! The proxy that the environment names, by the rules of curl: `http_proxy` in lower case only (a web server sets the other
//! one from a header), `https_proxy` and `all_proxy` in both, and `no_proxy` against them.

use crate::asked::curl::{CurlError, forward_proxy};
use crate::asked::{ForwardProxy, Scheme, Url};

/// The proxy for a URL, if any.
///
/// # Errors
///
/// The variable holds no address.
pub(super) fn proxy(
    url: &Url,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<ForwardProxy>, CurlError> {
    let first = |names: &[&str]| {
        names.iter().find_map(|name| {
            variable(name).filter(|value| !value.trim().is_empty()).map(|value| (value, (*name).to_owned()))
        })
    };
    let found = match url.scheme {
        Scheme::Http => first(&["http_proxy", "all_proxy", "ALL_PROXY"]),
        Scheme::Https => first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
    };
    let Some((value, name)) = found else { return Ok(None) };
    let except = first(&["no_proxy", "NO_PROXY"]).map(|(value, _)| value).unwrap_or_default();
    if is_excepted(&url.host, &except) {
        return Ok(None);
    }
    forward_proxy(&value, None, &name).map(Some)
}

fn is_excepted(host: &str, except: &str) -> bool {
    except.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let name = name.split(':').next().unwrap_or_default().trim_start_matches('.').to_ascii_lowercase();
        name == "*" || host == name || (!name.is_empty() && host.ends_with(&format!(".{name}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_curl() {
        let (url, _) = Url::parse("http://www.a.test/").unwrap();
        let with = |pairs: &'static [(&'static str, &'static str)]| {
            move |name: &str| {
                pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            }
        };
        assert!(proxy(&url, with(&[("HTTP_PROXY", "http://p:1/")])).unwrap().is_none());
        assert_eq!(proxy(&url, with(&[("http_proxy", "p:3128")])).unwrap().unwrap().url.port, 3128);
        assert!(proxy(&url, with(&[("http_proxy", "p:1"), ("no_proxy", "x, .a.test")])).unwrap().is_none());
        assert!(proxy(&url, with(&[("http_proxy", "p:1"), ("no_proxy", "b.test")])).unwrap().is_some());
    }
}
