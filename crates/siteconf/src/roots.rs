//! Where configuration roots usually lie, and what running servers were told on their command lines.

use std::path::{Path, PathBuf};

/// Where packages put them.
const USUAL: [&str; 26] = [
    "/etc/nginx/nginx.conf",
    "/usr/local/nginx/conf/nginx.conf",
    "/usr/local/etc/nginx/nginx.conf",
    "/opt/homebrew/etc/nginx/nginx.conf",
    "/usr/local/openresty/nginx/conf/nginx.conf",
    "/etc/apache2/apache2.conf",
    "/etc/httpd/conf/httpd.conf",
    "/etc/apache2/httpd.conf",
    "/usr/local/apache2/conf/httpd.conf",
    "/usr/local/etc/apache24/httpd.conf",
    "/etc/caddy/Caddyfile",
    "/usr/local/etc/Caddyfile",
    "/etc/haproxy/haproxy.cfg",
    "/usr/local/etc/haproxy/haproxy.cfg",
    "/etc/varnish/default.vcl",
    "/usr/local/etc/varnish/default.vcl",
    "/etc/lighttpd/lighttpd.conf",
    "/usr/local/etc/lighttpd/lighttpd.conf",
    "/etc/envoy/envoy.yaml",
    "/etc/envoy/config.yaml",
    "/etc/squid/squid.conf",
    "/usr/local/etc/squid/squid.conf",
    "/usr/local/etc/php-fpm.conf",
    "/etc/php-fpm.conf",
    "/etc/php-fpm.d/www.conf",
    "/usr/local/etc/php-fpm.d/www.conf",
];

/// Programs, and the options behind which they take their configuration.
const PROGRAMS: [(&str, &[&str]); 11] = [
    ("nginx", &["-c"]),
    ("openresty", &["-c"]),
    ("apache2", &["-f"]),
    ("httpd", &["-f"]),
    ("caddy", &["--config", "-c", "-config"]),
    ("haproxy", &["-f"]),
    ("varnishd", &["-f"]),
    ("lighttpd", &["-f"]),
    ("envoy", &["-c", "--config-path"]),
    ("squid", &["-f"]),
    ("php-fpm", &["-y", "--fpm-config"]),
];

/// The roots of this machine: those that running servers were started with, then those in the usual places.
#[must_use]
pub fn find_roots() -> Vec<PathBuf> {
    let mut found = running();
    found.extend(USUAL.iter().map(PathBuf::from));
    let debian = glob::glob("/etc/php/*/fpm/php-fpm.conf").into_iter().flatten().filter_map(Result::ok);
    found.extend(debian);
    let mut seen = Vec::new();
    found.retain(|path| {
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        let fresh = path.is_file() && !seen.contains(&real);
        seen.push(real);
        fresh
    });
    found
}

fn running() -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.take(20_000).filter_map(Result::ok) {
        let Ok(line) = std::fs::read(entry.path().join("cmdline")) else { continue };
        // nginx and PHP-FPM rewrite theirs into one text with blanks.
        let text = String::from_utf8_lossy(&line).replace('\0', " ");
        let folder = std::fs::read_link(entry.path().join("cwd")).unwrap_or_else(|_| PathBuf::from("/"));
        found.extend(named_in(&text).map(|path| folder.join(path)));
    }
    found.sort();
    found.dedup();
    found
}

/// The configuration that a command line names.
fn named_in(line: &str) -> Option<PathBuf> {
    if let Some((_, rest)) = line.split_once("php-fpm: master process (") {
        return rest.split(')').next().map(PathBuf::from);
    }
    let line = line.split_once("master process ").map_or(line, |(_, rest)| rest);
    let words: Vec<&str> = line.split_whitespace().collect();
    let program = Path::new(words.first()?).file_name()?.to_string_lossy().into_owned();
    let (_, options) = PROGRAMS.iter().find(|(name, _)| program.starts_with(name))?;
    words.iter().enumerate().find_map(|(at, word)| {
        let joined = options.iter().find_map(|option| word.strip_prefix(&format!("{option}=")));
        let next = || options.contains(word).then(|| words.get(at + 1).copied()).flatten();
        joined.or_else(next).map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::{find_roots, named_in};
    use std::path::PathBuf;

    #[test]
    fn command_lines_name_their_configuration() {
        let cases = [
            (
                "nginx: master process /usr/sbin/nginx -c /srv/nginx.conf -g daemon off;",
                Some("/srv/nginx.conf"),
            ),
            (
                "/usr/sbin/haproxy -Ws -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid",
                Some("/etc/haproxy/haproxy.cfg"),
            ),
            ("caddy run --environ --config /etc/caddy/Caddyfile", Some("/etc/caddy/Caddyfile")),
            ("envoy --config-path=/etc/envoy.yaml", Some("/etc/envoy.yaml")),
            (
                "php-fpm: master process (/etc/php/8.2/fpm/php-fpm.conf)",
                Some("/etc/php/8.2/fpm/php-fpm.conf"),
            ),
            ("nginx: worker process", None),
            ("grep -c nginx", None),
        ];
        for (line, wanted) in cases {
            assert_eq!(named_in(line), wanted.map(PathBuf::from), "{line}");
        }
    }

    #[test]
    fn roots_exist_and_come_once() {
        let roots = find_roots();
        assert!(roots.iter().all(|root| root.is_file()));
        let mut sorted = roots.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), roots.len());
    }
}
