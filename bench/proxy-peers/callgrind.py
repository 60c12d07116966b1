#!/usr/bin/env python3
"""Instructions and allocations for each request of the Rust servers by valgrind: for machines that count none themselves.

usage: callgrind.py OUTPUT.jsonl [--requests N] [--only TEXT]

These are instructions in user space alone, of requests one after the other on one connection: smaller than what
`perf_event_open` counts, which has the kernel's part too. Environment as for bench.py.
"""

import argparse
import glob
import http.client
import os
import re
import subprocess
import time

import bench
import load
import processes
from rows import ROWS

SERVERS = ("hyper", "portcullis", "portcullis-world")
WARM_UP = 200


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    rows = [row for row in ROWS if row.server in SERVERS and arguments.only in row.label]
    try:
        processes.start("upstream")
        for row in bench.here(rows):
            bench.emit(arguments, measure(row, min(arguments.requests, 100_000)))
    finally:
        processes.stop_all()


def measure(row, requests):
    pattern = f"{processes.RUN}/callgrind.{row.server}"
    for former in glob.glob(f"{pattern}*"):
        os.remove(former)
    # Not counted until asked: reading ten thousand policies is not a request's cost.
    valgrind = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={pattern}"]
    processes.start(row.server, before=valgrind)
    process = processes.STARTED[row.server].pid
    ask(row, WARM_UP)
    control(process, "on")
    ask(row, requests)
    control(process, "off")
    processes.stop(row.server)
    total = allocations = 0
    for file in glob.glob(f"{pattern}*"):
        instructions, asked = counted(file)
        total, allocations = total + instructions, allocations + asked
    return {
        "label": f"user-space instructions by valgrind: {row.label}",
        "thousand_instructions": round(total / requests / 1000, 2),
        "allocations": round(allocations / requests, 1),
        "requests": requests,
    }


def counted(file):
    """The instructions of one thread, and how often it asked for memory or for more of it."""
    total = allocations = 0
    names, called = {}, None
    with open(file, encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("totals:"):
                total += int(line.split()[1])
            elif named := NAMED.match(line):
                # A name stands there once, its number afterwards.
                kind, number, name = named.groups()
                called = names.setdefault(number, name or "")
                called = called if kind == "cfn" else None
            elif line.startswith("calls=") and called and ALLOCATES.search(called):
                allocations += int(line[len("calls="):].split()[0])
    return total, allocations


NAMED = re.compile(r"(c?fn)=(\(\d+\))(?: (.*))?")
ALLOCATES = re.compile(r"__rust_(alloc|alloc_zeroed|realloc)$")


def ask(row, requests):
    authority, path = row.url.removeprefix("http://").split("/", 1)
    host, port = authority.split(":")
    headers = dict([load.bearer().split(": ", 1)]) if row.token else {}
    connection = http.client.HTTPConnection(host, int(port), timeout=60)
    for _ in range(requests):
        connection.request("GET", f"/{path}", headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != row.status:
            raise SystemExit(f"{row.label}: {answer.status} instead of {row.status}")
    connection.close()


def control(process, state):
    time.sleep(0.5)
    subprocess.run(["callgrind_control", "--instr=" + state, str(process)], check=True, capture_output=True)
    time.sleep(0.5)


if __name__ == "__main__":
    main()
