//! Seeded generator of access logs in combined format. One file, no dependency: `rustc -O generate.rs`
//! usage: generate OUT BYTES [SEED]
//!
//! Zipf-like paths, clients and user agents, a day/night rhythm, about 1.5 % 403s. The refused come in kinds
//! an analyser must tell apart: a scanner's probes (dotfiles, admin panels), a blocked user agent, a blocked
//! network, directory listings, a hotlinked image, and a signed-in area of the application. A few lines carry
//! escaped bytes (\x22, \x16\x03), an empty request and IPv6 clients, as real logs do.
use std::io::Write;

struct Rng(u64);
impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    fn below(&mut self, n: u64) -> u64 {
        ((self.next() >> 32) * n) >> 32
    }
    /// few small numbers very often, many large ones now and then
    fn skew(&mut self, n: u64) -> u64 {
        let u = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        ((n as f64).powf(u) - 1.0) as u64 % n
    }
}

const BROWSERS: [&str; 10] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:VER.0) Gecko/20100101 Firefox/VER.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:VER.0) Gecko/20100101 Firefox/VER.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/VER.0.0.0 Safari/537.36 Edg/VER.0.0.0",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
];
const BOTS: [&str; 6] = [
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Googlebot/2.1; +http://www.google.com/bot.html) Chrome/VER.0.0.0 Safari/537.36",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
];
const WORDS: [&str; 32] = [
    "account", "api", "archive", "assets", "basket", "billing", "blog", "catalog", "checkout", "console", "docs",
    "download", "events", "export", "forum", "gallery", "help", "images", "invoice", "jobs", "login", "media",
    "news", "orders", "people", "products", "reports", "search", "settings", "static", "support", "team",
];
const PROBES: [&str; 12] = [
    "/.env", "/.git/config", "/wp-admin/", "/wp-login.php", "/phpmyadmin/index.php", "/server-status", "/.aws/credentials",
    "/backup.zip", "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php", "/.svn/entries", "/config.php.bak", "/actuator/env",
];
const REFERERS: [&str; 6] = ["-", "-", "https://www.google.com/", "https://shop.example.com/", "https://shop.example.com/search?q=lamp", "https://t.co/"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn path(r: &mut Rng) -> String {
    let k = r.skew(200_000);
    let (a, b) = (WORDS[(k % 32) as usize], WORDS[(k / 32 % 32) as usize]);
    match k % 7 {
        0 => format!("/{a}/{b}/{k}"),
        1 => format!("/static/{b}/{:08x}.{}", k.wrapping_mul(0x9E37_79B1) as u32, ["css", "js", "png", "jpg", "woff2"][(k % 5) as usize]),
        2 => format!("/api/v1/{a}?page={}&size=50", k % 90),
        3 => format!("/{a}/"),
        4 => format!("/search?q={a}+{b}&utm_source=mail&utm_campaign=c{}", k % 40),
        5 => format!("/products/{k}/{b}"),
        _ => format!("/media/{a}/{k}.jpg"),
    }
}

fn ip(r: &mut Rng) -> String {
    let k = r.skew(400_000);
    let h = k.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    if k % 12 == 5 {
        return format!("2001:db8:{:x}:{:x}::{:x}", h >> 48, (h >> 32) & 0xffff, k & 0xffff);
    }
    format!("{}.{}.{}.{}", 11 + (h >> 56) % 180, (h >> 48) & 255, (h >> 40) & 255, 1 + (h >> 32) % 254)
}

fn agent(r: &mut Rng, bot: bool) -> String {
    let a = if bot { BOTS[r.skew(6) as usize] } else { BROWSERS[r.skew(10) as usize] };
    a.replace("VER", &(128 + r.skew(14)).to_string())
}

fn main() {
    let a: Vec<String> = std::env::args().collect();
    let want: u64 = a[2].parse().expect("BYTES");
    let mut r = Rng(a.get(3).map_or(1, |s| s.parse().expect("SEED")));
    let mut o = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(&a[1]).expect("OUT"));
    let span = 14 * 86_400; // two weeks from 1 November 2026, whatever the size
    let (mut done, mut lines, mut refused) = (0u64, 0u64, 0u64);
    let mut line = Vec::with_capacity(1024);
    while done < want {
        let t = (done as u128 * span as u128 / want as u128) as u64;
        let (day, s) = (t / 86_400 + 1, t % 86_400);
        let bot = r.below(100) < 12;
        let (mut who, mut method, mut p, mut ua) = (ip(&mut r), "GET", path(&mut r), agent(&mut r, bot));
        let mut refer = REFERERS[r.below(6) as usize];
        let mut user = "-".to_string();
        let (mut status, mut size) = match r.below(1000) {
            0..=839 => (200, 300 + r.skew(200_000)),
            840..=909 => (304, 0),
            910..=949 => (301, 169),
            950..=974 => (404, 153),
            975..=979 => (499, 0),
            980..=983 => (500, 177),
            984..=986 => (502, 157),
            987..=991 => (401, 179),
            _ => (206, 65_536),
        };
        if p.starts_with("/api") && r.below(4) == 0 {
            method = ["POST", "PUT", "DELETE"][r.skew(3) as usize];
            user = format!("user{}", r.skew(5000));
        }
        if r.below(1000) < 15 {
            (status, size) = (403, 146 + 2 * r.below(3));
            match r.below(10) {
                0..=3 => { p = PROBES[r.skew(12) as usize].into(); who = format!("185.220.101.{}", r.below(40)); ua = "Mozilla/5.0 zgrab/0.x".into(); refer = "-" }
                4 => { ua = BOTS[1].into(); refer = "-" }
                5 => who = format!("45.148.10.{}", r.below(255)),
                6 => p = format!("/{}/", WORDS[r.below(32) as usize]),
                7 => { p = format!("/media/{}/{}.jpg", WORDS[r.below(32) as usize], r.below(999)); refer = "https://hotlinker.example/" }
                _ => { p = format!("/admin/{}", WORDS[r.below(32) as usize]); user = format!("user{}", r.skew(5000)) }
            }
        } else if r.below(20_000) == 0 {
            (status, size, method) = (400, 150, "");
        }
        line.clear();
        let _ = write!(line, "{who} - {user} [{day:02}/{}/2026:{:02}:{:02}:{:02} +0000] \"", MONTHS[10], s / 3600, s / 60 % 60, s % 60);
        let _ = match (method, r.below(3)) {
            ("", 0) => { refer = "-"; ua = "-".into(); write!(line, "") }
            ("", _) => { refer = "-"; ua = "-".into(); write!(line, "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03") }
            (m, _) => write!(line, "{m} {p} HTTP/{}", if r.below(3) == 0 { "1.1" } else { "2.0" }),
        };
        if r.below(50_000) == 0 {
            ua = "Mozilla/5.0 \\x22quoted\\x22 \\x5C agent".into();
        }
        let _ = writeln!(line, "\" {status} {size} \"{refer}\" \"{ua}\"");
        o.write_all(&line).expect("write");
        done += line.len() as u64;
        lines += 1;
        refused += (status == 403) as u64;
    }
    o.flush().expect("flush");
    println!("{{\"bytes\":{done},\"lines\":{lines},\"refused\":{refused}}}");
}
