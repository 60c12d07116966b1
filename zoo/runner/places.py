"""Where things are: the zoo itself, its virtual environment and packages, and the servers' programs."""
import os
import pathlib

ZOO = pathlib.Path(__file__).resolve().parent.parent
CACHE = pathlib.Path(os.environ.get("ZOO_CACHE", pathlib.Path.home() / ".cache/portcullis-zoo"))
VENV = pathlib.Path(os.environ.get("ZOO_VENV", CACHE / "venv"))
NODE = pathlib.Path(os.environ.get("ZOO_NODE", CACHE / "node"))

# Kind of server, as scenarios name it, and the program it needs.
PROGRAMS = {
    "nginx": "nginx",
    "apache": "apache2",
    "caddy": "caddy",
    "haproxy": "haproxy",
    "squid": "squid",
    "varnish": "varnishd",
    "lighttpd": "lighttpd",
    "envoy": "envoy",
    "python": "python3",
    "uvicorn": "uvicorn",
    "gunicorn": "gunicorn",
    "node": "node",
    "moto": "moto_server",
    "replay": "python3",
    "php-fpm": "php-fpm8.2",
}


def which(program):
    """The path of a program: in the zoo's virtual environment, on the path, or where Debian puts servers."""
    on_path = os.environ.get("PATH", "").split(":")
    for folder in [str(VENV / "bin"), *on_path, "/usr/sbin", "/usr/local/sbin", "/sbin"]:
        file = pathlib.Path(folder) / program
        if folder and file.exists() and os.access(file, os.X_OK):
            return str(file)
    return None
