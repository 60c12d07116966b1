//! Which kind of server a configuration root belongs to: by its name, by where it lies, by the words its lines begin with.

use std::path::Path;

/// Endings of names that leave no doubt.
const ENDINGS: [(&str, &str); 11] = [
    (".py", "source"),
    (".js", "source"),
    (".cjs", "source"),
    (".mjs", "source"),
    (".rb", "source"),
    (".vcl", "varnish"),
    ("caddyfile", "caddy"),
    (".caddy", "caddy"),
    (".caddyfile", "caddy"),
    (".yaml", "envoy"),
    (".yml", "envoy"),
];

/// Words that lines begin with. HAProxy and Squid share `acl`, which therefore counts for neither.
const WORDS: [(&str, &[&str]); 8] = [
    (
        "apache",
        &[
            "ServerRoot",
            "LoadModule",
            "DocumentRoot",
            "<Directory",
            "<VirtualHost",
            "<Location",
            "<Files",
            "CustomLog",
            "RewriteRule",
            "Require",
        ],
    ),
    ("nginx", &["http", "server", "events", "worker_processes", "location", "upstream", "server_name"]),
    ("haproxy", &["frontend", "backend", "defaults", "global", "listen", "use_backend", "default_backend"]),
    (
        "squid",
        &["http_access", "http_port", "cache_dir", "cache_peer", "refresh_pattern", "visible_hostname"],
    ),
    (
        "lighttpd",
        &[
            "server.modules",
            "server.port",
            "server.document-root",
            "server.bind",
            "index-file.names",
            "$HTTP",
        ],
    ),
    ("php-fpm", &["pm", "[www]", "[global]", "listen.owner", "pm.max_children", "php_admin_value"]),
    ("modsecurity", &["SecRule", "SecRuleEngine", "SecAction"]),
    ("caddy", &["reverse_proxy", "file_server", "respond", "encode", "php_fastcgi"]),
];

/// The kind of a root, `unknown` if nothing tells it.
pub(crate) fn of(path: &Path, text: &str) -> &'static str {
    let whole = path.to_string_lossy().to_ascii_lowercase();
    if let Some((_, kind)) = ENDINGS.iter().find(|(ending, _)| whole.ends_with(ending)) {
        return kind;
    }
    if text.contains("static_resources") && whole.ends_with(".json") {
        return "envoy";
    }
    if begins(text, &["vcl"]) > 0 {
        return "varnish";
    }
    let counted = WORDS.map(|(kind, words)| (kind, begins(text, words)));
    // Where it lies says it, if what is in it does not speak against that.
    let folder = whole.rsplit('/').take(2).collect::<Vec<_>>().join("/");
    let named = counted.iter().find(|(kind, count)| *count > 0 && folder.contains(kind));
    let most = counted.iter().max_by_key(|(_, count)| *count).filter(|(_, count)| *count > 0);
    named.or(most).map_or("unknown", |(kind, _)| kind)
}

/// How many lines begin with one of the words.
fn begins(text: &str, words: &[&str]) -> usize {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let begins = |line: &str, word: &str| {
        line.strip_prefix(word)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '{', '"', '=', '[']))
    };
    lines.filter(|line| words.iter().any(|word| begins(line, word))).count()
}

#[cfg(test)]
mod tests {
    use super::of;
    use std::path::Path;

    #[test]
    fn roots_are_told_apart_wherever_they_lie() {
        let cases = [
            ("/srv/x.conf", "http {\n server {\n location / {", "nginx"),
            ("/srv/x.conf", "<VirtualHost *:80>\n DocumentRoot /x", "apache"),
            ("/srv/x.cfg", "defaults\nfrontend a\n acl x src y\n acl z src y\n acl w src y", "haproxy"),
            ("/srv/x.conf", "acl a src b\nhttp_access deny a\nhttp_port 3128", "squid"),
            ("/srv/x.conf", "server.port = 80\n$HTTP[\"url\"] == \"/\" { }", "lighttpd"),
            ("/srv/x.conf", "[www]\npm = static", "php-fpm"),
            ("/etc/php/8.2/fpm/php-fpm.conf", "[global]\ninclude=/etc/php/8.2/fpm/pool.d/*.conf", "php-fpm"),
            ("/etc/apache2/sites/000.conf", "Require all denied", "apache"),
            ("/etc/caddy/Caddyfile", "", "caddy"),
            ("/srv/x", "vcl 4.1;", "varnish"),
            ("/srv/x", "hello", "unknown"),
        ];
        for (path, text, wanted) in cases {
            assert_eq!(of(Path::new(path), text), wanted, "{path}: {text}");
        }
    }
}
