"""Configurations of nginx, HAProxy, Caddy and Apache: what each documents for a plain reverse proxy with kept-alive
connections to its upstream, two workers, no access log."""

import ports

BODY = "x" * 128


def write(put, run):
    put("nginx-upstream.conf", nginx(run, "upstream", 1, f"""
  server {{ listen 127.0.0.1:{ports.UPSTREAM} reuseport backlog=4096;
    location / {{ default_type text/plain; return 200 "{BODY}"; }} }}"""))
    put("nginx-authorize.conf", nginx(run, "authorize", 1, f"""
  server {{ listen 127.0.0.1:{ports.AUTHORIZE} backlog=4096; location / {{ return 204; }} }}"""))
    put("nginx.conf", nginx(run, "proxy", 2, NGINX_SERVERS.format(run=run, **vars(ports))))
    put("haproxy.cfg", HAPROXY.format(run=run, **vars(ports)))
    put("Caddyfile", CADDY.format(**vars(ports)))
    modules = ["mpm_event", "authz_core", "proxy", "proxy_http"]
    load = (f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in modules)
    put("apache.conf", "\n".join(load) + APACHE.format(run=run, **vars(ports)))


def nginx(run, name, workers, servers):
    return f"""daemon off; worker_processes {workers}; pid {run}/nginx-{name}.pid;
error_log {run}/nginx-{name}.err warn;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path {run}/nginx-body-{name}; proxy_temp_path {run}/nginx-proxy-{name};
  fastcgi_temp_path {run}/nginx-fastcgi-{name}; uwsgi_temp_path {run}/nginx-uwsgi-{name};
  scgi_temp_path {run}/nginx-scgi-{name};
{servers}
}}
"""


NGINX_SERVERS = """
  upstream up {{ server 127.0.0.1:{UPSTREAM}; keepalive 256; keepalive_requests 100000000; }}
  upstream authorize {{ server 127.0.0.1:{AUTHORIZE}; keepalive 256; keepalive_requests 100000000; }}
  proxy_http_version 1.1; proxy_set_header Connection "";
  server {{
    listen 127.0.0.1:{NGINX} backlog=4096;
    location / {{ proxy_pass http://up; }}
    location /deny {{ return 403; }}
    location /auth {{ auth_request /_authorize; proxy_pass http://up; }}
    location = /_authorize {{ internal; proxy_pass http://authorize; proxy_pass_request_body off;
      proxy_set_header Content-Length ""; proxy_set_header X-Original-URI $request_uri; }}
  }}
  server {{
    listen 127.0.0.1:{NGINX_TLS} ssl http2 backlog=4096;
    ssl_certificate {run}/tls.crt; ssl_certificate_key {run}/tls.key; ssl_protocols TLSv1.3;
    location / {{ proxy_pass http://up; }}
  }}"""

HAPROXY = """global
  nbthread 2
  maxconn 8192
  stats socket {run}/haproxy.sock mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout http-keep-alive 60s
frontend plain
  bind 127.0.0.1:{HAPROXY} backlog 4096
  http-request deny deny_status 403 if {{ path_beg /deny }}
  default_backend up
frontend jwt
  bind 127.0.0.1:{HAPROXY_JWT} backlog 4096
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny unless {{ var(txn.alg) -m str ES256 }}
  http-request deny unless {{ var(txn.bearer),jwt_verify(txn.alg,"{run}/public-ES256.pem") 1 }}
  http-request deny unless {{ var(txn.bearer),jwt_payload_query('$.iss') -m str https://idp.test }}
  http-request deny unless {{ var(txn.bearer),jwt_payload_query('$.role') -m str admin }}
  default_backend up
frontend tls
  bind 127.0.0.1:{HAPROXY_TLS} ssl crt {run}/tls.pem alpn h2,http/1.1 ssl-min-ver TLSv1.3 backlog 4096
  default_backend up
backend up
  http-reuse always
  server one 127.0.0.1:{UPSTREAM}
"""

CADDY = """{{
  admin off
  auto_https off
}}
http://:{CADDY} {{
  bind 127.0.0.1
  respond /deny* 403
  reverse_proxy 127.0.0.1:{UPSTREAM} {{
    transport http {{
      keepalive_idle_conns_per_host 256
    }}
  }}
}}
"""

# The sizes are Debian's for its event module.
APACHE = """
ServerName localhost
Listen 127.0.0.1:{APACHE}
PidFile {run}/apache.pid
ErrorLog {run}/apache.err
DefaultRuntimeDir {run}
User www-data
Group www-data
StartServers 2
MinSpareThreads 25
MaxSpareThreads 75
ThreadsPerChild 25
MaxRequestWorkers 150
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
ProxyPass "/" "http://127.0.0.1:{UPSTREAM}/"
<Location "/deny">
  Require all denied
</Location>
"""
