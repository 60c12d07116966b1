"""How each kind of server is started in the foreground with a configuration of its own."""
import pathlib
import sys

from . import places


def command(server, directory, ports):
    """The words that start one `[[server]]` of a scenario."""
    kind = server["kind"]
    if kind not in COMMANDS:
        raise SystemExit(f"unknown server kind {kind}")
    config = str(directory / server.get("config", ""))
    port = str(ports.get(server.get("port", ""), ""))
    return COMMANDS[kind](places.which(places.PROGRAMS[kind]), config, port, str(directory), server)


def _nginx(program, config, _port, run, _server):
    return [program, "-e", f"{run}/log/start.log", "-p", run, "-c", config, "-g", "daemon off;"]


def _apache(program, config, _port, _run, _server):
    return [program, "-d", str(pathlib.Path(config).parent), "-f", config, "-DFOREGROUND"]


def _caddy(program, config, _port, _run, _server):
    return [program, "run", "--config", config, "--adapter", "caddyfile"]


def _haproxy(program, config, _port, _run, _server):
    return [program, "-db", "-q", "-f", config]


def _squid(program, config, _port, _run, _server):
    return [program, "-N", "-f", config]


def _varnish(program, config, port, run, _server):
    return [program, "-F", "-a", f"127.0.0.1:{port}", "-f", config, "-n", f"{run}/run/v", "-s", "malloc,16m"]


def _lighttpd(program, config, _port, _run, _server):
    return [program, "-D", "-f", config]


def _envoy(program, config, _port, _run, _server):
    alone = ["--concurrency", "1", "--disable-hot-restart", "--use-dynamic-base-id"]
    return [program, "-c", config, *alone, "--log-level", "error"]


def _python(_program, config, port, _run, _server):
    return [str(places.VENV / "bin/python"), config, port]


def _uvicorn(program, config, port, _run, _server):
    file = pathlib.Path(config)
    listen = ["--host", "127.0.0.1", "--port", port, "--log-level", "warning"]
    return [program, "--app-dir", str(file.parent), f"{file.stem}:app", *listen]


def _gunicorn(program, config, port, _run, server):
    file = pathlib.Path(config)
    application = f"{file.stem}:{server.get('app', 'app')}"
    return [program, "-w", "1", "-b", f"127.0.0.1:{port}", "--chdir", str(file.parent), application]


def _node(program, config, port, _run, _server):
    return [program, config, port]


def _php_fpm(program, config, _port, _run, _server):
    return [program, "-F", "-O", "-y", config]


def _moto(program, _config, port, _run, _server):
    return [program, "-H", "127.0.0.1", "-p", port]


def _replay(_program, config, port, _run, _server):
    return [sys.executable, str(places.ZOO / "replay.py"), config, port]


COMMANDS = {
    "nginx": _nginx,
    "apache": _apache,
    "caddy": _caddy,
    "haproxy": _haproxy,
    "squid": _squid,
    "varnish": _varnish,
    "lighttpd": _lighttpd,
    "envoy": _envoy,
    "python": _python,
    "uvicorn": _uvicorn,
    "gunicorn": _gunicorn,
    "node": _node,
    "php-fpm": _php_fpm,
    "moto": _moto,
    "replay": _replay,
}
