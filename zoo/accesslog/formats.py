"""How a request is written down, in the formats of several servers and load balancers."""
import datetime
import json

SITE = "shop.example.test"
SIZES = {404: 1130, 304: 0, 301: 162, 302: 0}


class Answer:
    """What the log says about the answer: its size, and how long it took."""

    def __init__(self, event, chance, spec):
        status = event["status"]
        if status == 200:
            self.size = chance.randrange(300, 60000)
        else:
            self.size = {403: spec.get("size403", 153), **SIZES}.get(status, 580)
        self.substatus = spec.get("substatus403", 0) if status == 403 else 0  # IIS: why, as a second number
        if status == 403 and spec.get("fast403", True):
            self.seconds = round(chance.uniform(0.001, 0.003), 3)
        else:
            self.seconds = round(chance.expovariate(20), 3)


def _time(event):
    return datetime.datetime.fromtimestamp(event["time"], datetime.timezone.utc)


def _common(event, answer):
    when = _time(event).strftime("%d/%b/%Y:%H:%M:%S +0000")
    request = f'{event["method"]} {event["uri"]} HTTP/1.1'
    return f'{event["address"]} - {event["user"]} [{when}] "{request}" {event["status"]} {answer.size}'


def _or_empty(value):
    return "" if value == "-" else value


def common(event, answer, _chance):
    return _common(event, answer)


def combined(event, answer, _chance):
    return f'{_common(event, answer)} "{event["referer"]}" "{event["agent"]}"'


def vhost(event, answer, chance):
    return f"{SITE}:443 {combined(event, answer, chance)}"


def upstream(event, answer, chance):
    return f'{combined(event, answer, chance)} rt={answer.seconds} uct="0.000" upstream="{event["upstream"]}"'


def traefik(event, answer, chance):
    line, number = combined(event, answer, chance), chance.randrange(1, 99999)
    return f'{line} {number} "shop@docker" "http://{event["upstream"]}" {int(answer.seconds * 1000)}ms'


def nginx_json(event, answer, _chance):
    return _json({
        "time": _time(event).isoformat(timespec="seconds"), "remote_addr": event["address"],
        "remote_user": _or_empty(event["user"]), "request_method": event["method"], "request_uri": event["uri"],
        "status": event["status"], "body_bytes_sent": answer.size, "http_referer": _or_empty(event["referer"]),
        "http_user_agent": event["agent"], "request_time": answer.seconds, "upstream_addr": event["upstream"],
        "host": SITE,
    })


def caddy(event, answer, chance):
    headers = {"User-Agent": [event["agent"]]}
    if event["referer"] != "-":
        headers["Referer"] = [event["referer"]]
    return _json({
        "level": "info", "ts": round(event["time"], 6), "logger": "http.log.access.log0", "msg": "handled request",
        "request": {
            "remote_ip": event["address"], "remote_port": str(chance.randrange(20000, 60000)),
            "client_ip": event["address"], "proto": "HTTP/2.0", "method": event["method"], "host": SITE,
            "uri": event["uri"], "headers": headers,
        },
        "bytes_read": 0, "user_id": _or_empty(event["user"]), "duration": answer.seconds, "size": answer.size,
        "status": event["status"], "resp_headers": {"Server": ["Caddy"]},
    })


def _json(value):
    return json.dumps(value, separators=(",", ":"))


def haproxy(event, answer, chance):
    """HAProxy's HTTP log (`option httplog`) as syslog writes it."""
    when = _time(event)
    stamp = when.strftime("%b %e %H:%M:%S")
    accepted = when.strftime("%d/%b/%Y:%H:%M:%S.") + f"{when.microsecond // 1000:03}"
    milliseconds = int(answer.seconds * 1000)
    refused_here = event["upstream"] == "-"
    server = "app/<NOSRV>" if refused_here else "app/" + event["upstream"].split(":")[0].replace(".", "-")
    timers = "0/-1/-1/-1/0" if refused_here else f"0/0/0/{milliseconds}/{milliseconds}"
    state = "PR--" if refused_here else "----"
    port = chance.randrange(20000, 60000)
    request = f'{event["method"]} {event["uri"]} HTTP/1.1'
    return (
        f'{stamp} lb1 haproxy[812]: {event["address"]}:{port} [{accepted}] https~ {server} {timers} '
        f'{event["status"]} {answer.size} - - {state} 42/40/3/1/0 0/0 "{request}"'
    )


