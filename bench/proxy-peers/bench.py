#!/usr/bin/env python3
"""Starts the proxies one after the other and measures them.

usage: bench.py OUTPUT.jsonl SECTION... [--rounds N] [--seconds N] [--connections N] [--only TEXT]

Sections: check (one request to each, the status must be right), plain, refuse, decide, tls, memory, reload.
Environment: RUN, the folder of generate.py; PORTCULLIS, ENVOY and HYPER, the binaries that are not on the path. What is not
installed is left out and named.
"""

import argparse
import http.client
import json
import os
import ssl
import sys
import threading
import time

import counters
import load
import processes
from reload import reload_rows
from rows import ROWS, SECTIONS


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("output")
    parser.add_argument("sections", nargs="+", choices=["check", *SECTIONS, "memory", "reload"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--quiet", type=float, default=15, help="longest wait for a quiet machine before each run")
    parser.add_argument("--only", default="", help="rows whose label has this in it")
    arguments = parser.parse_args()
    arguments.seconds = min(arguments.seconds, 60)
    arguments.counted = counters.available()
    rows = [row for row in ROWS if arguments.only in row.label]
    try:
        for section in arguments.sections:
            if section == "check":
                check(rows)
            elif section == "memory":
                memory(arguments, rows)
            elif section == "reload":
                reload_rows(arguments, emit)
            else:
                for round_ in range(arguments.rounds):
                    for row in here(row for row in rows if row.section == section):
                        try:
                            emit(arguments, {**measure(arguments, row), "round": round_})
                        except processes.Fault as fault:
                            print(f"not measured, {row.label}: {fault}", file=sys.stderr)
    finally:
        processes.stop_all()


def here(rows):
    """The rows whose servers are installed."""
    for row in rows:
        missing = [name for name in (row.server, row.decider) if name and not processes.installed(name)]
        if missing:
            print(f"left out, not installed: {row.label}", file=sys.stderr)
        else:
            yield row


def emit(arguments, result):
    line = json.dumps(result)
    with open(arguments.output, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    print(line, flush=True)


def measure(arguments, row):
    """Load on one row: cost of the server, of the upstream and of whoever decides, for each request."""
    servers = [row.server, "upstream", row.decider]
    for name in ("upstream", row.decider, row.server):
        processes.start(name)
    wait_until_quiet(arguments.quiet)
    run = load.http2 if row.http2 else load.http1
    run(row.url, arguments.connections, 1, row.token)
    counted = [counters.Instructions(processes.members(name)) for name in servers] if arguments.counted else []
    spent, (worked, passed) = [processes.seconds(name) for name in servers], processes.machine_seconds()
    result = run(row.url, arguments.connections, arguments.seconds, row.token)
    spent = [processes.seconds(name) - before for name, before in zip(servers, spent)]
    worked_after, passed_after = processes.machine_seconds()
    instructions = [round(counter.read() / max(1, result["requests"]) / 1000, 2) for counter in counted]
    for counter in counted:
        counter.close()
    for name in (row.server, row.decider):
        if name:
            processes.stop(name)
    requests = max(1, result["requests"])
    foreign = worked_after - worked - sum(spent) - result["client_seconds"]
    return {
        "label": row.label,
        "requests": result["requests"],
        "per_second": round(requests / result["microseconds"] * 1e6),
        "microseconds": [round(cost / requests * 1e6, 2) for cost in spent],
        "thousand_instructions": instructions or None,
        "p50": result["p50"],
        "p99": result["p99"],
        "failed": result["failed"],
        # wrk counts every other status than 2xx and 3xx, which is what refusing rows are about.
        "wrong_status": result["refused"] if row.status == 200 else requests - result["refused"],
        "foreign": round(max(0.0, foreign) / max(0.01, passed_after - passed), 3),
    }


def wait_until_quiet(longest):
    """Waits until others leave nine tenths of the machine, at most so many seconds."""
    end = time.monotonic() + longest
    while time.monotonic() < end:
        worked, passed = processes.machine_seconds()
        time.sleep(0.5)
        worked_after, passed_after = processes.machine_seconds()
        if (worked_after - worked) / max(0.01, passed_after - passed) < 0.10:
            return


def memory(arguments, rows):
    """Resident memory: idle, and under 64 and 1,000 connections."""
    for row in here(row for row in rows if row.section in ("plain", "decide") and row.server):
        if row.section == "decide" and not row.server.startswith("portcullis"):
            continue
        processes.start("upstream")
        processes.start(row.server)
        time.sleep(1)
        result = {"label": f"memory: {row.server}", "idle_kib": processes.memory(row.server)[0]}
        for connections in (64, 1000):
            told = {}
            loading = threading.Thread(
                target=lambda: told.update(load.http1(row.url, connections, arguments.seconds, row.token))
            )
            loading.start()
            time.sleep(arguments.seconds * 0.7)
            result[f"kib_{connections}"] = processes.memory(row.server)[0]
            loading.join()
            result[f"failed_{connections}"] = told.get("failed")
        emit(arguments, result)
        processes.stop(row.server)


def check(rows):
    """One request to each row, with its token and, where one is asked for, without."""
    wrong = 0
    for row in here(rows):
        try:
            for name in ("upstream", row.decider, row.server):
                processes.start(name)
        except processes.Fault as fault:
            wrong += 1
            print(f"WRONG {row.label}: {fault}")
            continue
        told = [status(row, row.token)]
        right = told[0] == row.status
        if row.token and row.decider is None:
            told.append(status(row, False))
            right = right and told[1] in (401, 403)
        wrong += not right
        print("right" if right else "WRONG", row.label, *told)
    print(f"{wrong} wrong")
    if wrong:
        sys.exit(1)


def status(row, token):
    scheme, rest = row.url.split("://")
    authority, path = rest.split("/", 1)
    host, port = authority.split(":")
    if scheme == "https":
        trusting = ssl.create_default_context(cafile=os.path.join(processes.RUN, "tls.crt"))
        connection = http.client.HTTPSConnection(host, int(port), timeout=5, context=trusting)
    else:
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
    headers = dict([load.bearer().split(": ", 1)]) if token else {}
    connection.request("GET", f"/{path}", headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


if __name__ == "__main__":
    main()
