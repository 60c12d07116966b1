"""A running scenario: its directory, ports and processes, from the first file to the last process ended.

Only 127.0.0.1 and ::1 are used, and only processes that were started here are ended.
"""
import os
import pathlib
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time

from . import places, servers
from .asking import Request, without_proxies
from .layout import Layout

_lock = threading.Lock()
_given = set()


def free_port():
    """A port that nobody listens on and that no other scenario of this run was given."""
    with _lock:
        while True:
            with socket.socket() as trial:
                trial.bind(("127.0.0.1", 0))
                port = trial.getsockname()[1]
            if port not in _given:
                _given.add(port)
                return port


class Site:
    """A context manager: inside it the scenario's servers run and its earlier steps have been taken."""

    def __init__(self, scenario):
        self.scenario = scenario
        self.processes = []
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="site-"))
        os.chmod(self.directory, 0o755)
        self.ports = {name: free_port() for name in scenario.facts.get("ports", [])}
        self.layout = Layout(self.directory, self.ports)

    def __enter__(self):
        try:
            self.layout.lay_out(self.scenario)
            self._start()
            self._take_steps()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.processes):
            try:
                process.wait(4)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)  # our own process group: children of what was started here
            except (ProcessLookupError, PermissionError):
                pass
            process.wait()
        self._remove()

    def request(self, written=None):
        """The scenario's own request, or another one written like it."""
        return Request(written or self.scenario.facts["request"], self.layout.fill)

    def ask(self, written=None):
        return self.request(written).ask()

    def log_text(self):
        """Everything that the servers have logged."""
        files = (file for file in (self.directory / "log").glob("*") if file.is_file())
        return "".join(file.read_text(errors="replace") for file in files)

    def access_lines(self):
        """Lines of the longest access log: what was asked of the site.  None if there is none."""
        logs = [
            file.read_text(errors="replace").split("\n")[:-1]
            for file in (self.directory / "log").glob("*access*.log")
        ]
        return max(logs, key=len, default=None)

    def _start(self):
        home = str(self.directory / "tmp")
        variables = {
            **without_proxies(),
            **{name: home for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "TMPDIR")},
            "NODE_PATH": str(places.NODE / "node_modules"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        for server in self.scenario.facts.get("server", []):
            own = {name: self.layout.fill(value) for name, value in server.get("env", {}).items()}
            with open(self.directory / "log" / f"{server['kind']}.out", "ab") as output:
                process = subprocess.Popen(
                    servers.command(server, self.directory, self.ports),
                    stdout=output, stderr=output, stdin=subprocess.DEVNULL, env={**variables, **own},
                    cwd=self.directory, start_new_session=True,
                    user=server.get("user") if os.geteuid() == 0 else None,
                )
            self.processes.append(process)
            for name in server.get("listen", [server["port"]] if "port" in server else []):
                self._wait(server, process, self.ports[name])

    def _wait(self, server, process, port, limit=25):
        end = time.time() + limit
        while time.time() < end:
            if process.poll() is not None:
                raise RuntimeError(f"{server['kind']} exited {process.returncode}: {self._last_words(server)}")
            try:
                socket.create_connection(("127.0.0.1", port), 0.3).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"{server['kind']} did not listen on {port}: {self._last_words(server)}")

    def _last_words(self, server):
        files = [self.directory / "log" / name for name in (f"{server['kind']}.out", "start.log", "error.log")]
        return "".join(file.read_text(errors="replace")[-500:] for file in files if file.exists())

    def _take_steps(self):
        for step in self.scenario.facts.get("step", []):
            if "request" in step:
                for _ in range(step.get("count", 1)):
                    status, _ = self.ask(step["request"])
                    if "expect" in step and status != step["expect"]:
                        raise RuntimeError(f"step {step['request']['url']} gave {status} not {step['expect']}")
            if "write" in step:
                (self.directory / step["write"]).write_text(self.layout.fill(step["text"]))
            if "remove" in step:
                (self.directory / step["remove"]).unlink()
            if "perm" in step:
                self.layout.set_mode(step["perm"])
            if "sleep" in step:
                time.sleep(step["sleep"])

    def _remove(self):
        for base, folders, _ in os.walk(self.directory):
            for folder in folders:
                path = pathlib.Path(base, folder)
                if not path.is_symlink():
                    os.chmod(path, stat.S_IMODE(path.stat().st_mode) | 0o700)
        shutil.rmtree(self.directory, ignore_errors=True)
