"""Scoring a tool: run it on every scenario and compare what it says with the ground truth."""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time

from . import logfile
from .site import Site

UNSAFE = re.compile(r'[" ](POST|PUT|DELETE|PATCH|PURGE)[" ]')

LOGGED = 0.1  # seconds after which a server has logged what it has answered


class Tool:
    """The commands to be scored, as templates, and how long one may take."""

    def __init__(self, command, logs_command, local_flag, timeout):
        self.command = command
        self.logs_command = logs_command
        self.local_flag = local_flag
        self.timeout = timeout


class _CannotRun(Exception):
    """The scenario cannot be scored here; its text says why."""


def score(scenarios, tool, jobs):
    """Yields one record for each scenario, in order."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(lambda scenario: score_one(scenario, tool), scenarios)


def score_one(scenario, tool):
    """The record of one scenario: what was so, what the tool said, and whether that is right."""
    record = {
        "name": scenario.name, "set": scenario.set, "kind": scenario.kind, "mode": scenario.mode,
        "cause": scenario.cause, "layer": scenario.answered_by,
        "top1": False, "top3": False, "strict1": False, "by": None, "detail": None, "ran": False,
    }
    begun = time.time()
    try:
        run = _run_on_log if scenario.kind == "log" else _run_on_site
        said = run(scenario, tool, record)
        record["ran"] = True
    except subprocess.TimeoutExpired:
        said = {}
        record.update(error="timeout", ran=True)
    except _CannotRun as reason:
        record["skipped"] = str(reason)
        return record
    except Exception as fault:
        record["error"] = f"{type(fault).__name__}: {fault}"[:300]
        return record
    finally:
        record["seconds"] = round(time.time() - begun, 2)
    _judge(scenario, said, record)
    return record


def _run_on_log(scenario, tool, record):
    if not tool.logs_command:
        raise _CannotRun("no --logs-cmd")
    with tempfile.TemporaryDirectory(prefix="site-") as directory:
        path, _ = logfile.write(scenario, pathlib.Path(directory))
        os.chmod(directory, 0o755)
        values = {"log": str(path), "config_dir": directory, "headers": [], "local": [], "url": ""}
        return _call(tool, expand(tool.logs_command, values), dict(os.environ), record)


def _run_on_site(scenario, tool, record):
    if obstacle := scenario.obstacle():
        raise _CannotRun(obstacle)
    with Site(scenario) as site:
        status, _ = site.ask()
        if status != scenario.expected_status:
            raise _CannotRun(f"scenario gave {status}")
        for _ in range(scenario.facts.get("prime", 0)):  # round robin: bring the failing node back to the front
            site.ask()
        request = site.request()
        values = _placeholders(scenario, site, request, tool)
        time.sleep(LOGGED)
        before = site.access_lines()
        said = _call(tool, expand(tool.command, values), request.environment(), record)
        if before is not None:
            time.sleep(LOGGED)
            asked = site.access_lines()[len(before):]
            record["requests"] = len(asked)
            if request.is_safe:  # a probe must not change state unasked
                record["unsafe"] = sum(bool(UNSAFE.search(line)) for line in asked)
    return said


def _placeholders(scenario, site, request, tool):
    local = scenario.mode == "local"
    given = scenario.facts.get("local", {})
    configs = [str(site.directory / config) for config in given.get("configs", [])] if local else []
    logs = given.get("logs") if local else None
    return {
        "url": request.url,
        "headers": request.arguments(),
        "local": [word for config in configs for word in (tool.local_flag, config)],
        "config": configs[0] if configs else "",
        "config_dir": str(site.directory / "etc") if local else "",
        "log": str(site.directory / logs[0]) if logs else "",
    }


def expand(template, values):
    """The template's words with placeholders filled in; a list takes the place of a word of its own."""
    words = []
    for word in shlex.split(template):
        if word in ("{headers}", "{local}"):
            words += values[word[1:-1]]
            continue
        for name, value in values.items():
            if isinstance(value, str):
                word = word.replace("{" + name + "}", value)
        words.append(word)
    return words


def _call(tool, words, environment, record):
    done = subprocess.run(
        words, capture_output=True, text=True, errors="replace", timeout=tool.timeout, env=environment
    )
    record["rc"] = done.returncode
    try:
        return _parse(done.stdout)
    except ValueError:
        record["error"] = "no JSON: " + (done.stdout + done.stderr)[-300:]
        return {}


def _parse(text):
    try:
        return json.loads(text)
    except ValueError:
        return json.loads(text[text.find("{"):text.rfind("}") + 1])


def _judge(scenario, said, record):
    causes = said.get("causes") or []
    first = causes[0] if causes else None
    got = [cause.get("id", "") if isinstance(cause, dict) else str(cause) for cause in causes]
    record["got"] = got[:3]
    record["confidence"] = first.get("confidence") if isinstance(first, dict) else None
    if scenario.is_control:
        right = "error" not in record and (not got or got[0].startswith("none."))
        record["top1"] = record["top3"] = record["strict1"] = right
    else:
        acceptable = {scenario.cause, *scenario.accept}
        record["strict1"] = got[:1] == [scenario.cause]
        record["top1"] = bool(got) and got[0] in acceptable
        record["top3"] = any(cause in acceptable for cause in got[:3])
    if scenario.answered_by:
        answered_by = said.get("answered_by") or {}
        record["got_by"] = answered_by.get("layer") if isinstance(answered_by, dict) else answered_by
        record["by"] = record["got_by"] in scenario.answered_by
    if "truth" in scenario.facts and causes:
        text = json.dumps(first).lower()
        named = (any(word.lower() in text for word in words.split("|")) for words in scenario.facts["truth"])
        record["detail"] = record["top1"] and all(named)
