"""Who visits the site: device families, networks, accounts, and the scanners that every site has."""
import bisect
import itertools

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
MACINTOSH = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS {} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"

# Family: share of clients, and the User-Agents that it has.
FAMILIES = {
    "chrome": (34, [
        *(f"{WINDOWS} Chrome/{version}.0.0.0 Safari/537.36" for version in (130, 131, 132)),
        f"{MACINTOSH} Chrome/131.0.0.0 Safari/537.36",
    ]),
    "safari-ios": (20, [
        f"{IPHONE.format(system)} Version/{version} Mobile/15E148 Safari/604.1"
        for system, version in (("17_6", "17.6"), ("18_1", "18.1"), ("16_7", "16.7"))
    ]),
    "android": (16, [
        f"Mozilla/5.0 (Linux; Android {version}; {model}) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36"
        for version, model in (("14", "Pixel 8"), ("13", "SM-G991B"), ("10", "K"))
    ]),
    "firefox": (8, [
        "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ]),
    "edge": (5, [f"{WINDOWS} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"]),
    "samsung": (3, [
        f"Mozilla/5.0 (Linux; Android 14; SM-S921B) {WEBKIT} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36"
    ]),
    "app-ios": (4, [f"ShopApp/{version} (iPhone; iOS 17.6; Scale/3.00)" for version in ("5.2.0", "5.1.3")]),
    "app-android": (4, [f"ShopApp/{version} (Android 14) okhttp/4.12.0" for version in ("5.2.0", "5.1.3")]),
    "smart-tv": (2, [
        f"Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) {WEBKIT} SamsungBrowser/4.0 Chrome/76.0.3809.146 TV Safari/537.36"
    ]),
    "googlebot": (3, [
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        f"Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36 "
        "(compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    ]),
    "bingbot": (1.5, ["Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"]),
    "python": (1.2, ["python-requests/2.32.3", "Python/3.11 aiohttp/3.10.5"]),
    "monitor": (0.8, ["UptimeProbe/1.4 (+https://status.example.test)"]),
}
ROBOTS = ("googlebot", "bingbot", "monitor", "python")

# First octets of a network, and its share of clients.
NETWORKS = {
    "203.0.113": 1, "81.2": 14, "90.54": 12, "151.30": 9, "78.46": 6, "24.118": 13, "73.162": 11, "189.6": 8,
    "103.21": 7, "41.190": 5, "126.72": 9, "5.188": 4,
}
SCANNER_AGENTS = [
    "Mozilla/5.0 zgrab/0.x", "python-requests/2.27.1", "Mozilla/5.0 (Windows NT 6.1; WOW64)", "Go-http-client/1.1", "-",
]


class Visitors:
    """The clients of one log, of whom some come far more often than others, and its scanners."""

    def __init__(self, chance, spec):
        self.clients = [_client(chance, spec) for _ in range(max(300, spec["lines"] // 60))]
        weights = ((1 / (1 + i % 97)) ** 0.6 * (3 if client["robot"] else 1) for i, client in enumerate(self.clients))
        self._cumulative = list(itertools.accumulate(weights))
        self.scanners = [_scanner(chance) for _ in range(spec.get("scanners", 6))]

    def draw(self, chance):
        return self.clients[bisect.bisect(self._cumulative, chance.random() * self._cumulative[-1])]


def _client(chance, spec):
    family = chance.choices(list(FAMILIES), [share for share, _ in FAMILIES.values()])[0]
    network = chance.choices(list(NETWORKS), list(NETWORKS.values()))[0]
    network = {"googlebot": "66.249", "bingbot": "40.77"}.get(family, network)
    octets = [str(chance.randrange(1, 255)) for _ in range(4 - len(network.split(".")))]
    address = ".".join([network, *octets])
    if family == "googlebot":
        address = f"66.249.{chance.randrange(64, 80)}.{chance.randrange(1, 255)}"
    robot = family in ROBOTS
    signed_in = not robot and chance.random() < spec.get("signed_in", 0.35)
    account = f"user{chance.randrange(1000, 9999)}" if signed_in else "-"
    agent = chance.choice(FAMILIES[family][1])
    return {"address": address, "family": family, "agent": agent, "account": account, "robot": robot}


def _scanner(chance):
    first = chance.choice((45, 185, 193, 198))
    rest = [chance.randrange(1, 250) for _ in range(3)]
    return {"address": ".".join(map(str, [first, *rest])), "agent": chance.choice(SCANNER_AGENTS)}
