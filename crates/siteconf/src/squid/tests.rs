use crate::testing::{Folder, top};

const RULES: &str = "http_port 3128\nacl Safe_ports port 80 443\nacl SSL_ports port 443\nacl games dstdomain .games.test\n\
    http_access deny !Safe_ports\nhttp_access deny CONNECT !SSL_ports\nhttp_access deny games\nhttp_access allow localhost\nhttp_access deny all\n";

#[test]
fn the_first_rule_that_matches_decides() {
    let folder = Folder::new(&[("squid/squid.conf", RULES)]);
    let cases = [
        ("GET http://www.games.test/", "squid.acl-deny"),
        ("GET http://games.test:8443/", "squid.unsafe-port"),
        ("GET http://work.test/", "app.unspecified?"),
    ];
    for (request, wanted) in cases {
        assert_eq!(top(&folder.ask(&["squid/squid.conf"], request, &[])), wanted, "{request}");
    }
}
