"""The load: wrk for HTTP/1.1, h2load for HTTP/2. Each run ends by itself."""

import json
import os
import re
import subprocess
import sys

import processes

HERE = os.path.dirname(os.path.abspath(__file__))


def bearer():
    with open(f"{processes.RUN}/token-ES256.txt", encoding="utf-8") as file:
        return "Authorization: Bearer " + file.read().strip()


def http1(url, connections, seconds, token=False):
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "-s", f"{HERE}/report.lua"]
    output, cost = timed([*command, *(["-H", bearer()] if token else []), url], seconds)
    found = re.search(r"^JSON (.*)$", output, re.M)
    if not found:
        sys.exit(f"wrk said nothing about {url}: {output}")
    return {**json.loads(found.group(1)), "client_seconds": cost}


def http2(url, connections, seconds, token=False):
    command = ["h2load", f"-c{connections}", "-m1", "-t1", f"-D{seconds}", *(["-H", bearer()] if token else []), url]
    output, cost = timed(command, seconds)
    if "Application protocol: h2" not in output:
        sys.exit(f"no HTTP/2 on {url}: {output}")
    done = int(re.search(r"(\d+) succeeded", output).group(1))
    return {
        "requests": done,
        "microseconds": seconds * 1_000_000,
        "p50": None,
        "p99": None,
        "longest": None,
        "failed": int(re.search(r"(\d+) failed", output).group(1)),
        "refused": done - int(re.search(r"status codes: (\d+) 2xx", output).group(1)),
        "client_seconds": cost,
    }


def timed(command, seconds):
    before = os.times()
    result = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=False)
    after = os.times()
    cost = after.children_user + after.children_system - before.children_user - before.children_system
    return result.stdout + result.stderr, cost
