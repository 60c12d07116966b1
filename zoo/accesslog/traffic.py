"""The traffic of one log: minute by minute, a request at a time."""
import datetime
import math
import random

from . import content, formats, injection
from .visitors import Visitors

# Kind of path: what a person at a browser asks for.  The rest is the API.
PAGE_SHARE, PAGE_OR_ASSET_SHARE = 0.30, 0.72
STATUSES = [200, 304, 301, 404, 500, 302], [88, 6, 1, 2.2, 0.25, 2]
METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS"], [70, 18, 6, 3, 3]
UPSTREAMS = ["10.0.3.11:8080", "10.0.3.12:8080", "10.0.3.13:8080"]


def generate(path, spec):
    """Writes the log that `spec` describes; the package's own text tells of it."""
    chance = random.Random(spec["seed"])
    start = datetime.datetime.fromisoformat(spec.get("start", "2026-03-03T00:00:00+00:00"))
    render = formats.FORMATS[spec.get("format", "combined")]
    traffic = _Traffic(chance, spec)
    groups = {}  # what the injections remember of accounts
    lines, refused, injected = [], 0, 0
    for minute, count in enumerate(_requests_per_minute(chance, spec, start)):
        count = int(count) + (chance.random() < count - int(count))
        for second in sorted(chance.random() * 60 for _ in range(count)):
            event = traffic.request()
            event.update(time=start.timestamp() + minute * 60 + second, minute=minute, in_minute=count)
            for cause in spec["inject"]:
                if injection.hits(cause, event, chance, groups):
                    injected += event["status"] != 403
                    event["status"] = 403
            if event["status"] == 403 and spec.get("refused_at_edge"):
                event["upstream"] = "-"
            refused += event["status"] == 403
            lines.append(render(event, formats.Answer(event, chance, spec), chance))
    head = formats.HEADS.get(spec.get("format"), [])
    with open(path, "w") as file:
        file.write("\n".join([*head, *lines]) + "\n")
    return {"lines": len(lines), "n403": refused, "injected403": injected}


def _requests_per_minute(chance, spec, start):
    minutes = spec.get("hours", 24) * 60
    weights = [_by_hour((start.hour + m / 60) % 24) * chance.uniform(0.85, 1.15) for m in range(minutes)]
    for first, end, factor in spec.get("bursts", []):
        for minute in range(first, end):
            weights[minute] *= factor
    total = sum(weights)
    return [spec["lines"] * weight / total for weight in weights]


def _by_hour(hour):
    return 0.25 + 0.75 * max(0.0, math.sin((hour - 5) / 24 * 2 * math.pi - 0.6) * 0.5 + 0.5)


class _Traffic:
    """Draws requests: most by visitors, some by scanners."""

    def __init__(self, chance, spec):
        self.chance = chance
        self.build = f"{chance.getrandbits(24):06x}"
        self.visitors = Visitors(chance, spec)
        self.upstreams = spec.get("upstreams", UPSTREAMS)
        self.background = spec.get("noise403", 0.0008)
        self.scan_share = spec.get("scan_share", 0.006)
        self.scan_refused = spec.get("scan403", 0.6)

    def request(self):
        return self._scan() if self.chance.random() < self.scan_share else self._visit()

    def _scan(self):
        chance = self.chance
        scanner = chance.choice(self.visitors.scanners)
        uri = chance.choice(content.SCANNED)
        status = 403 if chance.random() < self.scan_refused else 404
        method = chance.choice(["GET", "GET", "POST", "HEAD"])
        return {
            "address": scanner["address"], "agent": scanner["agent"], "user": "-", "account": "-", "method": method,
            "uri": uri, "referer": "-", "status": status, "family": "scanner", "upstream": "-", "scan": True,
        }

    def _visit(self):
        chance = self.chance
        client = self.visitors.draw(chance)
        path = self._path(client, chance.random())
        method = chance.choices(*METHODS)[0] if path.startswith("/api") else "GET"
        query = ""
        if path in ("/search", "/api/v1/search"):
            query = "?q=" + _encoded(chance.choice(content.SEARCHED))
        referer = self._referer(client, path)
        status = chance.choices(*STATUSES)[0]
        if chance.random() < self.background:
            status = 403
        shows_account = path.startswith(("/api", "/cart", "/checkout"))
        return {
            "address": client["address"], "agent": client["agent"], "user": client["account"] if shows_account else "-",
            "account": client["account"], "method": method, "uri": path + query, "referer": referer, "status": status,
            "family": client["family"], "upstream": chance.choice(self.upstreams), "scan": False,
        }

    def _path(self, client, x):
        chance, family = self.chance, client["family"]
        if family.startswith("app-"):
            return chance.choice(content.API)
        if client["robot"]:
            return "/health" if family == "monitor" else chance.choice(content.PAGES)
        if x < PAGE_SHARE:
            return chance.choice(content.PAGES)
        if x < PAGE_OR_ASSET_SHARE:
            asset = chance.choice(content.ASSETS)
            return asset % self.build if "%s" in asset else asset
        return chance.choice(content.API)

    def _referer(self, client, path):
        if client["robot"] or client["family"].startswith("app-") or path == "/":
            return "-"
        if self.chance.random() < 0.88:
            return content.OWN_SITE + self.chance.choice(content.PAGES)
        return self.chance.choice(content.ELSEWHERE)


def _encoded(text):
    return text.replace(" ", "+").replace("'", "%27").replace("<", "%3C").replace("&", "%26")
