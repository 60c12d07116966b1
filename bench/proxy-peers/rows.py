"""What is measured: each row is a section, a server, an address, whether with a token, which further server decides, and
the status that is right."""

import os
from dataclasses import dataclass

import ports
from processes import RUN


@dataclass(frozen=True)
class Row:
    section: str
    name: str
    server: str | None
    url: str
    token: bool = False
    decider: str | None = None
    status: int = 200
    http2: bool = False

    @property
    def label(self):
        return f"{self.section}: {self.name}"


def plain(port, path="/"):
    return f"http://127.0.0.1:{port}{path}"


def policies():
    """How many the large world has, as generate.py noted."""
    try:
        with open(os.path.join(RUN, "policies"), encoding="utf-8") as file:
            return f"{int(file.read()):,} policies"
    except FileNotFoundError:
        return "10,000 policies"


def rows():
    yield Row("plain", "no proxy", None, plain(ports.UPSTREAM))
    servers = [
        ("nginx", ports.NGINX),
        ("haproxy", ports.HAPROXY),
        ("caddy", ports.CADDY),
        ("apache", ports.APACHE),
        ("envoy", ports.ENVOY),
        ("hyper", ports.HYPER),
        ("portcullis", ports.PORTCULLIS),
    ]
    for name, port in servers:
        yield Row("plain", name, name, plain(port))
    for name, port in servers:
        port = ports.ENVOY_REFUSE if name == "envoy" else port
        yield Row("refuse", name, name, plain(port, "/deny"), status=403)
    yield Row("refuse", f"portcullis, by {policies()}", "portcullis-world", plain(ports.PORTCULLIS_WORLD, "/deny"),
              token=True, status=403)

    yield Row("decide", "nginx, auth_request that allows", "nginx", plain(ports.NGINX, "/auth"), True, "authorize")
    yield Row("decide", "haproxy, ES256 token", "haproxy", plain(ports.HAPROXY_JWT), True)
    yield Row("decide", "envoy, ES256 token, RBAC", "envoy", plain(ports.ENVOY_JWT), True)
    yield Row("decide", "envoy, cached token, RBAC", "envoy", plain(ports.ENVOY_JWT_CACHED), True)
    yield Row("decide", f"portcullis, cached token, geo, device, {policies()}, record", "portcullis-world",
              plain(ports.PORTCULLIS_WORLD, "/orders/42"), True)

    for name, server, port in [
        ("nginx", "nginx", ports.NGINX_TLS),
        ("haproxy", "haproxy", ports.HAPROXY_TLS),
        ("envoy", "envoy", ports.ENVOY_TLS),
        ("portcullis", "portcullis-tls", ports.PORTCULLIS_TLS),
    ]:
        url = f"https://localhost:{port}/"
        yield Row("tls", f"{name}, HTTP/1.1", server, url)
        yield Row("tls", f"{name}, HTTP/2", server, url, http2=True)


ROWS = list(rows())
SECTIONS = ["plain", "refuse", "decide", "tls"]
