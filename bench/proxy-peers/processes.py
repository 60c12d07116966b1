"""The servers: how each is started, what it costs, and its end. Only processes started here are ever signalled."""

import os
import shutil
import signal
import socket
import subprocess
import time

import ports

RUN = os.path.abspath(os.environ.get("RUN", "run"))
ENVOY = os.environ.get("ENVOY") or shutil.which("envoy")
PORTCULLIS = os.environ.get("PORTCULLIS") or shutil.which("portcullis")
HYPER = os.environ.get("HYPER")
TICKS = os.sysconf("SC_CLK_TCK")


def envoy(configuration):
    return [ENVOY, "-c", f"{RUN}/{configuration}", "--concurrency", "2", "--disable-hot-restart", "-l", "error"]


def portcullis(world):
    return [PORTCULLIS, "run", "--config", f"{RUN}/portcullis/{world}/portcullis.toml"]


COMMANDS = {
    "upstream": (ports.UPSTREAM, ["nginx", "-c", f"{RUN}/nginx-upstream.conf"]),
    "authorize": (ports.AUTHORIZE, ["nginx", "-c", f"{RUN}/nginx-authorize.conf"]),
    "nginx": (ports.NGINX, ["nginx", "-c", f"{RUN}/nginx.conf"]),
    "haproxy": (ports.HAPROXY, ["haproxy", "-W", "-db", "-f", f"{RUN}/haproxy.cfg"]),
    "caddy": (ports.CADDY, ["caddy", "run", "--adapter", "caddyfile", "--config", f"{RUN}/Caddyfile"]),
    "apache": (ports.APACHE, ["apache2", "-DFOREGROUND", "-f", f"{RUN}/apache.conf", "-d", RUN]),
    "envoy": (ports.ENVOY, envoy("envoy.json")),
    "envoy-reloaded": (ports.ENVOY_RELOADED, envoy("envoy-reloaded.json")),
    "hyper": (ports.HYPER, [HYPER, f"127.0.0.1:{ports.HYPER}", f"127.0.0.1:{ports.UPSTREAM}", "2"]),
    "portcullis": (ports.PORTCULLIS, portcullis("plain")),
    "portcullis-world": (ports.PORTCULLIS_WORLD, portcullis("world")),
    "portcullis-tls": (ports.PORTCULLIS_TLS, portcullis("tls")),
}
STARTED = {}


class Fault(Exception):
    """A server that does not come up. What depends on it is left out and named."""


def installed(name):
    program = COMMANDS[name][1][0]
    return program is not None and shutil.which(program) is not None


def start(name, before=()):
    """Starts a server, `before` put in front of its command, and waits until it listens."""
    if name is None or name in STARTED:
        return
    port, command = COMMANDS[name]
    if listens(port):
        raise Fault(f"something listens on port {port} already, which {name} needs")
    with open(f"{RUN}/{name}.log", "ab") as log:
        STARTED[name] = subprocess.Popen(
            [*before, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    # A thousand policies take a moment, more so under an instrumenting tool.
    for _ in range(3000):
        if listens(port):
            return
        if STARTED[name].poll() is not None:
            del STARTED[name]
            raise Fault(f"{name} ended at once; see {RUN}/{name}.log")
        time.sleep(0.1)
    raise Fault(f"{name} does not listen on port {port}")


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except OSError:
        return False
    return True


def stop(name):
    server = STARTED.pop(name)
    members = tree(server.pid)
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        for member in members:
            try:
                os.kill(member, signal.SIGKILL)
            except ProcessLookupError:
                pass
        server.wait()


def stop_all():
    for name in reversed(list(STARTED)):
        stop(name)


def tree(root):
    """A process and all below it."""
    below = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                below.setdefault(int(status(entry)[1]), []).append(int(entry))
            except OSError:
                pass
    found, todo = [], [root]
    while todo:
        process = todo.pop()
        found.append(process)
        todo += below.get(process, [])
    return found


def members(name):
    return tree(STARTED[name].pid) if name else []


def status(process):
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        text = file.read()
    return text[text.rindex(")") + 2 :].split()


def seconds(name):
    """CPU seconds, user and system, of a server's processes and of those they waited for."""
    total = 0
    for process in members(name):
        try:
            total += sum(int(field) for field in status(process)[11:15])
        except OSError:
            pass
    return total / TICKS


def machine_seconds():
    """CPU seconds of the whole machine: those in which it worked, and all."""
    with open("/proc/stat", encoding="utf-8") as file:
        fields = [int(field) for field in file.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS, sum(fields) / TICKS


def memory(name):
    """Resident and proportional memory in KiB."""
    resident = proportional = 0
    for process in members(name):
        try:
            with open(f"/proc/{process}/smaps_rollup", encoding="utf-8") as file:
                for line in file:
                    if line.startswith("Rss:"):
                        resident += int(line.split()[1])
                    elif line.startswith("Pss:"):
                        proportional += int(line.split()[1])
        except OSError:
            pass
    return resident, proportional
