"""Portcullis's configurations: `plain` forwards for everybody and refuses one path; `tls` is the same behind TLS; `world`
decides by token, geo database, device and ten thousand policies. A decision is recorded in all of them: there is no
configuration in which it is not."""

import random

import ports
import world

NETWORKS = 20_000


def write(put, run, policies):
    put("portcullis/plain/portcullis.toml", plain(ports.PORTCULLIS, "127.0.0.1"))
    put("portcullis/tls/portcullis.toml", plain(ports.PORTCULLIS_TLS_PLAIN, "localhost") + TLS.format(run=run, **vars(ports)))
    for kind in ("plain", "tls"):
        put(f"portcullis/{kind}/policies/refuse.cedar", refusing(0))
    guards = world.APPS * [0]
    apps = []
    for app in range(world.APPS):
        text, guards[app] = world.routes(app)
        apps.append(APP.format(app=app, host="127.0.0.1" if app == 0 else f"app-{app:02}.test", routes=text, **vars(ports)))
    # Two of the measured app's own guards come on top: see MEASURED.
    written = policies - sum(guards) - MEASURED_POLICIES
    if written < 0:
        raise SystemExit(f"the routes alone are {policies - written} policies; ask for at least as many")
    apps[0] += MEASURED
    put("portcullis/world/portcullis.toml", WORLD.format(run=run, **vars(ports), issuer=world.ISSUER,
                                                         audience=world.AUDIENCE) + "\n".join(apps))
    put("portcullis/world/directory/all.toml", world.directory())
    for name, text in world.cedar(written).items():
        put(f"portcullis/world/policies/{name}", text)
    geo(f"{run}/portcullis/world/geo.mmdb")


def refusing(generation):
    """The policy of `plain` and `tls`; its public reason says which generation of it decided."""
    return f"""@id("closed")
@reason("closed_{generation}")
@message("This is closed")
forbid (principal, action, resource == Route::"bench/deny");
"""


def plain(port, host):
    return PLAIN.format(port=port, host=host, **vars(ports))


def geo(path):
    """Twenty thousand networks with a country, a region and a provider each; loopback is in California."""
    # Only writing needs these; measuring does not.
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    chance = random.Random(3)
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type="Bench-City-ASN", languages=["en"])
    countries = ["US", "DE", "FR", "GB", "BR", "IN", "JP", "CA"]

    def told(country, region, asn):
        return {"country": {"iso_code": country}, "subdivisions": [{"iso_code": region}],
                "autonomous_system_number": asn}

    seen = set()
    while len(seen) < NETWORKS:
        first = chance.randrange(1, 224)
        network = f"{first}.{chance.randrange(256)}.{chance.randrange(256)}.0/24"
        if first in (10, 127) or network in seen:
            continue
        seen.add(network)
        told_here = told(chance.choice(countries), f"R{chance.randrange(50)}", chance.randrange(1, 64_000))
        writer.insert_network(IPSet([network]), told_here)
    writer.insert_network(IPSet(["127.0.0.0/24"]), told("US", "CA", 64_500))
    writer.to_db_file(path)


PLAIN = """[server]
listen = "127.0.0.1:{port}"
data = "data"

[log]
# Under valgrind nothing is quick; an answer that the log is late would be counted in the place of the one that is meant.
wait = "60s"

[policies]
folder = "policies"

[[app]]
name = "bench"
hosts = ["{host}"]
upstream = "http://127.0.0.1:{UPSTREAM}"
access = "anyone"

[[app.route]]
name = "all"
path = "/**"

[[app.route]]
name = "deny"
path = "/deny"
"""

TLS = """
[server.tls]
listen = "127.0.0.1:{PORTCULLIS_TLS}"

[[server.tls.certificate]]
chain = "{run}/tls.crt"
key = "{run}/tls.key"
"""

WORLD = """[server]
listen = "127.0.0.1:{PORTCULLIS_WORLD}"
data = "data"

[log]
# Under valgrind nothing is quick; an answer that the log is late would be counted in the place of the one that is meant.
wait = "60s"

[policies]
folder = "policies"

[directory]
folder = "directory"

[geo]
databases = ["geo.mmdb"]

[network.zones]
office = ["192.0.2.0/24"]

[[issuer]]
issuer = "{issuer}"
audiences = ["{audience}"]
jwks_file = "{run}/jwks-ES256.json"
algorithms = ["ES256"]
types = ["at+jwt"]

[issuer.claims]
device = "device_id"

"""

APP = """
[[app]]
name = "app-{app:02}"
hosts = ["{host}"]
upstream = "http://127.0.0.1:{UPSTREAM}"

{routes}
"""

# The route that is measured, and one that refuses the same caller.
MEASURED = """
[[app.route]]
name = "orders"
path = "/orders/**"
access = "identified"
require = { role = ["role-00"], country = ["US", "CA"], device = { managed = true, compliant = true, encrypted = true } }

[[app.route]]
name = "closed"
path = "/deny"
access = "identified"
require = { role = ["role-19"] }
"""
MEASURED_POLICIES = 4 + 2
