"""An organisation of twenty apps with five hundred routes, a thousand people, and ten thousand policies: the same one
at every run. Guards stand on the routes, the rest is Cedar; `portcullis policy show` counts both."""

import random

APPS, ROUTES, USERS, GROUPS, ROLES = 20, 25, 1_000, 200, 20
MEASURED_USER = 42

ISSUER, AUDIENCE = "https://idp.test", "portcullis"
USER, DEVICE = f"user-{MEASURED_USER:06}", f"laptop-{MEASURED_USER:06}"

# What a route may require besides an identified caller, and into how many policies that becomes.
REQUIREMENTS = [
    ("", 0),
    ('require = { role = ["role-01", "role-02"] }', 1),
    ('require = { group = ["group-003", "group-004", "group-005"] }', 1),
    ('require = { scope = ["orders:write"] }', 1),
    ('require = { country = ["US", "CA", "DE"], network = ["office"] }', 2),
    ('require = { tier = ["premium", "enterprise"], not_country = ["KP"] }', 2),
    ('require = { device = { managed = true, compliant = true }, max_age = "8h" }', 2),
]


def routes(app):
    """The routes of an app as configuration, and how many policies they are."""
    text, policies = [], 0
    for route in range(ROUTES):
        requirement, more = REQUIREMENTS[(app + route) % len(REQUIREMENTS)]
        text.append(
            f'[[app.route]]\nname = "route-{route:02}"\npath = "/area-{route:02}/**"\naccess = "identified"\n{requirement}\n'
        )
        policies += 1 + more
    return "\n".join(text), policies


def directory():
    chance = random.Random(1)
    parts = [f'[[role]]\nid = "role-{role:02}"\n' for role in range(ROLES)]
    for group in range(GROUPS):
        roles = f'roles = ["role-{group % ROLES:02}"]\n' if group % 4 == 0 else ""
        parts.append(f'[[group]]\nid = "group-{group:03}"\n{roles}')
    for user in range(USERS):
        # The measured caller holds what the measured route asks; the others are spread.
        groups = [0, 20, 3] if user == MEASURED_USER else sorted(chance.sample(range(GROUPS), 4))
        listed = ", ".join(f'"group-{group:03}"' for group in groups)
        tier = ["free", "premium", "enterprise"][user % 3]
        parts.append(f'[[user]]\nid = "user-{user:06}"\ngroups = [{listed}]\ntier = "{tier}"\n')
        parts.append(
            f'[[device]]\nid = "laptop-{user:06}"\nowner = "user-{user:06}"\nmanaged = true\n'
            f'compliant = {"false" if user % 10 == 9 else "true"}\nencrypted = true\nos = "linux"\n'
        )
    return "\n".join(parts)


def cedar(count):
    """So many policies, by file name."""
    chance = random.Random(2)
    files = {"everywhere.cedar": list(EVERYWHERE[:count])}
    for number in range(max(0, count - len(EVERYWHERE))):
        app = number % APPS
        files.setdefault(f"app-{app:02}.cedar", []).append(policy(chance, f"p{number:05}", app))
    return {name: "\n".join(policies) for name, policies in files.items() if policies}


def policy(chance, name, app):
    """One policy about one app: two in three let a group or a person do something on a route."""
    route = f'Route::"app-{app:02}/route-{chance.randrange(ROUTES):02}"'
    group = f'Group::"group-{chance.randrange(GROUPS):03}"'
    user = f'User::"user-{chance.randrange(USERS):06}"'
    role = f'Role::"role-{chance.randrange(ROLES):02}"'
    kind = chance.randrange(100)
    if kind < 40:
        return f'@id("{name}")\npermit (principal in {group}, action in Action::"read", resource == {route});'
    if kind < 65:
        return f'@id("{name}")\npermit (principal == {user}, action == Action::"POST", resource == {route});'
    if kind < 80:
        return (
            f'@id("{name}")\npermit (principal in {role}, action in Action::"write", resource == {route})\n'
            "when { context.device has managed && context.device.managed && context.auth.scopes.contains(\"orders:write\") };"
        )
    if kind < 92:
        country = chance.choice(["RU", "BY", "SY", "CU", "IR"])
        return (
            f'@id("{name}")\n@reason("region_restricted")\n@message("Content unavailable in your location")\n'
            f'forbid (principal, action, resource == {route})\n'
            f'when {{ context.geo has country && context.geo.country == "{country}" }};'
        )
    return (
        f'@id("{name}")\n@reason("outside_hours")\n@message("Open on working days")\n'
        f'forbid (principal in {group}, action in Action::"write", resource == {route})\n'
        f"when {{ context.time.weekday > 5 || context.time.minute < {chance.randrange(300, 540)} }};"
    )


# Policies about every request, as each organisation has a few.
EVERYWHERE = [
    """@id("everywhere.region")
@reason("region_restricted")
@message("Content unavailable in your location")
forbid (principal, action, resource)
when { context.geo has country && ["KP", "SY"].contains(context.geo.country) };""",
    """@id("everywhere.device")
@reason("device_untrusted")
@message("Encrypt this device first")
forbid (principal, action in Action::"write", resource)
when { context.device has encrypted && !context.device.encrypted };""",
    """@id("everywhere.network")
@reason("network_restricted")
@message("Not from this network")
forbid (principal, action, resource)
when { context.geo has asn && [64496, 64497].contains(context.geo.asn) };""",
]
