use crate::testing::{Folder, top};

fn host(lines: &str) -> Folder {
    let conf = format!(
        "ServerRoot @@/apache2\nListen 8080\nUser nobody\n<Directory />\nRequire all denied\n</Directory>\n\
         <Directory @@/www>\nOptions FollowSymLinks\nAllowOverride All\nRequire all granted\n</Directory>\n\
         <VirtualHost *:8080>\nServerName shop.test\nDocumentRoot @@/www\n{lines}\n</VirtualHost>\n"
    );
    Folder::new(&[
        ("apache2/apache2.conf", &conf),
        ("www/index.html", "home"),
        ("www/a/b.html", "b"),
        ("srv/new/x.html", "x"),
        ("apache2/agents.txt", "# agent verdict\ncurl/8.5.0 no\n"),
    ])
}

fn cause(folder: &Folder, request: &str, headers: &[(&str, &str)]) -> String {
    top(&folder.ask(&["apache2/apache2.conf"], request, headers))
}

#[test]
fn sections_are_merged_in_apaches_order() {
    let cases: &[(&str, &str, &str)] = &[
        ("<Location /a>\nRequire ip 10.0.0.0/8\n</Location>", "GET /a/b.html", "apache.require-denied"),
        ("<Location /a>\nRequire ip 10.0.0.0/8\n</Location>", "GET /ab", ""),
        ("<Location /a>\nRequire ip 127\n</Location>", "GET /a/b.html", ""),
        (
            "<Directory @@/www/a>\nRequire all denied\n</Directory>\n<Location /a>\nRequire all granted\n</Location>",
            "GET /a/b.html",
            "",
        ),
        (
            "<RequireAll>\n</RequireAll>\n<Location />\n<RequireAll>\nRequire all granted\nRequire not ip 127.0.0.1\n</RequireAll>\n</Location>",
            "GET /",
            "apache.require-denied",
        ),
        ("<Files \"*.html\">\nRequire all denied\n</Files>", "GET /a/b.html", "apache.files-match"),
        ("<FilesMatch \"\\.(bak|sql)$\">\nRequire all denied\n</FilesMatch>", "GET /a/b.html", ""),
        (
            "<Location /a>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Location>",
            "POST /a/b.html",
            "apache.limit-method",
        ),
        (
            "<Location /a>\n<LimitExcept GET>\nRequire all denied\n</LimitExcept>\n</Location>",
            "GET /a/b.html",
            "",
        ),
        (
            "<Directory @@/www/a>\nOrder allow,deny\nAllow from 10.0.0.0/8\n</Directory>",
            "GET /a/b.html",
            "apache.legacy-order-deny",
        ),
        (
            "<Directory @@/www/a>\nOrder deny,allow\nDeny from all\nAllow from 127.0.0.1\n</Directory>",
            "GET /a/b.html",
            "",
        ),
        ("Alias /new @@/srv/new", "GET /new/x.html", "apache.missing-directory-grant"),
        ("", "GET /a/", "apache.options-indexes"),
        ("<Directory @@/www/a>\nOptions +Indexes\n</Directory>", "GET /a/", ""),
        (
            "<If \"%{REQUEST_URI} =~ m#^/a/# && -R '127.0.0.0/8'\">\nRequire all denied\n</If>",
            "GET /a/b.html",
            "apache.require-denied",
        ),
        (
            "<If \"%{HTTP_USER_AGENT} =~ /curl/\">\nRequire all denied\n</If>",
            "GET /a/b.html",
            "apache.ua-block",
        ),
        (
            "BrowserMatchNoCase curl bad\n<Location />\n<RequireAll>\nRequire all granted\nRequire not env bad\n</RequireAll>\n</Location>",
            "GET /",
            "apache.ua-block",
        ),
        (
            "RewriteEngine On\nRewriteCond %{QUERY_STRING} evil [NC]\nRewriteRule ^ - [F]",
            "GET /?EVIL",
            "apache.rewrite-forbidden",
        ),
        ("RewriteEngine On\nRewriteCond %{QUERY_STRING} evil\nRewriteRule ^ - [F]", "GET /?good", ""),
        (
            "RewriteEngine On\nRewriteCond %{HTTP_REFERER} !^$\nRewriteCond %{HTTP_REFERER} !shop\\.test\nRewriteRule html$ - [F]",
            "GET /a/b.html",
            "",
        ),
        (
            "RewriteEngine On\nRewriteMap agents txt:@@/apache2/agents.txt\nRewriteCond ${agents:%{HTTP_USER_AGENT}|yes} =no\nRewriteRule ^ - [F]",
            "GET /",
            "apache.ua-block",
        ),
        (
            "RewriteEngine On\nRewriteMap agents txt:@@/apache2/agents.txt\nRewriteCond ${agents:%{REQUEST_URI}|yes} =no\nRewriteRule ^ - [F]",
            "GET /",
            "",
        ),
        ("UserDir @@/srv/*", "GET /~new/x.html", "apache.missing-directory-grant"),
        ("Redirect 403 /a", "GET /a/b.html", "apache.rewrite-forbidden"),
        ("<Location /a>\nAuthType Basic\nRequire valid-user\n</Location>", "GET /a/b.html", ""),
    ];
    for (lines, request, wanted) in cases {
        assert_eq!(cause(&host(lines), request, &[]), *wanted, "{request} with {lines}");
    }
}

