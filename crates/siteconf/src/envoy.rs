//! Envoy: the listener, its HTTP filters in order, the route that matches; what refuses, and the cluster that the request
//! is passed on to.

mod rbac;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::beside;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::logs::{self, AccessLine};
use crate::pattern;
use crate::report::{Clue, Place, Server, Strength};
use crate::site::{Judgement, Next, Role, Site};
use crate::source::Files;

/// One configuration.
#[derive(Debug)]
pub(crate) struct Envoy {
    root: PathBuf,
    text: String,
    value: Value,
}

/// A member of a mapping, by any of its names.
pub(crate) fn get<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, name| value.get(*name).unwrap_or(&Value::Null))
}

/// The elements of a list; none if it is not one.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

impl Envoy {
    /// Reads a root. YAML that cannot be understood is a fault, and nothing is known of the server then.
    pub(crate) fn read(root: &Path, files: &mut Files) -> Envoy {
        let text = files.text(root, None).unwrap_or_default();
        let value = match serde_saphyr::from_str::<Value>(&text) {
            Ok(value) => value,
            Err(fault) => {
                let said = fault.to_string();
                files.fault(None, root, format!("not YAML: {}", said.lines().next().unwrap_or("")));
                Value::Null
            }
        };
        Envoy { root: root.to_path_buf(), text, value }
    }

    fn listeners(&self) -> impl Iterator<Item = &Value> {
        list(get(&self.value, &["static_resources", "listeners"])).iter()
    }

    /// The line in which a name stands, the best that can be said of a parsed tree.
    fn place(&self, name: &str) -> Option<Place> {
        let at = self.text.lines().position(|line| line.contains(name))?;
        Some(Place { file: self.root.clone(), line: u32::try_from(at + 1).unwrap_or(0) })
    }

    fn cluster(&self, name: &str) -> Vec<(String, u16)> {
        let clusters = list(get(&self.value, &["static_resources", "clusters"])).iter();
        let found = clusters.filter(|cluster| text(get(cluster, &["name"])) == name);
        found
            .flat_map(|cluster| list(get(cluster, &["load_assignment", "endpoints"])))
            .flat_map(|group| list(get(group, &["lb_endpoints"])))
            .map(|endpoint| get(endpoint, &["endpoint", "address", "socket_address"]))
            .map(|address| (text(get(address, &["address"])).to_owned(), port(address)))
            .take(32)
            .collect()
    }
}

fn port(address: &Value) -> u16 {
    get(address, &["port_value"]).as_u64().and_then(|port| u16::try_from(port).ok()).unwrap_or(0)
}

/// The HTTP connection managers of a listener.
fn managers(listener: &Value) -> impl Iterator<Item = &Value> {
    let chains = list(get(listener, &["filter_chains"])).iter().chain(listener.get("default_filter_chain"));
    let filters = chains.flat_map(|chain| list(get(chain, &["filters"])));
    filters
        .filter(|filter| {
            text(get(filter, &["name"])).contains("http_connection_manager")
                || kind(filter).ends_with("HttpConnectionManager")
        })
        .map(|filter| get(filter, &["typed_config"]))
}

/// The type of a filter's configuration.
fn kind(filter: &Value) -> &str {
    text(get(filter, &["typed_config", "@type"]))
}

impl Site for Envoy {
    fn kind(&self) -> &'static str {
        "envoy"
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn listens(&self, address: &str, wanted: u16) -> Truth {
        let mut listeners = self.listeners().peekable();
        if listeners.peek().is_none() {
            return Truth::Unknown;
        }
        Truth::from(listeners.map(|listener| get(listener, &["address", "socket_address"])).any(|socket| {
            port(socket) == wanted && crate::hop::same_place(text(get(socket, &["address"])), address)
        }))
    }

    fn judge(&self, hop: &Hop, _files: &mut Files) -> Judgement {
        let by_port =
            self.listeners().find(|listener| port(get(listener, &["address", "socket_address"])) == hop.port);
        let Some(listener) = by_port.or_else(|| self.listeners().next()) else { return Judgement::default() };
        let Some(manager) = managers(listener).next() else { return Judgement::default() };
        let host = virtual_host(manager, hop);
        let route = host.and_then(|host| {
            list(get(host, &["routes"]))
                .iter()
                .find(|route| matches(get(route, &["match"]), hop) != Truth::No)
        });
        let details = self.details(manager, hop);
        let mut way =
            Way { site: self, hop, clues: Vec::new(), next: Vec::new(), ended: false, route, host, details };
        for filter in list(get(manager, &["http_filters"])) {
            if !way.ended {
                way.filter(filter);
            }
        }
        if !way.ended {
            way.routed();
        }
        way.by_details();
        let section = format!(
            "listener {} > virtual host {}{}",
            text(get(listener, &["name"])),
            host.map_or("(none)", |host| text(get(host, &["name"]))),
            route.map_or_else(String::new, |route| format!(" > route {}", get(route, &["match"])))
        );
        let server = Server {
            kind: "envoy".to_owned(),
            root: self.root.clone(),
            section,
            place: host.and_then(|host| self.place(text(get(host, &["name"])))),
            file: None,
            next: way.next.iter().map(|next| next.label.clone()).collect(),
        };
        Judgement { clues: way.clues, server: Some(server), next: way.next }
    }
}

