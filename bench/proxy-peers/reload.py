"""Reloads under load: once a second, what fails meanwhile, and how long an open connection is answered by the state before."""

import http.client
import os
import shutil
import signal
import threading
import time

import gate
import load
import ports
import processes

# Where a gate does not listen to SIGHUP it looks at its files by itself, and wants them quiet for a look.
SLOW = 3


def reload_rows(arguments, emit):
    for name, port, change, generation in SERVERS:
        if arguments.only not in f"reload: {name}" or not processes.installed(name):
            continue
        for round_ in range(arguments.rounds):
            processes.start("upstream")
            processes.start(name)
            emit(arguments, {**under_load(arguments, name, port, change), "round": round_})
            if generation:
                emit(arguments, {**stale(name, port, change, generation), "round": round_})
            processes.stop(name)


def under_load(arguments, name, port, change):
    url = f"http://127.0.0.1:{port}/"
    pause = pause_of(name)
    quiet = load.http1(url, arguments.connections, arguments.seconds)
    before, told = processes.seconds(name), {}
    loading = threading.Thread(target=lambda: told.update(load.http1(url, arguments.connections, arguments.seconds)))
    loading.start()
    end, reloads, most = time.monotonic() + arguments.seconds - 0.5, 0, 0
    while time.monotonic() + pause < end:
        time.sleep(pause)
        change(reloads + 1)
        reloads += 1
        most = max(most, processes.memory(name)[0])
    loading.join()
    requests = max(1, told["requests"])
    return {
        "label": f"reload: {name}",
        "every_seconds": pause,
        "reloads": reloads,
        "requests": told["requests"],
        "failed": told["failed"],
        "wrong_status": told["refused"],
        "microseconds": round((processes.seconds(name) - before) / requests * 1e6, 2),
        "quiet_p99": quiet["p99"],
        "p99": told["p99"],
        "longest": told["longest"],
        "most_kib": most,
    }


def stale(name, port, change, generation):
    """How long after a change is a connection that was open before still answered by the former state, and a new one?"""
    opened = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    former = generation(opened)
    change(0 if former.endswith("1") else 1)
    begin, fresh, answers, closed = time.monotonic(), None, 0, False
    while time.monotonic() - begin < 15:
        if fresh is None and generation(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) != former:
            fresh = time.monotonic() - begin
        try:
            told = generation(opened)
        except (OSError, http.client.HTTPException):
            closed = True
            break
        if told != former:
            break
        answers += 1
        time.sleep(0.02)
    return {
        "label": f"stale: {name}",
        "new_connections_after_seconds": fresh and round(fresh, 2),
        "open_connection_after_seconds": round(time.monotonic() - begin, 2),
        "former_answers": answers,
        "ended_by_closing": closed,
    }


def pause_of(name):
    return SLOW if name == "portcullis" and not hears_hangup(name) else 1


def hears_hangup(name):
    """Whether the process handles SIGHUP; to one that does not, it is the end."""
    with open(f"/proc/{processes.STARTED[name].pid}/status", encoding="utf-8") as file:
        caught = next(line for line in file if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) & 1 << (signal.SIGHUP - 1))


def nginx(_number):
    processes.STARTED["nginx"].send_signal(signal.SIGHUP)


def haproxy(_number):
    processes.STARTED["haproxy"].send_signal(signal.SIGUSR2)


def envoy(number):
    folder = f"{processes.RUN}/envoy-listeners"
    shutil.copy(f"{processes.RUN}/envoy-listener-{number % 2}.json", f"{folder}/next")
    os.rename(f"{folder}/next", f"{folder}/listener.json")


def portcullis(number):
    file = f"{processes.RUN}/portcullis/plain/policies/refuse.cedar"
    with open(f"{processes.RUN}/portcullis/next.cedar", "w", encoding="utf-8") as next_:
        next_.write(gate.refusing(number % 2))
    os.rename(f"{processes.RUN}/portcullis/next.cedar", file)
    if hears_hangup("portcullis"):
        processes.STARTED["portcullis"].send_signal(signal.SIGHUP)


def header_generation(connection):
    connection.request("GET", "/")
    answer = connection.getresponse()
    answer.read()
    return answer.getheader("x-generation")


def reason_generation(connection):
    """The public reason of the refusal names the policy that decided."""
    connection.request("GET", "/deny")
    text = connection.getresponse().read().decode()
    return "closed_1" if "closed_1" in text else "closed_0"


SERVERS = [
    ("nginx", ports.NGINX, nginx, None),
    ("haproxy", ports.HAPROXY, haproxy, None),
    ("envoy-reloaded", ports.ENVOY_RELOADED, envoy, header_generation),
    ("portcullis", ports.PORTCULLIS, portcullis, reason_generation),
]
