"""Envoy's configurations: one with a listener for each thing measured, one whose listener comes from a file."""

import json

import ports
import world

TYPES = "type.googleapis.com/envoy."
HTTP = TYPES + "extensions.filters.http."


def write(put, run):
    cached = {"jwt_cache_config": {"jwt_cache_size": 1000}}
    listeners = [
        listener("plain", ports.ENVOY, []),
        listener("refuse", ports.ENVOY_REFUSE, [REFUSE]),
        listener("jwt", ports.ENVOY_JWT, [jwt(run, {}), ADMIN_ONLY]),
        listener("jwt_cached", ports.ENVOY_JWT_CACHED, [jwt(run, cached), ADMIN_ONLY]),
        listener("tls", ports.ENVOY_TLS, [], tls(run)),
    ]
    put("envoy.json", json.dumps({"static_resources": {"clusters": [UPSTREAM], "listeners": listeners}}))
    for generation in (0, 1):
        put(f"envoy-listener-{generation}.json", json.dumps({"resources": [{
            "@type": TYPES + "config.listener.v3.Listener",
            **listener("reloaded", ports.ENVOY_RELOADED, [REFUSE], generation=generation),
        }]}))
        if generation == 0:
            put("envoy-listeners/listener.json", json.dumps({"resources": [{
                "@type": TYPES + "config.listener.v3.Listener",
                **listener("reloaded", ports.ENVOY_RELOADED, [REFUSE], generation=0),
            }]}))
    folder = f"{run}/envoy-listeners"
    put("envoy-reloaded.json", json.dumps({
        "node": {"id": "node", "cluster": "cluster"},
        "dynamic_resources": {"lds_config": {"resource_api_version": "V3", "path_config_source": {
            "path": f"{folder}/listener.json", "watched_directory": {"path": folder}}}},
        "static_resources": {"clusters": [UPSTREAM]},
    }))


def listener(name, port, filters, transport=None, generation=None):
    host = {"name": "all", "domains": ["*"],
            "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "up"}}]}
    if generation is not None:
        host["response_headers_to_add"] = [{"header": {"key": "x-generation", "value": str(generation)}}]
    manager = {
        "@type": TYPES + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "codec_type": "AUTO",
        "route_config": {"name": "routes", "virtual_hosts": [host]},
        "http_filters": filters + [ROUTER],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    if transport:
        chain["transport_socket"] = transport
    return {"name": name, "address": address(port), "tcp_backlog_size": 4096, "filter_chains": [chain]}


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def tls(run):
    files = {"certificate_chain": {"filename": f"{run}/tls.crt"}, "private_key": {"filename": f"{run}/tls.key"}}
    return {"name": "envoy.transport_sockets.tls", "typed_config": {
        "@type": TYPES + "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_3"},
            "tls_certificates": [files],
        },
    }}


def jwt(run, more):
    provider = {
        "issuer": world.ISSUER, "audiences": [world.AUDIENCE], "forward": True,
        "payload_in_metadata": "claims", "local_jwks": {"filename": f"{run}/jwks-ES256.json"}, **more,
    }
    return {"name": "envoy.filters.http.jwt_authn", "typed_config": {
        "@type": HTTP + "jwt_authn.v3.JwtAuthentication",
        "providers": {"one": provider},
        "rules": [{"match": {"prefix": "/"}, "requires": {"provider_name": "one"}}],
    }}


def rbac(action, policy):
    return {"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": HTTP + "rbac.v3.RBAC", "rules": {"action": action, "policies": {"one": policy}}}}


ROUTER = {"name": "envoy.filters.http.router", "typed_config": {"@type": HTTP + "router.v3.Router"}}
REFUSE = rbac("DENY", {
    "permissions": [{"url_path": {"path": {"prefix": "/deny"}}}],
    "principals": [{"any": True}],
})
ADMIN_ONLY = rbac("ALLOW", {
    "permissions": [{"any": True}],
    "principals": [{"sourced_metadata": {"metadata_matcher": {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": "claims"}, {"key": "role"}],
        "value": {"string_match": {"exact": "admin"}},
    }}}],
})
MANY = {"max_connections": 20_000, "max_pending_requests": 20_000, "max_requests": 20_000}
UPSTREAM = {
    "name": "up", "type": "STATIC", "connect_timeout": "2s", "circuit_breakers": {"thresholds": [MANY]},
    "load_assignment": {"cluster_name": "up", "endpoints": [
        {"lb_endpoints": [{"endpoint": {"address": address(ports.UPSTREAM)}}]}]},
}
