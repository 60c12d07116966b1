"""The command line: list, install, where, verify, serve, score, page."""
import argparse
import collections
import json
import pathlib
import shlex
import sys
import time

from . import install, page, places, tables
from .scenario import load
from .score import Tool, score
from .site import Site
from .verify import verify


def main(about, called_in):
    """Runs one command and returns the exit status.  `called_in` is the folder in which zoo.py was called."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run in COMMANDS.items():
        command = commands.add_parser(name)
        command.set_defaults(run=run)
        _add_selection(command)
        if name == "list":
            command.add_argument("--json", dest="as_json", action="store_true")
        if name == "score":
            _add_scoring(command)
        if name == "page":
            command.add_argument("--result", type=pathlib.Path, required=True, help="what score --json has written")
            command.add_argument("--out", type=pathlib.Path, required=True, help="the chapter to write")
    options = parser.parse_args()
    options.folders = [pathlib.Path(options.root)] if options.root else [called_in, places.ZOO]
    return options.run(options)


def _add_selection(command):
    command.add_argument("names", nargs="*")
    command.add_argument("--set", help="name of the directory that holds the scenarios: open, own, ...")
    command.add_argument("--root", help="look for sets under this directory only")
    command.add_argument("--kind", choices=["real", "replay", "log"])
    command.add_argument("--mode", choices=["remote", "local", "logs"])
    command.add_argument("-j", "--jobs", type=int, default=1)
    command.add_argument("-q", "--quiet", action="store_true")


def _add_scoring(command):
    command.add_argument("--cmd", help="the tool for a URL, with placeholders")
    command.add_argument("--logs-cmd", help="the tool for a log, with placeholders")
    command.add_argument("--local-flag", default="--local")
    command.add_argument("--timeout", type=float, default=90)
    command.add_argument("--min-top1", type=float, help="exit 1 below this share (for CI)")
    command.add_argument("--json", help="write all results here")


def _selected(options):
    return load(options.folders, options.names, options.set, options.kind, options.mode)


def _list(options):
    scenarios = _selected(options)
    if options.as_json:
        keys = ("title", "kind", "mode", "cause")
        print(json.dumps([{"name": s.name, **{key: s.facts.get(key) for key in keys}} for s in scenarios]))
        return 0
    for s in scenarios:
        print(f"{s.name:20} {s.kind:6} {s.mode:6} {s.cause:34} {s.facts['title']}")
    counts = dict(collections.Counter((s.set, s.kind) for s in scenarios))
    print(counts, len({s.cause for s in scenarios}), "distinct causes")
    return 0


def _install(_options):
    install.install()
    return 0


def _where(_options):
    for kind, program in places.PROGRAMS.items():
        print(f"{kind:10} {places.which(program) or 'MISSING'}")
    return 0


def _verify(options):
    return 1 if verify(_selected(options), options.jobs, options.quiet) else 0


def _serve(options):
    found = _selected(options)
    if not found:
        raise SystemExit(f"no scenario {' '.join(options.names)!r}")
    with Site(found[0]) as site:
        request = site.request()
        proxy = ["-x", request.proxy] if request.proxy else []
        print("dir ", site.directory)
        print("curl", shlex.join([*proxy, *request.arguments(), request.url]))
        print("\n".join(request.ask()[1].split("\n")[:40]), flush=True)
        try:
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return 0


def _score(options):
    scenarios = _selected(options)
    if not options.cmd:
        scenarios = [scenario for scenario in scenarios if scenario.kind == "log"]
    tool = Tool(options.cmd, options.logs_cmd, options.local_flag, options.timeout)
    records = []
    for record in score(scenarios, tool, options.jobs):
        records.append(record)
        if not options.quiet:
            print(tables.progress(record), flush=True)
    tables.print_tables([record for record in records if record["ran"]])
    total = tables.summary(records)
    print("\n" + json.dumps(total))
    if options.json:
        whole = {"summary": total, "cmd": options.cmd, "logs_cmd": options.logs_cmd, "results": records}
        pathlib.Path(options.json).write_text(json.dumps(whole, indent=1) + "\n")
    return 1 if options.min_top1 is not None and (total["top1"] or 0) < options.min_top1 else 0


def _page(options):
    try:
        page.write(options.result, places.ZOO / "misses.toml", options.out)
    except page.Unexplained as fault:
        print(f"zoo.py: {fault}", file=sys.stderr)
        return 1
    return 0


COMMANDS = {
    "list": _list,
    "install": _install,
    "where": _where,
    "verify": _verify,
    "serve": _serve,
    "score": _score,
    "page": _page,
}
