//! Where nginx sends a request on to, and what it changes in it: upstreams, authorizers, PHP.

use std::path::{Path, PathBuf};

use super::Nginx;
use super::choose::{self, Levels, inherited, inherited_all, modifier};
use super::grammar::Directive;
use super::phases::Phases;
use super::variables::Variables;
use crate::accessed::Accessed;
use crate::condition::Truth;
use crate::hop::Hop;
use crate::report::{Clue, Strength};
use crate::site::{Next, Role};

/// What PHP-FPM runs unless its pool says otherwise.
pub(crate) const PHP_EXTENSIONS: [&str; 2] = [".php", ".phar"];

/// Where the request goes from here.
pub(crate) fn next(site: &Nginx, phases: &Phases<'_, '_>, hop: &Hop, accessed: &Accessed) -> Vec<Next> {
    let mut found = Vec::new();
    if let Some(asks) = phases.asks {
        found.extend(authorizer(site, phases, asks, accessed));
    }
    if let Some(passes) = phases.passes.filter(|_| !phases.certainly_refused()) {
        found.extend(passed(site, &phases.variables, passes, hop, accessed));
    }
    found
}

/// The subrequest that `auth_request` makes, followed to where it is answered.
fn authorizer(site: &Nginx, phases: &Phases<'_, '_>, asks: &Directive, accessed: &Accessed) -> Vec<Next> {
    let variables = &phases.variables;
    let Some(uri) = variables.expand(asks.arg(0)).text else { return Vec::new() };
    let mut hop = variables.hop.clone();
    hop.method = "GET".to_owned();
    hop.target.clone_from(&uri);
    let located = choose::location(phases.chosen.server.children(), uri.split('?').next().unwrap_or(&uri));
    let mut levels: Levels<'_> = vec![&site.tree, site.http(), phases.chosen.server.children()];
    levels.extend(located.path.iter().map(|location| location.children()));
    let sub = Variables {
        hop: &hop,
        levels,
        http: site.http(),
        uri: uri.clone(),
        args: variables.args.clone(),
        set: variables.set.clone(),
        captures: located.captures,
        server_name: variables.server_name.clone(),
    };
    let mut next = match super::content::passes(&sub) {
        Some(passes) => passed(site, &sub, passes, &hop, &Accessed::default()),
        None => vec![Next {
            label: format!("subrequest {uri}"),
            hop: hop.clone(),
            socket: None,
            role: Role::Authorizer,
            refused: Truth::Unknown,
        }],
    };
    // No upstream was asked for the request itself: the authorizer's answer ended it.
    let ended = accessed.refused.as_ref().is_some_and(|line| {
        line.upstream_status == "-" || line.upstream_status == "403" && phases.passes.is_none()
    });
    for next in &mut next {
        next.role = Role::Authorizer;
        next.refused = if ended { Truth::Yes } else { Truth::Unknown };
    }
    next
}

/// The upstream's addresses, with the request as it arrives there.
fn passed(
    site: &Nginx,
    variables: &Variables<'_, '_>,
    passes: &Directive,
    hop: &Hop,
    accessed: &Accessed,
) -> Vec<Next> {
    let Some(text) = variables.expand(passes.arg(0)).text else { return Vec::new() };
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", &text));
    let (place, path) = match rest.strip_prefix("unix:") {
        Some(socket) => (
            format!("unix:{}", socket.split(':').next().unwrap_or(socket)),
            socket.split_once(':').map(|(_, path)| path.to_owned()),
        ),
        None => match rest.find('/') {
            Some(at) => (rest.get(..at).unwrap_or(rest).to_owned(), rest.get(at..).map(str::to_owned)),
            None => (rest.to_owned(), None),
        },
    };
    let members = members(site, &place);
    let refused = |member: &str| match accessed.refused.as_ref() {
        Some(line) if line.upstream.is_empty() && line.upstream_status == "403" => Truth::Yes,
        Some(line) if line.upstream == member && line.upstream_status == "403" => Truth::Yes,
        Some(line) if line.upstream_status == "-" => Truth::No,
        Some(line) if !line.upstream.is_empty() && line.upstream != member => Truth::No,
        _ => Truth::Unknown,
    };
    let php = passes.name == "fastcgi_pass";
    members
        .iter()
        .map(|member| {
            let (address, port) = address(member, scheme);
            let mut next = hop.onward(&address, port);
            next.scheme = scheme.to_owned();
            next.target = target(variables, passes, path.as_deref());
            headers(variables, passes, &place, &mut next);
            if php {
                next.target = variables.uri.clone();
                next.set_header("x-script-filename", &script(variables));
            }
            Next {
                label: member.clone(),
                socket: member.strip_prefix("unix:").map(PathBuf::from),
                hop: next,
                role: if php { Role::Php } else { Role::Origin },
                refused: refused(member),
            }
        })
        .collect()
}

