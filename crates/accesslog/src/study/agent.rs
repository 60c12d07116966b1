//! What a `User-Agent` says: browser, system, kind of device, product and version, or the robot it is.
//!
//! An agent has many names at once ("Chrome", "Chrome on Android", "Android 14", "Pixel 8"); which of them a refusal goes
//! with, the search finds out. Robots have only their own, because the browser that they claim to be is not what they are.

/// A name and how far it is from what people call the thing: among equals the lowest is told.
pub(crate) type Tag = (String, u8);

/// Robots of search engines: refusing them costs ranking.
const SEARCH_ENGINES: &[&str] = &[
    "googlebot",
    "bingbot",
    "duckduckbot",
    "yandexbot",
    "yandex",
    "baiduspider",
    "applebot",
    "slurp",
    "sogou",
    "qwantbot",
    "qwantify",
    "petalbot",
    "seznambot",
    "yeti",
    "naverbot",
    "mojeekbot",
    "exabot",
    "bravebot",
    "google-inspectiontool",
    "googleother",
    "adsbot-google",
    "mediapartners-google",
    "storebot-google",
    "google-extended",
    "adidxbot",
    "msnbot",
];

/// Products that every browser claims to be.
const CLAIMED: &[&str] =
    &["mozilla", "applewebkit", "gecko", "khtml", "mobile", "like", "version", "tv", "safari"];

/// Whether a name is a search engine's robot.
pub(crate) fn is_search_engine(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let product = name.split(['/', ' ']).next().unwrap_or_default();
    SEARCH_ENGINES.iter().any(|engine| product.starts_with(engine))
}

/// The names of an agent.
pub(crate) fn tags(agent: &str) -> Vec<Tag> {
    let agent = agent.get(..agent.len().min(512)).unwrap_or(agent);
    if agent.is_empty() {
        return vec![("no User-Agent".to_owned(), 0)];
    }
    if let Some(robot) = robot(agent) {
        return named_with_version(robot, 0);
    }
    let mut tags = Vec::new();
    let system = system(agent);
    let browser = browser(agent);
    if let Some(browser) = browser {
        tags.push((browser.to_owned(), 1));
        if let Some(system) = system {
            tags.push((format!("{browser} on {system}"), 2));
        }
    }
    if let Some(system) = system {
        tags.push((system.to_owned(), 1));
    }
    if let Some(device) = device(agent) {
        tags.push((device.to_owned(), 3));
    }
    products(agent, browser, system, &mut tags);
    for part in comments(agent) {
        tags.push((part.to_owned(), 6));
    }
    tags.sort();
    tags.dedup_by(|next, kept| next.0 == kept.0);
    tags
}

fn products(agent: &str, browser: Option<&str>, system: Option<&str>, tags: &mut Vec<Tag>) {
    let outside = without_comments(agent);
    let mut first = true;
    for product in outside.split_ascii_whitespace().take(12) {
        let (name, version) = product.split_once('/').unwrap_or((product, ""));
        if CLAIMED.contains(&name.to_ascii_lowercase().as_str()) || name.len() > 60 {
            if name.eq_ignore_ascii_case("version") && !version.is_empty() {
                tags.push((format!("Version/{version}"), 7));
            }
            continue;
        }
        // An app's own name comes first and is what people call it.
        let rank = if first && browser.is_none() { 0 } else { 4 };
        if first
            && browser.is_none()
            && let Some(system) = system
        {
            tags.push((format!("{name} on {system}"), 2));
        }
        first = false;
        tags.extend(named_with_version(product, rank));
    }
}

fn named_with_version(product: &str, rank: u8) -> Vec<Tag> {
    let product = product.trim_matches([',', ';', '(', ')', '+']);
    let (name, version) = product.split_once('/').unwrap_or((product, ""));
    let mut tags = vec![(name.to_owned(), rank)];
    if !version.is_empty() {
        tags.push((product.to_owned(), rank + 2));
        if let Some((major, _)) = version.split_once('.').filter(|(major, _)| !major.is_empty()) {
            tags.push((format!("{name}/{major}.x"), rank + 1));
        }
    }
    tags
}

