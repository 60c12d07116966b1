//! Vulnerability scanners: addresses that ask for what nobody else does and get nothing.
//!
//! An address is a scanner if a good part of what it asks for are places where secrets and panels lie, and next to nothing
//! that it asked for was given. Who is refused on one such path but uses the site otherwise is no scanner.

use std::collections::HashMap;

use super::Study;

/// Marks of paths that scanners look for.
const PROBES: &[&str] = &[
    "/.env",
    "/.git",
    "/.svn",
    "/.hg",
    "/.aws",
    "/.ssh",
    "/.ds_store",
    "/.vscode",
    "/.htpasswd",
    "/.htaccess",
    "/.docker",
    "/.kube",
    "/.npmrc",
    "/wp-login",
    "/wp-admin",
    "/wp-content/plugins",
    "/wp-includes",
    "/wp-config",
    "/wp-json/wp/v2/users",
    "/xmlrpc.php",
    "/phpmyadmin",
    "/pma/",
    "/myadmin",
    "/adminer",
    "/phpinfo",
    "/info.php",
    "/shell",
    "/cgi-bin/",
    "/vendor/phpunit",
    "/eval-stdin",
    "/actuator",
    "/server-status",
    "/server-info",
    "/solr/",
    "/boaform",
    "/hnap1",
    "/owa/",
    "/ecp/",
    "/autodiscover",
    "/manager/html",
    "/jenkins",
    "/console/",
    "/telescope",
    "/_ignition",
    "/debug/",
    "/backup",
    "/dump.sql",
    "/db.sql",
    "/database.sql",
    ".sql",
    ".bak",
    ".old",
    "/config.json",
    "/config.php",
    "/config.yml",
    "/configuration.php",
    "/credentials",
    "/id_rsa",
    "/etc/passwd",
    "/admin.php",
    "/administrator",
    "/setup.php",
    "/install.php",
    "/login.action",
    "/struts",
    "/druid/",
    "/nacos/",
    "/geoserver",
    "/remote/fgt_lang",
    "/dana-na",
    "/sslvpn",
    "/vpn/",
    "/sdk",
    "/webfig",
    "/goform",
    "/luci",
    "/tomcat",
    "/jmx-console",
    "/invoker",
    "/axis2",
    "/.well-known/../",
    "/aaa9",
    "/aab8",
    "/sitecore",
    "/web.config",
    "/elmah.axd",
    "/trace.axd",
    "/swagger",
    "/v2/_catalog",
    "/_all_dbs",
    "/_cat/",
    "/api/jsonws",
    "/portal/redlion",
];

/// Whether a path is one that scanners look for.
pub(crate) fn is_probe(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    PROBES.iter().any(|probe| path.contains(probe))
}

/// What scanners did.
#[derive(Debug, Default)]
pub(crate) struct Scanners {
    /// Whether each row is a scanner's.
    pub(crate) rows: Vec<bool>,
    /// Addresses.
    pub(crate) addresses: usize,
    /// Their requests, and those refused, as lines.
    pub(crate) requests: f64,
    pub(crate) refused: f64,
    /// The busiest addresses, with their refusals.
    pub(crate) busiest: Vec<(u128, f64)>,
    /// The paths they were refused most, with how often.
    pub(crate) paths: Vec<(String, f64)>,
}

#[derive(Default, Clone, Copy)]
struct Seen {
    requests: f64,
    probes: f64,
    given: f64,
}

impl Scanners {
    /// Finds them.
    pub(crate) fn of(study: &Study) -> Self {
        let probes: Vec<bool> = study.paths.strings.iter().map(|path| is_probe(path)).collect();
        let probe = |at: usize| {
            study.path_of.get(at).and_then(|path| probes.get(*path as usize)).copied().unwrap_or(false)
        };
        let mut seen: HashMap<u128, Seen, ahash::RandomState> = HashMap::default();
        for (at, row) in study.rows.iter().enumerate() {
            let Some(address) = row.address else { continue };
            let weight = study.weight(row);
            let seen = seen.entry(address).or_default();
            seen.requests += weight;
            seen.probes += if probe(at) { weight } else { 0.0 };
            seen.given += if row.status < 400 { weight } else { 0.0 };
        }
        let is_scanner =
            |seen: &Seen| seen.probes >= 0.3 * seen.requests && seen.given <= 0.1 * seen.requests;
        let mut scanners = Self::default();
        let mut busiest: HashMap<u128, f64, ahash::RandomState> = HashMap::default();
        let mut paths: HashMap<u32, f64, ahash::RandomState> = HashMap::default();
        for (row, path) in study.rows.iter().zip(&study.path_of) {
            let address = row.address.filter(|address| seen.get(address).is_some_and(is_scanner));
            scanners.rows.push(address.is_some());
            let Some(address) = address else { continue };
            let weight = study.weight(row);
            scanners.requests += weight;
            let count = busiest.entry(address).or_default();
            if row.refused {
                *count += weight;
                scanners.refused += weight;
                *paths.entry(*path).or_default() += weight;
            }
        }
        scanners.addresses = busiest.len();
        scanners.busiest = most(busiest, 8);
        let named =
            |(path, count): (u32, f64)| Some((study.paths.strings.get(path as usize)?.clone(), count));
        scanners.paths = most(paths, 8).into_iter().filter_map(named).collect();
        scanners
    }

    /// The rows that are no scanner's.
    pub(crate) fn others(&self) -> Vec<u32> {
        (0u32..).zip(&self.rows).filter(|(_, scanner)| !**scanner).map(|(row, _)| row).collect()
    }
}

fn most<K: Ord + Copy>(counts: HashMap<K, f64, ahash::RandomState>, most: usize) -> Vec<(K, f64)> {
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(most);
    counts
}
