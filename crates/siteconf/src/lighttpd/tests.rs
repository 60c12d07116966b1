use crate::testing::{Folder, top};

#[test]
fn conditionals_choose_the_settings() {
    let cases = [
        ("url.access-deny = (\"~\", \".inc\")", "GET /x.inc", "lighttpd.access-deny"),
        ("url.access-deny = (\"~\", \".inc\")", "GET /index.html", ""),
        (
            "$HTTP[\"url\"] =~ \"^/adm/\" { $HTTP[\"remoteip\"] != \"10.0.0.0/8\" { url.access-deny = (\"\") } }",
            "GET /adm/x",
            "lighttpd.access-deny",
        ),
        (
            "$HTTP[\"remoteip\"] == \"127.0.0.0/8\" { } else { url.access-deny = (\"\") }",
            "GET /index.html",
            "",
        ),
        ("var.x = \".sq\" + \"l\"\nurl.access-deny += ( var.x )", "GET /d.sql", "lighttpd.access-deny"),
        ("", "GET /d/", "lighttpd.no-index"),
        ("dir-listing.activate = \"enable\"", "GET /d/", ""),
    ];
    for (lines, request, wanted) in cases {
        let text = format!(
            "server.modules = (\"mod_access\")\nserver.port = 8080\nserver.username = \"nobody\"\nserver.document-root = \"@@/www\"\nindex-file.names = (\"index.html\")\n{lines}\n"
        );
        let folder =
            Folder::new(&[("lighttpd/lighttpd.conf", &text), ("www/index.html", "x"), ("www/d/x.txt", "x")]);
        assert_eq!(
            top(&folder.ask(&["lighttpd/lighttpd.conf"], request, &[])),
            wanted,
            "{request} with {lines}"
        );
    }
}