def alb(event, answer, chance):
    """An AWS application load balancer's access log."""
    when = _time(event).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    by_balancer = event["upstream"] == "-"
    times = "-1 -1 -1" if by_balancer else f"0.000 {answer.seconds:.3f} 0.000"
    target_status = "-" if by_balancer else event["status"]
    port, trace = chance.randrange(20000, 60000), f"{chance.getrandbits(96):024x}"
    request = f'{event["method"]} https://{SITE}:443{event["uri"]} HTTP/1.1'
    return (
        f'https {when} app/shop/50dc6c495c0c9188 {event["address"]}:{port} {event["upstream"]} {times} '
        f'{event["status"]} {target_status} {200 + len(event["uri"])} {answer.size} "{request}" "{event["agent"]}" '
        f"ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2 "
        f"arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "
        f'"Root=1-{int(event["time"]):08x}-{trace}" "{SITE}" "arn:aws:acm:eu-west-1:123456789012:certificate/1" 0 '
        f'{when} "{"waf" if by_balancer and event["status"] == 403 else "forward"}" "-" "-" '
        f'"{event["upstream"]}" "{target_status}" "-" "-"'
    )


CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol cs-bytes time-taken"
)


def cloudfront(event, answer, chance):
    """A CloudFront standard log: tabs, and spaces in values encoded."""
    when = _time(event)
    stem, _, query = event["uri"].partition("?")
    result = "Error" if event["status"] >= 400 else "Hit"
    return "\t".join([
        when.strftime("%Y-%m-%d"), when.strftime("%H:%M:%S"), "FRA56-P4", str(answer.size), event["address"],
        event["method"], "d111111abcdef8.cloudfront.net", stem, str(event["status"]), event["referer"],
        event["agent"].replace(" ", "%20"), query or "-", "-", result, f"{chance.getrandbits(64):016x}==", SITE,
        "https", str(200 + len(event["uri"])), f"{answer.seconds:.3f}",
    ])


IIS_FIELDS = (
    "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
    "sc-substatus sc-win32-status time-taken"
)


def iis(event, answer, _chance):
    """IIS in the W3C extended format, `+` for spaces."""
    when = _time(event)
    stem, _, query = event["uri"].partition("?")
    return " ".join([
        when.strftime("%Y-%m-%d %H:%M:%S"), "10.0.0.4", event["method"], stem, query or "-", "443", event["user"],
        event["address"], event["agent"].replace(" ", "+"), event["referer"], str(event["status"]), str(answer.substatus),
        "0", str(int(answer.seconds * 1000)),
    ])


def ingress(event, answer, chance):
    """What ingress-nginx of Kubernetes writes (`upstreaminfo`)."""
    upstream = event["upstream"]
    length = 200 + len(event["uri"])
    about = f"{length} {answer.seconds} [shop-web-80] [] {upstream} {answer.size} {answer.seconds} {event['status']}"
    return f"{combined(event, answer, chance)} {about} {chance.getrandbits(128):032x}"


def envoy(event, answer, chance):
    """Envoy's default format."""
    when = _time(event).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    request = f'{event["method"]} {event["uri"]} HTTP/1.1'
    milliseconds = int(answer.seconds * 1000)
    identifier = f"{chance.getrandbits(128):032x}"
    return (
        f'[{when}] "{request}" {event["status"]} - 0 {answer.size} {milliseconds} {milliseconds} '
        f'"{event["address"]}" "{event["agent"]}" "{identifier}" "{SITE}" "{event["upstream"]}"'
    )


def logpush(event, answer, chance):
    """The edge's export of Cloudflare (Logpush, `http_requests`)."""
    return _json({
        "ClientIP": event["address"], "ClientRequestHost": SITE, "ClientRequestMethod": event["method"],
        "ClientRequestURI": event["uri"], "ClientRequestReferer": _or_empty(event["referer"]),
        "ClientRequestUserAgent": event["agent"], "EdgeStartTimestamp": _time(event).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "EdgeResponseStatus": event["status"], "EdgeResponseBytes": answer.size, "CacheCacheStatus": "dynamic",
        "OriginIP": event["upstream"].split(":")[0], "RayID": f"{chance.getrandbits(64):016x}",
    })


FORMATS = {
    "common": common,
    "combined": combined,
    "vhost": vhost,
    "upstream": upstream,
    "json": nginx_json,
    "caddy": caddy,
    "traefik": traefik,
    "haproxy": haproxy,
    "alb": alb,
    "cloudfront": cloudfront,
    "iis": iis,
    "ingress": ingress,
    "envoy": envoy,
    "logpush": logpush,
}
# What stands above the first request.
HEADS = {
    "cloudfront": ["#Version: 1.0", f"#Fields: {CLOUDFRONT_FIELDS}"],
    "iis": ["#Software: Microsoft Internet Information Services 10.0", "#Version: 1.0", f"#Fields: {IIS_FIELDS}"],
}
