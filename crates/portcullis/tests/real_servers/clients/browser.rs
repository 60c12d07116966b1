//! A browser that loads a page through the gate, and talks over WebSockets from there.

use crate::dump;
use crate::gate::{Gate, origin};

#[test]
fn a_browser_talks_over_websockets() {
    let (_origin, port) = origin();
    let gate = Gate::start(&format!(
        "[[app]]\nname = \"shop\"\nhosts = [\"localhost\"]\nupstream = \"http://127.0.0.1:{port}\"\n\
         access = \"anyone\"\n[[app.route]]\nname = \"everything\"\npath = \"/**\"\n\
         [[app.route]]\nname = \"staff\"\npath = \"/staff/**\"\naccess = \"identified\"\n"
    ));
    let page = dump(gate.folder.path(), &format!("http://localhost:{}/page", gate.address.port()));
    // The page's own script put it there.
    assert!(page.contains("<title>echoed: through the gate; staff: refused</title>"), "{page}");

    let decided = |path: &str| {
        let decisions = gate.log("decision");
        let found = decisions.iter().find(|line| line["request"]["path"] == path);
        found.unwrap_or_else(|| panic!("no decision about {path}"))["status"].clone()
    };
    assert_eq!(decided("/staff/socket"), 401);
    assert_ne!(decided("/socket"), 401);
}