/// The servers of an upstream, or the one address that is named.
fn members(site: &Nginx, place: &str) -> Vec<String> {
    let upstream =
        site.http().iter().find(|directive| directive.name == "upstream" && directive.arg(0) == place);
    match upstream {
        Some(upstream) => upstream
            .children()
            .iter()
            .filter(|inner| {
                inner.name == "server" && !inner.args.iter().any(|arg| arg == "down" || arg == "backup")
            })
            .map(|inner| inner.arg(0).to_owned())
            .take(32)
            .collect(),
        None => vec![place.to_owned()],
    }
}

fn address(member: &str, scheme: &str) -> (String, u16) {
    let usual = if scheme == "https" { 443 } else { 80 };
    match member.rsplit_once(':') {
        Some((address, port)) if !member.starts_with("unix:") => match port.parse() {
            Ok(port) => (address.to_owned(), port),
            Err(_) => (member.to_owned(), usual),
        },
        _ => (member.to_owned(), usual),
    }
}

/// The target as it is sent on: as it came, or with the location's prefix replaced.
fn target(variables: &Variables<'_, '_>, passes: &Directive, path: Option<&str>) -> String {
    let query = if variables.args.is_empty() { String::new() } else { format!("?{}", variables.args) };
    let Some(path) = path else {
        let changed = variables.uri != variables.hop.path();
        return if changed { format!("{}{query}", variables.uri) } else { variables.hop.target.clone() };
    };
    if passes.arg(0).contains('$') {
        return path.to_owned();
    }
    let location = variables.levels.iter().flat_map(|level| level.iter()).find(|directive| {
        directive.name == "location" && directive.children().iter().any(|inner| std::ptr::eq(inner, passes))
    });
    let prefix =
        location.map(modifier).filter(|(kind, _)| !kind.starts_with('~')).map_or("", |(_, prefix)| prefix);
    let rest = variables.uri.strip_prefix(prefix).unwrap_or("");
    format!("{path}{rest}{query}")
}

/// Header fields as they are sent on. nginx names the upstream itself as host unless told otherwise.
fn headers(variables: &Variables<'_, '_>, passes: &Directive, place: &str, next: &mut Hop) {
    let module = passes.name.split('_').next().unwrap_or("proxy");
    if module == "proxy" {
        next.set_header("Host", place);
    }
    // nginx adds no forwarded address by itself.
    let before = variables.hop.header("X-Forwarded-For").unwrap_or("").to_owned();
    next.set_header("X-Forwarded-For", &before);
    for directive in inherited_all(&variables.levels, &[&format!("{module}_set_header")]) {
        if let Some(value) = variables.expand(directive.arg(1).replace("$proxy_host", place).as_str()).text {
            next.set_header(directive.arg(0), &value);
        }
    }
    if inherited(&variables.levels, &format!("{module}_pass_request_headers"))
        .is_some_and(|flag| flag.arg(0) == "off")
    {
        next.headers.retain(|(name, _)| name.eq_ignore_ascii_case("Host"));
    }
    if let Some(method) = inherited(&variables.levels, &format!("{module}_method")) {
        next.method = method.arg(0).to_ascii_uppercase();
    }
}