/// A robot says so: its name ends so, or it gives an address to write to.
fn robot(agent: &str) -> Option<&str> {
    let words = || agent.split([' ', ';', '(', ')']).filter(|word| !word.is_empty());
    let is_robot = |word: &&str| {
        let name = word.split('/').next().unwrap_or_default().to_ascii_lowercase();
        let ends = [
            "bot",
            "spider",
            "crawler",
            "slurp",
            "externalhit",
            "bot-google",
            "inspectiontool",
            "probe",
            "monitor",
        ];
        ends.iter().any(|end| name.ends_with(end))
            && name.len() < 40
            && !name.starts_with("http")
            && !name.starts_with('+')
    };
    if let Some(robot) = words().find(is_robot) {
        return Some(robot);
    }
    if is_search_engine(agent) {
        return words().next();
    }
    let has_address = agent.contains("+http") || agent.contains("; http") || agent.contains("@");
    let product = |word: &&str| {
        let name = word.split('/').next().unwrap_or_default().to_ascii_lowercase();
        word.contains('/') && !word.contains("//") && !CLAIMED.contains(&name.as_str()) && name != "chrome"
    };
    has_address.then(|| words().find(product)).flatten()
}

fn browser(agent: &str) -> Option<&'static str> {
    const BROWSERS: &[(&str, &str)] = &[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Opera", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("UCBrowser", "UC Browser"),
        ("YaBrowser", "Yandex Browser"),
        ("Vivaldi", "Vivaldi"),
        ("DuckDuckGo", "DuckDuckGo"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Trident/", "Internet Explorer"),
        ("MSIE ", "Internet Explorer"),
    ];
    if !agent.starts_with("Mozilla/") && !agent.starts_with("Opera/") {
        return None;
    }
    let known = BROWSERS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name);
    known.or_else(|| agent.contains("Safari/").then_some("Safari"))
}

fn system(agent: &str) -> Option<&'static str> {
    const SYSTEMS: &[(&str, &str)] = &[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("iOS", "iOS"),
        ("Tizen", "Tizen"),
        ("Web0S", "webOS"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("CrOS", "ChromeOS"),
        ("Macintosh", "macOS"),
        ("Mac OS X", "macOS"),
        ("Darwin", "macOS or iOS"),
        ("Linux", "Linux"),
    ];
    SYSTEMS.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
}

fn device(agent: &str) -> Option<&'static str> {
    let has = |mark: &str| agent.contains(mark);
    if has("TV") || has("BRAVIA") || has("Roku") || has("AFT") {
        Some("television")
    } else if has("iPad") || has("Tablet") {
        Some("tablet")
    } else if has("Mobile") || has("iPhone") || has("Android") {
        Some("phone or mobile app")
    } else if has("Mozilla/") {
        Some("desktop browser")
    } else {
        None
    }
}

/// The parts of what stands in parentheses: models and versions.
fn comments(agent: &str) -> impl Iterator<Item = &str> {
    let inside = agent.split('(').skip(1).filter_map(|rest| rest.split(')').next());
    let parts = inside.flat_map(|inside| inside.split([';', ','])).map(str::trim);
    parts
        .filter(|part| part.len() > 2 && part.len() < 60 && !matches!(*part, "KHTML" | "like Gecko" | "X11"))
        .take(8)
}

fn without_comments(agent: &str) -> String {
    let mut depth = 0u32;
    let mut outside = String::with_capacity(agent.len());
    for letter in agent.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(letter),
            _ => {}
        }
    }
    outside
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(agent: &str) -> Vec<String> {
        tags(agent).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn an_app_is_its_product_and_its_system() {
        let names = names("ShopApp/5.2.0 (Android 14) okhttp/4.12.0");
        for name in ["ShopApp", "ShopApp/5.2.0", "ShopApp on Android", "okhttp", "Android", "Android 14"] {
            assert!(names.contains(&name.to_owned()), "{name} in {names:?}");
        }
    }

    #[test]
    fn a_robot_is_not_the_browser_it_claims() {
        let agent = "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X) AppleWebKit/537.36 (KHTML, like Gecko) \
            Chrome/131.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        assert_eq!(names(agent), ["Googlebot", "Googlebot/2.1", "Googlebot/2.x"]);
        assert!(is_search_engine("Googlebot/2.1"));
        assert!(!is_search_engine("UptimeProbe"));
    }

    #[test]
    fn a_browser_is_told_from_what_it_claims_to_be_like() {
        let edge = names(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0",
        );
        assert!(edge.contains(&"Edge on Windows".to_owned()), "{edge:?}");
        assert!(!edge.contains(&"Safari".to_owned()));
    }
}
