"""The request that fails, as data, as words of a command line, and asked by curl."""
import os
import subprocess

PROXY_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


def without_proxies():
    """The environment less everything that would send a request elsewhere."""
    return {name: value for name, value in os.environ.items() if name.lower() not in PROXY_VARIABLES}


class Request:
    """A request as a scenario writes it, its placeholders filled by `fill`."""

    def __init__(self, written, fill):
        self.method = written.get("method", "GET")
        self.url = fill(written["url"])
        self.headers = {name: fill(value) for name, value in written.get("headers", {}).items()}
        self.body = fill(written["body"]) if "body" in written else None
        self.proxy = fill(written.get("proxy", ""))
        self.insecure = written.get("insecure", False)
        self.resolve = fill(written.get("resolve", ""))
        self.options = [fill(option) for option in written.get("options", [])]

    @property
    def is_safe(self):
        return self.method in ("GET", "HEAD", "OPTIONS")

    def arguments(self):
        """curl's words for everything but the URL and the proxy; an empty header means: leave it out."""
        words = [] if self.method == "GET" else ["-X", self.method]
        for name, value in self.headers.items():
            words += ["-H", f"{name}: {value}" if value else f"{name}:"]
        if self.body is not None:
            words += ["-d", self.body]
        if self.insecure:
            words += ["-k"]
        if self.resolve:
            words += ["--resolve", self.resolve]
        return words + self.options

    def environment(self):
        """The environment in which the request is made; it names the forward proxy, if there is one."""
        variables = without_proxies()
        if self.proxy:
            for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
                variables[name] = self.proxy
        return variables

    def ask(self):
        """Status (0 if there is none) and text of the answer, its head included."""
        words = self.arguments()
        if self.method == "HEAD":
            words = ["-I", *words[2:]]
        always = ["-sS", "-i", "-m", "20", "--path-as-is", "-w", "\n%{http_code} %{http_connect}"]
        answer = subprocess.run(
            ["curl", *always, *words, self.url],
            capture_output=True, env=self.environment(), text=True, errors="replace",
        )
        codes = answer.stdout.rstrip().rsplit("\n", 1)[-1].split()
        status = next((int(code) for code in codes if code.isdigit() and int(code)), 0)
        return status, answer.stdout + answer.stderr