/// A home that only its owner may enter, the usual reason why `/~dana/` is refused.
#[test]
fn folders_of_users_are_found_in_their_homes() {
    let lines = "UserDir @@/homes/*/public_html\nUserDir disabled mallory\n\
                 <Directory @@/homes>\nRequire all granted\n</Directory>";
    let folder = host(lines);
    folder.write("homes/dana/public_html/notes.html", "notes");
    folder.write("homes/mallory/public_html/notes.html", "notes");
    assert_eq!(cause(&folder, "GET /~dana/notes.html", &[]), "");
    folder.mode("homes/dana", 0o700);
    folder.mode("homes/mallory", 0o700);
    let report = folder.ask(&["apache2/apache2.conf"], "GET /~dana/notes.html", &[]);
    assert_eq!(top(&report), "apache.fs-permission");
    let home = folder.path("homes/dana").display().to_string();
    assert_eq!(report.clues[0].fix.first(), Some(&format!("chmod o+x {home}")));
    assert_eq!(cause(&folder, "GET /~mallory/notes.html", &[]), "");
}

#[test]
fn overrides_speak_where_they_are_allowed() {
    let folder = host("");
    folder.write("www/a/.htaccess", "Require all denied\n");
    let report = folder.ask(&["apache2/apache2.conf"], "GET /a/b.html", &[]);
    assert_eq!(top(&report), "apache.htaccess-deny");
    assert_eq!(report.clues[0].place.as_ref().map(|place| place.line), Some(1));
    folder.mode("www/a/.htaccess", 0o600);
    assert_eq!(cause(&folder, "GET /a/b.html", &[]), "apache.htaccess-unreadable");
}

#[test]
fn links_need_an_option() {
    let folder = host("<Directory @@/www>\nOptions -FollowSymLinks\n</Directory>");
    std::os::unix::fs::symlink(folder.path("srv/new"), folder.path("www/link")).expect("a link");
    assert_eq!(cause(&folder, "GET /link/x.html", &[]), "apache.symlink-owner");
    let folder = host("<Directory @@/srv/new>\nRequire all granted\n</Directory>");
    std::os::unix::fs::symlink(folder.path("srv/new"), folder.path("www/link")).expect("a link");
    assert_eq!(cause(&folder, "GET /link/x.html", &[]), "");
}

#[test]
fn the_log_names_what_the_configuration_hides() {
    let folder = host("ErrorLog @@/log/error.log");
    folder.write(
        "log/error.log",
        "[Fri Nov 27 10:00:00.123456 2026] [authz_core:error] [pid 1:tid 2] [client 127.0.0.1:4] AH01630: client denied by server configuration: @@/www/a/b.html\n",
    );
    assert_eq!(cause(&folder, "GET /a/b.html", &[]), "apache.require-denied");
    assert_eq!(cause(&folder, "GET /index.html", &[]), "");
}

#[test]
fn rules_of_a_firewall_are_told_by_its_own_words() {
    let folder = host("ErrorLog @@/log/error.log\nSecRuleEngine On");
    let line = |id: u32, what: &str, severity: &str| {
        format!(
            "[Fri Nov 27 10:00:00.1 2026] [security2:error] [pid 1] [client 127.0.0.1] ModSecurity: {what} [id \"{id}\"] [msg \"m\"] [severity \"{severity}\"] [uri \"/a/b.html\"] [unique_id \"u\"]\n"
        )
    };
    let block = line(
        949_110,
        "Access denied with code 403 (phase 2). Operator GE matched 5 at TX:anomaly_score.",
        "CRITICAL",
    );
    let cases = [
        (line(942_100, "Warning. detected SQLi", "CRITICAL") + &block, "modsecurity.crs-sqli"),
        (
            line(920_350, "Warning.", "WARNING") + &line(913_101, "Warning.", "NOTICE") + &block,
            "modsecurity.crs-anomaly",
        ),
        (line(10_042, "Access denied with code 403 (phase 1).", "CRITICAL"), "modsecurity.custom-rule"),
        (line(942_100, "Warning. detected SQLi", "CRITICAL"), "modsecurity.crs-generic"),
    ];
    for (log, wanted) in cases {
        folder.write("log/error.log", &log);
        let report = folder.ask(&["apache2/apache2.conf"], "GET /a/b.html?q=1", &[]);
        assert_eq!(report.clues.first().map(|clue| clue.cause.as_str()), Some(wanted), "{log}");
    }
}