/// Exact domain, suffix, prefix, star.
fn virtual_host<'v>(manager: &'v Value, hop: &Hop) -> Option<&'v Value> {
    let authority = hop.header("Host").unwrap_or("").to_ascii_lowercase();
    let bare = hop.host();
    let rank = |domain: &str| -> Option<(u8, usize)> {
        let domain = domain.to_ascii_lowercase();
        if domain == authority || domain == bare {
            Some((4, 0))
        } else if domain == "*" {
            Some((1, 0))
        } else if let Some(suffix) = domain.strip_prefix('*') {
            (authority.ends_with(suffix) || bare.ends_with(suffix)).then_some((3, suffix.len()))
        } else {
            domain
                .strip_suffix('*')
                .filter(|prefix| authority.starts_with(prefix))
                .map(|prefix| (2, prefix.len()))
        }
    };
    let hosts = list(get(manager, &["route_config", "virtual_hosts"])).iter();
    hosts
        .filter_map(|host| {
            list(get(host, &["domains"]))
                .iter()
                .filter_map(|domain| rank(text(domain)))
                .max()
                .map(|rank| (rank, host))
        })
        .max_by_key(|(rank, _)| *rank)
        .map(|(_, host)| host)
}

/// Whether a route's match fits.
fn matches(rule: &Value, hop: &Hop) -> Truth {
    let path = hop.raw_path();
    let folded = get(rule, &["case_sensitive"]).as_bool() == Some(false);
    let fold = |text: &str| if folded { text.to_lowercase() } else { text.to_owned() };
    let path_truth = if let Some(prefix) = rule.get("prefix").and_then(Value::as_str) {
        Truth::from(fold(path).starts_with(&fold(prefix)))
    } else if let Some(exact) = rule.get("path").and_then(Value::as_str) {
        Truth::from(fold(path) == fold(exact))
    } else if let Some(prefix) = rule.get("path_separated_prefix").and_then(Value::as_str) {
        Truth::from(path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    } else if let Some(regex) = get(rule, &["safe_regex", "regex"]).as_str() {
        pattern::matches(&format!("^(?:{regex})$"), false, path)
    } else {
        Truth::Unknown
    };
    let headers = list(get(rule, &["headers"]))
        .iter()
        .map(|header| rbac::header(header, hop))
        .fold(Truth::Yes, Truth::and);
    let queries = list(get(rule, &["query_parameters"])).iter().map(|query| {
        let value = hop.argument(text(get(query, &["name"])));
        match value {
            None => Truth::No,
            Some(value) => {
                query.get("string_match").map_or(Truth::Yes, |matcher| rbac::string(matcher, value))
            }
        }
    });
    path_truth.and(headers).and(queries.fold(Truth::Yes, Truth::and))
}

struct Way<'v, 'h> {
    site: &'v Envoy,
    hop: &'h Hop,
    clues: Vec<Clue>,
    next: Vec<Next>,
    ended: bool,
    route: Option<&'v Value>,
    host: Option<&'v Value>,
    /// What the access log says of the refusal.
    details: Option<(String, Place)>,
}

impl<'v> Way<'v, '_> {
    /// The configuration that the route or virtual host puts in a filter's place.
    fn own_config(&self, name: &str) -> Option<&'v Value> {
        [self.route, self.host]
            .into_iter()
            .flatten()
            .find_map(|level| get(level, &["typed_per_filter_config"]).get(name))
    }

    fn filter(&mut self, filter: &'v Value) {
        let name = text(get(filter, &["name"]));
        let kind = kind(filter);
        let own = self.own_config(name);
        if filter.get("disabled").and_then(Value::as_bool) == Some(true)
            || own.is_some_and(|own| get(own, &["disabled"]).as_bool() == Some(true))
        {
            return;
        }
        let config = get(filter, &["typed_config"]);
        if kind.ends_with(".RBAC") || name.ends_with(".rbac") {
            let rules = match own {
                Some(own) => get(own, &["rbac", "rules"]),
                None => get(config, &["rules"]),
            };
            self.rbac(rules, name);
        } else if kind.ends_with(".ExtAuthz") || name.ends_with(".ext_authz") {
            self.ext_authz(config, name);
        } else if kind.ends_with(".CsrfPolicy") || name.ends_with(".csrf") {
            self.csrf(own.unwrap_or(config), name);
        } else if kind.ends_with(".Lua") || name.ends_with(".lua") {
            let code = config.to_string();
            if code.contains("403") && code.contains("respond") {
                let said = "a Lua filter can answer 403 by `respond`";
                self.clues.push(
                    Clue::new("envoy.direct-response", Strength::Suggestive, said).at(self.site.place(name)),
                );
            }
        }
    }

    fn rbac(&mut self, rules: &Value, name: &str) {
        if rules.is_null() {
            return;
        }
        let (truth, policy) = rbac::refuses(rules, self.hop);
        if truth == Truth::No {
            return;
        }
        let strength = if truth == Truth::Yes { Strength::Decisive } else { Strength::Strong };
        let (said, place) = match &policy {
            Some(policy) => (
                format!("the RBAC policy `{policy}` (action DENY) matches the request"),
                self.site.place(policy),
            ),
            None => ("no RBAC policy (action ALLOW) matches the request".to_owned(), self.site.place(name)),
        };
        let fix = match policy {
            Some(policy) => format!("narrow the policy `{policy}`"),
            None => format!(
                "add a permission for {} {} with the caller as principal to a policy",
                self.hop.method,
                self.hop.raw_path()
            ),
        };
        let names: Vec<&String> = get(rules, &["policies"])
            .as_object()
            .map(|policies| policies.keys().collect())
            .unwrap_or_default();
        self.clues.push(
            Clue::new("envoy.rbac", strength, said)
                .at(place)
                .quoting(Some(format!("policies: {names:?}")))
                .fixed_by([fix]),
        );
        self.ended |= truth == Truth::Yes;
    }

    fn ext_authz(&mut self, config: &'v Value, name: &str) {
        let cluster = [
            &["http_service", "server_uri", "cluster"][..],
            &["grpc_service", "envoy_grpc", "cluster_name"][..],
        ]
        .into_iter()
        .map(|path| text(get(config, path)))
        .find(|name| !name.is_empty())
        .unwrap_or("");
        for (address, port) in self.site.cluster(cluster) {
            let mut hop = self.hop.onward(&address, port);
            let prefix = text(get(config, &["http_service", "path_prefix"]));
            hop.target = format!("{prefix}{}", hop.target);
            let refused = match self.named() {
                Some("envoy.ext_authz") => Truth::Yes,
                Some(_) => Truth::No,
                None => Truth::Unknown,
            };
            self.next.push(Next {
                label: format!("{address}:{port}"),
                hop,
                socket: None,
                role: Role::Authorizer,
                refused,
            });
        }
        if self.next.is_empty() {
            let said = format!("`{name}` asks the cluster `{cluster}`, of which no address is known here");
            self.clues.push(Clue::new("envoy.ext_authz", Strength::Strong, said).at(self.site.place(name)));
        }
    }

    /// Origin against destination, for methods that change something.
    fn csrf(&mut self, config: &Value, name: &str) {
        if !matches!(self.hop.method.as_str(), "POST" | "PUT" | "DELETE" | "PATCH") {
            return;
        }
        let enabled = get(config, &["filter_enabled", "default_value", "numerator"]).as_u64();
        if enabled == Some(0) {
            return;
        }
        let origin = self.hop.header("Origin").or_else(|| self.hop.header("Referer")).unwrap_or("");
        let bare = origin.split_once("://").map_or(origin, |(_, rest)| rest).split('/').next().unwrap_or("");
        let own = self.hop.header("Host").unwrap_or("");
        let listed = list(get(config, &["additional_origins"]))
            .iter()
            .map(|matcher| rbac::string(matcher, bare))
            .fold(Truth::No, Truth::or);
        if bare == own || listed == Truth::Yes {
            return;
        }
        let said =
            format!("the csrf filter wants an Origin equal to `{own}`, and the request has `{origin}`");
        self.clues.push(
            Clue::new("envoy.csrf", Strength::Decisive, said).at(self.site.place(name)).fixed_by([format!(
                "additional_origins: [{{ exact: \"{bare}\" }}], or keep Host as the browser sent it"
            )]),
        );
        self.ended = true;
    }

    fn routed(&mut self) {
        let Some(route) = self.route else { return };
        if let Some(status) = get(route, &["direct_response", "status"]).as_u64() {
            if status == 403 {
                let rule = get(route, &["match"]);
                let prefix = ["prefix", "path", "path_separated_prefix"]
                    .iter()
                    .map(|name| text(get(rule, &[name])))
                    .find(|text| !text.is_empty())
                    .unwrap_or("direct_response");
                let said = format!("the route that matches ({rule}) answers 403 itself");
                self.clues.push(
                    Clue::new("envoy.direct-response", Strength::Decisive, said)
                        .at(self.site.place(prefix))
                        .quoting(Some(route.to_string()))
                        .fixed_by(
                            ["change or reorder the route: the first one that matches wins".to_owned()],
                        ),
                );
            }
            self.ended = true;
            return;
        }
        let action = get(route, &["route"]);
        let weighted =
            list(get(action, &["weighted_clusters", "clusters"])).iter().map(|one| text(get(one, &["name"])));
        let names: Vec<&str> = Some(text(get(action, &["cluster"])))
            .filter(|name| !name.is_empty())
            .into_iter()
            .chain(weighted)
            .collect();
        for (address, port) in names.into_iter().flat_map(|name| self.site.cluster(name)) {
            let mut hop = self.hop.onward(&address, port);
            if let Some(prefix) = get(action, &["prefix_rewrite"]).as_str() {
                let own = text(get(route, &["match", "prefix"]));
                hop.target = format!("{prefix}{}", hop.target.strip_prefix(own).unwrap_or(""));
            }
            if let Some(host) = get(action, &["host_rewrite_literal"]).as_str() {
                hop.set_header("Host", host);
            }
            let refused = match (self.named(), &self.details) {
                (Some(_), _) => Truth::No,
                (None, Some((line, _))) if line.contains("via_upstream") => Truth::Yes,
                _ => Truth::Unknown,
            };
            self.next.push(Next {
                label: format!("{address}:{port}"),
                hop,
                socket: None,
                role: Role::Origin,
                refused,
            });
        }
    }

    /// The cause that the access log's details or flags name.
    fn named(&self) -> Option<&'static str> {
        let (line, _) = self.details.as_ref()?;
        let words = [
            ("rbac_access_denied", "envoy.rbac"),
            ("ext_authz", "envoy.ext_authz"),
            // The flag for a refusal by an external authorizer.
            (" UAEX ", "envoy.ext_authz"),
            ("direct_response", "envoy.direct-response"),
            ("csrf", "envoy.csrf"),
        ];
        words.iter().find(|(word, _)| line.contains(word)).map(|(_, cause)| *cause)
    }

    /// What the access log's details name is what happened.
    fn by_details(&mut self) {
        let Some((line, place)) = self.details.clone() else { return };
        let Some(cause) = self.named() else { return };
        for clue in &mut self.clues {
            if clue.cause == cause {
                clue.strength = Strength::Decisive;
                clue.quote = Some(logs::quote(&line));
                return;
            }
            clue.strength = clue.strength.min(Strength::Suggestive);
        }
        if cause != "envoy.ext_authz" {
            self.clues.push(
                Clue::new(cause, Strength::Decisive, "Envoy's access log names the filter that refused")
                    .at(Some(place))
                    .quoting(Some(logs::quote(&line))),
            );
        }
    }
}

impl Envoy {
    /// The line of an access log about the refusal.
    fn details(&self, manager: &Value, hop: &Hop) -> Option<(String, Place)> {
        let named = list(get(manager, &["access_log"]))
            .iter()
            .map(|log| PathBuf::from(text(get(log, &["typed_config", "path"]))));
        for path in named.chain(beside::logs(&self.root, "envoy")) {
            let lines = logs::with_rotated(&path).unwrap_or_default();
            let wanted = format!("{} {} ", hop.method, hop.target);
            let about = |line: &&(usize, &String)| {
                let line = line.1;
                let plain = line.contains(&wanted) && line.contains("403");
                plain
                    || AccessLine::guess(line)
                        .is_some_and(|own| own.status == 403 && own.target == hop.target)
            };
            let all: Vec<(usize, &String)> = lines.iter().enumerate().collect();
            if let Some((at, line)) = all.iter().rev().find(about) {
                let place = Place { file: path.clone(), line: u32::try_from(at + 1).unwrap_or(0) };
                return Some(((*line).clone(), place));
            }
        }
        None
    }
}
