#!/usr/bin/env python3
"""Answers with written-down responses: stands for services that cannot be run here (kind = "replay").

usage: replay.py ROUTES.json PORT

ROUTES: list of {"if": {...}, "status", "reason", "headers": [[name, value]...], "body"}; the first whose conditions all
hold answers.  Conditions: method ("GET|HEAD"), path (exact), prefix, query_has, header: {name: substring, or null for
absent}, count_over (requests so far).  `%HOST%` and `%PATH%` in a header or a body are those of the request.
"""
import json
import os
import pathlib
import sys
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

REASONS = {200: "OK", 403: "Forbidden", 404: "Not Found"}


class Replay(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    routes = []
    requests = 0

    def answer(self):
        Replay.requests += 1
        self._log()
        length = int(self.headers.get("Content-Length") or 0)
        if length:
            self.rfile.read(length)
        route = next(route for route in self.routes if self._matches(route.get("if", {})))
        body = self._fill(route.get("body", "")).encode()
        status = route["status"]
        reason = route.get("reason", REASONS.get(status, ""))
        head = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in self._headers(route, body))]
        self.wfile.write(("\r\n".join(head) + "\r\n\r\n").encode())
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_TRACE = answer

    def _matches(self, conditions):
        url = urlsplit(self.path)
        tests = {
            "method": lambda wanted: self.command in wanted.split("|"),
            "path": lambda wanted: url.path == wanted,
            "prefix": lambda wanted: url.path.startswith(wanted),
            "query_has": lambda wanted: wanted in url.query,
            "count_over": lambda wanted: Replay.requests > wanted,
            "header": lambda wanted: all(self._has(name, text) for name, text in wanted.items()),
        }
        return all(tests[name](wanted) for name, wanted in conditions.items())

    def _has(self, name, text):
        value = self.headers.get(name)
        if text is None or value is None:
            return text is None and value is None
        return text.lower() in value.lower()

    def _headers(self, route, body):
        headers = [(name, self._fill(value)) for name, value in route.get("headers", [])]
        names = {name.lower() for name, _ in headers}
        if "date" not in names:
            headers.insert(0, ("Date", formatdate(usegmt=True)))
        if not names & {"content-length", "transfer-encoding"}:
            headers.append(("Content-Length", str(len(body))))
        return headers

    def _fill(self, text):
        return text.replace("%HOST%", self.headers.get("Host", "")).replace("%PATH%", self.path)

    def _log(self):
        if os.path.isdir("log"):
            with open("log/access.log", "a") as file:
                file.write(f'- - - [-] "{self.command} {self.path} {self.request_version}"\n')

    def log_message(self, *_):
        """Nothing on standard error: the access log has it."""


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    Replay.routes = json.loads(pathlib.Path(sys.argv[1]).read_text())
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Replay).serve_forever()
