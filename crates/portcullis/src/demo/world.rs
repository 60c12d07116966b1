//! The demo's folder: the files of `demo/` in the source tree with this run's addresses filled in.

use std::net::SocketAddr;
use std::path::Path;

use crate::cli::init;
use crate::load::{self, Parts};
use crate::report;

use super::{DemoError, geo, io};

/// What is filled in.
pub(super) struct Addresses<'a> {
    pub(super) listen: SocketAddr,
    pub(super) admin: SocketAddr,
    pub(super) origin: &'a str,
    pub(super) issuer: &'a str,
}

const FILES: &[(&str, &str)] = &[
    ("portcullis.toml", include_str!("../../../../demo/portcullis.toml")),
    ("policies/shop.cedar", include_str!("../../../../demo/policies/shop.cedar")),
    ("policies/shop.test.toml", include_str!("../../../../demo/policies/shop.test.toml")),
    ("directory/people.toml", include_str!("../../../../demo/directory/people.toml")),
];

/// Writes the folder and returns the admin token.
pub(super) fn write(folder: &Path, addresses: &Addresses<'_>) -> Result<String, DemoError> {
    let now = jiff::Timestamp::now().to_string();
    for (name, text) in FILES {
        let text = text
            .replace("@LISTEN@", &addresses.listen.to_string())
            .replace("@ADMIN@", &addresses.admin.to_string())
            .replace("@ORIGIN@", addresses.origin)
            .replace("@ISSUER@", addresses.issuer)
            .replace("@NOW@", &now);
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io("make a folder"))?;
        }
        std::fs::write(path, text).map_err(io("write the demo's configuration"))?;
    }
    geo::write(&folder.join("geo"))?;
    let token = init::token().map_err(|fault| DemoError::World(fault.to_owned()))?;
    write_secret(&folder.join("secrets"), "admin-token", &token).map_err(io("write the admin token"))?;
    Ok(token)
}

fn write_secret(folder: &Path, name: &str, secret: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::create_dir_all(folder)?;
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(folder.join(name))?;
    std::io::Write::write_all(&mut file, secret.as_bytes())
}

/// Loads the folder as `run` would.
pub(super) fn load(folder: &Path) -> Result<Parts, DemoError> {
    let loaded = load::load_all(&folder.join("portcullis.toml"));
    loaded.parts.ok_or_else(|| DemoError::Configuration(report::plain(&loaded.findings)))
}

#[cfg(test)]
mod tests {
    use super::{Addresses, load, write};
    use crate::rehearsal::Compiled;

    #[test]
    fn the_demos_policies_pass_their_tests() {
        let folder = tempfile::tempdir().unwrap();
        let listen = ([127, 0, 0, 1], 8080).into();
        let admin = ([127, 0, 0, 1], 8081).into();
        let (origin, issuer) = ("http://127.0.0.1:9", "http://127.0.0.1:8");
        write(folder.path(), &Addresses { listen, admin, origin, issuer }).unwrap();
        let parts = load(folder.path()).unwrap();
        let compiled = Compiled::of(&parts).unwrap();
        let setting = compiled.setting(&parts);
        let severity = miette::Severity::Error;
        let (suite, findings) = portcullis_rehearse::trial::Suite::load(&setting, &parts.tests, severity);
        assert!(findings.is_empty(), "{findings:?}");
        assert!(suite.cases.len() > 10);
        let failed: Vec<_> = suite.run(&setting).into_iter().filter(|ran| !ran.passed()).collect();
        assert!(failed.is_empty(), "{failed:?}");
    }
}
