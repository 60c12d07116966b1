use crate::testing::{Folder, top};

fn cause(filters: &str, routes: &str, request: &str, headers: &[(&str, &str)]) -> String {
    let text = format!(
        "static_resources:\n  listeners:\n  - address: {{ socket_address: {{ address: 0.0.0.0, port_value: 8080 }} }}\n    filter_chains:\n    - filters:\n      - name: envoy.filters.network.http_connection_manager\n        typed_config:\n          route_config:\n            virtual_hosts:\n            - name: all\n              domains: [\"*\"]\n              routes: [{routes}{{ match: {{ prefix: / }}, route: {{ cluster: app }} }}]\n          http_filters: [{filters}]\n  clusters:\n  - name: app\n    load_assignment: {{ endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: 127.0.0.1, port_value: 9 }} }} }} }}] }}] }}\n"
    );
    let folder = Folder::new(&[("envoy/envoy.yaml", &text)]);
    let report = folder.ask(&["envoy/envoy.yaml"], request, headers);
    assert_eq!(report.faults, Vec::new(), "{text}");
    top(&report)
}

#[test]
fn filters_and_routes_are_evaluated() {
    let rbac = |action: &str, permission: &str, principal: &str| {
        format!(
            "{{ name: envoy.filters.http.rbac, typed_config: {{ rules: {{ action: {action}, policies: {{ p: {{ permissions: [{permission}], principals: [{principal}] }} }} }} }} }}"
        )
    };
    let net = "{ direct_remote_ip: { address_prefix: 127.0.0.0, prefix_len: 8 } }";
    let cases = [
        (
            rbac("ALLOW", "{ url_path: { path: { prefix: /pub } } }", "{ any: true }"),
            "",
            "GET /x",
            "envoy.rbac",
        ),
        (
            rbac("ALLOW", "{ url_path: { path: { prefix: /pub } } }", "{ any: true }"),
            "",
            "GET /pub/x",
            "app.unspecified?",
        ),
        (rbac("DENY", "{ any: true }", net), "", "GET /", "envoy.rbac"),
        (
            rbac("DENY", "{ header: { name: \":method\", string_match: { exact: PUT } } }", net),
            "",
            "GET /",
            "app.unspecified?",
        ),
        (rbac("ALLOW", "{ any: true }", "{ not_id: { any: true } }"), "", "GET /", "envoy.rbac"),
        (
            String::new(),
            "{ match: { path: /old }, direct_response: { status: 403 } }, ",
            "GET /old",
            "envoy.direct-response",
        ),
        ("{ name: envoy.filters.http.csrf, typed_config: {} }".to_owned(), "", "POST /", "envoy.csrf"),
    ];
    for (filters, routes, request, wanted) in cases {
        assert_eq!(
            cause(&filters, routes, request, &[("Origin", "http://evil.test")]),
            wanted,
            "{request} with {filters}{routes}"
        );
    }
}

#[test]
fn the_access_log_tells_the_authorizer_from_the_application() {
    let folder = Folder::new(&[(
        "envoy/envoy.yaml",
        "static_resources:\n  listeners:\n  - address: { socket_address: { address: 0.0.0.0, port_value: 8080 } }\n    filter_chains:\n    - filters:\n      - name: envoy.filters.network.http_connection_manager\n        typed_config:\n          access_log: [{ typed_config: { path: @@/log/access.log } }]\n          route_config: { virtual_hosts: [{ name: a, domains: ['*'], routes: [{ match: { prefix: / }, route: { cluster: app } }] }] }\n          http_filters: [{ name: envoy.filters.http.ext_authz, typed_config: { http_service: { server_uri: { cluster: app } } } }]\n  clusters:\n  - name: app\n    load_assignment: { endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 9 } } } }] }] }\n",
    )]);
    assert_eq!(top(&folder.ask(&["envoy/envoy.yaml"], "GET /x", &[])), "envoy.ext_authz?");
    folder.write(
        "log/access.log",
        "[2026-11-27T10:00:00.000Z] \"GET /x HTTP/1.1\" 403 UAEX 0 0 1 - \"-\" \"curl\" \"-\" \"x\" \"-\"\n",
    );
    assert_eq!(top(&folder.ask(&["envoy/envoy.yaml"], "GET /x", &[])), "envoy.ext_authz");
}
