//! What a server's own configuration, logs and file modes say about a refused request. Given configuration roots and
//! the request, [`read`] finds the server and section that govern it, follows it from proxy to origin, and collects
//! clues: which rule refuses, what the logs say in the server's own words, which file mode stands in the way.
//!
//! It writes nothing, starts nothing and opens no connection. INVARIANT: whatever it is given, it ends, in bounded time and
//! memory, with a report; what could not be read is a [`Fault`] in it.

mod accessed;
mod apache;
mod application;
mod asked;
mod beside;
mod caddy;
mod condition;
mod envoy;
mod follow;
mod fpm;
mod haproxy;
mod hop;
mod kind;
mod labels;
mod lighttpd;
mod logs;
mod modes;
mod modsecurity;
mod nginx;
mod pattern;
mod report;
mod roots;
mod site;
mod source;
mod squid;
mod varnish;

#[cfg(test)]
mod testing;

use std::path::{Path, PathBuf};

pub use asked::Asked;
pub use report::{Clue, Fault, Place, Server, SiteReport, Strength};
pub use roots::find_roots;

use site::Site;
use source::Files;

/// Reads the roots and says what they, their logs and the modes of files say about the request. It never fails: what could
/// not be read is among the faults.
#[must_use]
pub fn read(roots: &[PathBuf], asked: &Asked) -> SiteReport {
    let mut files = Files::default();
    let mut sites: Vec<Box<dyn Site>> = Vec::new();
    let mut sources: Vec<PathBuf> = Vec::new();
    for root in roots {
        let root = std::path::absolute(root).unwrap_or_else(|_| root.clone());
        let Some(text) = files.text(&root, None) else { continue };
        match kind::of(&root, &text) {
            "source" => sources.push(root),
            kind => sites.extend(site(kind, &root, &mut files)),
        }
    }
    let mut report = follow::follow(&sites, &sources, hop::Hop::first(asked), &mut files);
    report.faults = files.faults;
    if let Some(status) = asked.status.filter(|status| *status != 403) {
        // What might refuse is told only where something was refused.
        let said = format!("the answer is {status}, not 403");
        report.clues = vec![Clue::new("none.not-403", Strength::Decisive, said)];
    }
    report.clues.sort_by_key(|clue| std::cmp::Reverse(clue.strength));
    report
}

/// One root, as the kind of server that it belongs to.
fn site(kind: &str, root: &Path, files: &mut Files) -> Option<Box<dyn Site>> {
    match kind {
        "nginx" => Some(Box::new(nginx::Nginx::read(root, files))),
        "apache" => Some(Box::new(apache::Apache::read(root, files))),
        "haproxy" => Some(Box::new(haproxy::HAProxy::read(root, files))),
        "varnish" => Some(Box::new(varnish::Varnish::read(root, files))),
        "squid" => Some(Box::new(squid::Squid::read(root, files))),
        "caddy" => Some(Box::new(caddy::Caddy::read(root, files))),
        "lighttpd" => Some(Box::new(lighttpd::Lighttpd::read(root, files))),
        "envoy" => Some(Box::new(envoy::Envoy::read(root, files))),
        "php-fpm" => Some(Box::new(fpm::Fpm::read(root, files))),
        _ => {
            files.fault(None, root, format!("`{}` is no configuration of a known kind", root.display()));
            None
        }
    }
}