/// The script that PHP is told to run.
fn script(variables: &Variables<'_, '_>) -> String {
    let told = inherited_all(&variables.levels, &["fastcgi_param"]);
    let directive = told.iter().rev().find(|directive| directive.arg(0) == "SCRIPT_FILENAME");
    let mut uri = variables.uri.clone();
    if uri.ends_with('/') {
        let index = inherited(&variables.levels, "fastcgi_index").map_or("", |directive| directive.arg(0));
        uri.push_str(index);
    }
    if let Some(split) = inherited(&variables.levels, "fastcgi_split_path_info")
        && let Some(captures) =
            crate::pattern::Pattern::new(split.arg(0), false).and_then(|pattern| pattern.captures(&uri))
        && let Some((_, script)) = captures.get(1)
    {
        uri.clone_from(script);
    }
    let text = directive.map_or("$document_root$fastcgi_script_name", |directive| directive.arg(1));
    let text = text.replace("$fastcgi_script_name", &uri).replace("${fastcgi_script_name}", &uri);
    variables.expand(&text).text.unwrap_or(text)
}

/// The script that PHP-FPM really opens: of `a.jpg/b.php`, the part that is a file.
pub(crate) fn opened(script: &str) -> PathBuf {
    let mut path = PathBuf::from(script);
    while !path.is_file() && path.components().count() > 2 {
        if !path.pop() {
            break;
        }
    }
    if path.is_file() { path } else { PathBuf::from(script) }
}

/// PHP-FPM's refusal to run what does not end as scripts do.
pub(crate) fn script_refused(script: &Path, strength: Strength) -> Clue {
    let said = format!(
        "PHP-FPM runs only files that end as `security.limit_extensions` says, and `{}` does not",
        script.display()
    );
    Clue::new("phpfpm.limit-extensions", strength, said).fixed_by([
        "location ~ \\.php$ { try_files $uri =404; fastcgi_pass …; }  (pass only scripts on)".to_owned(),
        "serve other files by nginx itself: location / { try_files $uri $uri/ /index.php?$query_string; }"
            .to_owned(),
    ])
}

/// One member of a pool refuses, others do not.
pub(crate) fn balance(phases: &Phases<'_, '_>, accessed: &Accessed, hop: &Hop) -> Vec<Clue> {
    let Some(passes) = phases.passes else { return Vec::new() };
    accessed.one_of_many(passes.place.clone(), hop).into_iter().collect()
}

/// A cache in nginx itself that keeps refusals.
pub(crate) fn cached(phases: &Phases<'_, '_>, accessed: &Accessed) -> Option<Clue> {
    let levels = &phases.variables.levels;
    let passes = phases.passes?;
    let module = passes.name.split('_').next().unwrap_or("proxy");
    inherited(levels, &format!("{module}_cache")).filter(|cache| cache.arg(0) != "off")?;
    let valid = inherited_all(levels, &[&format!("{module}_cache_valid")]);
    // Without a status the time holds for 200, 301 and 302 only.
    let keeps = valid.iter().find(|rule| {
        rule.args
            .split_last()
            .is_some_and(|(_, statuses)| statuses.iter().any(|status| status == "any" || status == "403"))
    })?;
    let line = accessed.refused.as_ref();
    let hit = line.is_some_and(|line| matches!(line.cache.as_str(), "HIT" | "STALE" | "UPDATING"));
    let unasked = line.is_some_and(|line| line.upstream_status == "-");
    let strength = if hit || unasked { Strength::Decisive } else { Strength::Suggestive };
    let how = if hit || unasked { "; its access log shows that no upstream was asked" } else { "" };
    let said = format!("`{}` keeps refusals, so an old 403 may still be served{how}", keeps.shown());
    Some(
        Clue::new("cache.stale-403", strength, said)
            .by("nginx")
            .at(keeps.place.clone())
            .quoting(line.map(|line| crate::logs::quote(&line.text)))
            .fixed_by([
                "purge the URL from the cache".to_owned(),
                format!("name the statuses that may be kept: {} 200 301 10m;", keeps.name),
            ]),
    )
}
