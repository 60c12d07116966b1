//! A small shop's traffic of one day, from a seed, and the ways to write it down.

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Minute of the day, and second within it.
    pub(crate) minute: u32,
    pub(crate) second: u32,
    pub(crate) address: String,
    /// A number of an account, or none.
    pub(crate) user: u64,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) referrer: String,
    pub(crate) agent: String,
    pub(crate) status: u16,
    pub(crate) node: u64,
    /// Thrown for each line anew.
    pub(crate) dice: u64,
}

/// How a line is written.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Writing {
    Combined,
    Virtual,
    Upstream,
    Json,
    Caddy,
    Haproxy,
    W3c,
}

const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "ShopApp/5.2.0 (Android 14) okhttp/4.12.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
];
const NETWORKS: [&str; 5] = ["81.2", "198.18", "90.54", "151.30", "24.118"];

struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) >> 16
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.throw() % bound
    }
}

/// So many requests over a day, in order.
pub(crate) fn site(seed: u64, lines: u64) -> impl Iterator<Item = Line> {
    let mut dice = Dice(seed);
    (0..lines).map(move |number| {
        let seconds = number * 86_400 / lines;
        let client = dice.below(400);
        let agent = AGENTS[(client % 13 % 6) as usize];
        let is_app = agent.starts_with("ShopApp");
        let path = match dice.below(if is_app { 4 } else { 12 }) {
            0..=2 => format!("/api/v1/{}", ["cart", "me", "orders"][dice.below(3) as usize]),
            3 => format!(
                "/api/v1/search?q={}",
                ["lamp", "o%27neill", "red+shoes", "desk"][dice.below(4) as usize]
            ),
            4 => format!("/blog/{}", dice.below(20)),
            5..=8 => format!("/img/{}.jpg", dice.below(90)),
            _ => format!("/products/{}", dice.below(80)),
        };
        let method = if path.starts_with("/api") {
            ["GET", "GET", "GET", "POST", "DELETE"][dice.below(5) as usize]
        } else {
            "GET"
        };
        let referrer = match dice.below(20) {
            0..=2 => String::new(),
            3 => "https://forum.test/t/88".to_owned(),
            _ => "https://shop.test/products".to_owned(),
        };
        Line {
            minute: (seconds / 60) as u32,
            second: (seconds % 60) as u32,
            address: format!("{}.{}.{}", NETWORKS[(client % 5) as usize], client / 5 + 1, client % 250 + 1),
            user: if path.starts_with("/api") { client } else { 0 },
            method,
            path,
            referrer,
            agent: agent.to_owned(),
            status: if dice.below(40) == 0 { 404 } else { 200 },
            node: dice.below(3),
            dice: dice.throw(),
        }
    })
}

impl Line {
    /// The time as common log format has it.
    pub(crate) fn clock(&self) -> String {
        format!("03/Mar/2026:{:02}:{:02}:{:02} +0000", self.minute / 60, self.minute % 60, self.second)
    }

    fn iso(&self, between: &str) -> String {
        format!("2026-03-03{between}{:02}:{:02}:{:02}", self.minute / 60, self.minute % 60, self.second)
    }

    fn node(&self) -> String {
        format!("10.0.3.{}:8080", 11 + self.node)
    }
}

fn dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

impl Writing {
    /// The line, with its end.
    pub(crate) fn write(self, line: &Line) -> String {
        let user = if line.user == 0 { "-".to_owned() } else { format!("user{}", line.user) };
        let (address, method, path, agent, status) =
            (&line.address, line.method, &line.path, &line.agent, line.status);
        let referrer = dash(&line.referrer);
        let combined = format!(
            "{address} - {user} [{}] \"{method} {path} HTTP/1.1\" {status} 153 \"{referrer}\" \"{agent}\"",
            line.clock()
        );
        match self {
            Self::Combined => format!("{combined}\n"),
            Self::Virtual => format!("shop.test:443 {combined}\n"),
            Self::Upstream => format!("{combined} rt=0.003 uct=\"0.000\" upstream=\"{}\"\n", line.node()),
            Self::Json => format!(
                "{{\"time\":\"{}+00:00\",\"remote_addr\":\"{address}\",\"remote_user\":\"{user}\",\"request_method\":\"{method}\",\"request_uri\":\"{path}\",\"status\":{status},\"http_referer\":\"{referrer}\",\"http_user_agent\":\"{agent}\",\"upstream_addr\":\"{}\"}}\n",
                line.iso("T"),
                line.node()
            ),
            Self::Caddy => format!(
                "{{\"level\":\"info\",\"ts\":{}.25,\"msg\":\"handled request\",\"request\":{{\"remote_ip\":\"{address}\",\"client_ip\":\"{address}\",\"proto\":\"HTTP/2.0\",\"method\":\"{method}\",\"host\":\"shop.test\",\"uri\":\"{path}\",\"headers\":{{\"User-Agent\":[\"{agent}\"],\"Referer\":[\"{referrer}\"]}}}},\"duration\":0.001,\"size\":153,\"status\":{status}}}\n",
                1_772_496_000 + line.minute * 60 + line.second
            ),
            Self::Haproxy => format!(
                "Mar  3 14:30:00 lb haproxy[1]: {address}:33317 [{}.655] http-in shop/node{} 10/0/30/69/109 {status} 153 - - ---- 1/1/1/1/0 0/0 \"{method} {path} HTTP/1.1\"\n",
                line.clock().split(' ').next().unwrap(),
                line.node
            ),
            Self::W3c => {
                let (stem, query) = path.split_once('?').unwrap_or((path, "-"));
                let fields = if line.minute == 0 && line.second == 0 {
                    "#Fields: date time cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) cs(Referer) sc-status time-taken\n"
                } else {
                    ""
                };
                format!(
                    "{fields}{} {method} {stem} {query} {user} {address} {} {referrer} {status} 15\n",
                    line.iso(" "),
                    agent.replace(' ', "+")
                )
            }
        }
    }
}
