#!/usr/bin/env python3
"""Times log tools on one access log in the page cache: wall, CPU seconds a gigabyte, most memory.

usage: bench.py LOG OUT.jsonl [TOOL...]        tools that are not installed are skipped

Each tool runs ROUNDS (3) times after the file was read once, one after the other, and its answer is kept, so that a fast wrong
count shows. Tools that are slow read only the first HEAD_MB (100) megabytes. `foreign` is the part of the machine that others
burnt meanwhile: where it is not near zero, believe the CPU seconds and not the wall.

Environment: PORTCULLIS_LOGS (the program to measure), PY (a Python with duckdb), ROUNDS, HEAD_MB.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

PORTCULLIS = os.environ.get("PORTCULLIS_LOGS", "target/release/examples/logs")
PYTHON = os.environ.get("PY", sys.executable)

DUCK = r"""
import duckdb, sys
connection = duckdb.connect()
connection.execute("set threads=2")
connection.execute("set enable_progress_bar=false")
print(connection.execute(sys.argv[2].replace("LOG", sys.argv[1])).fetchall()[:3])
"""
LINES = (
    "read_csv('LOG', columns={'line':'VARCHAR'}, delim=chr(1), quote='', escape='', header=false, auto_detect=false, "
    "strict_mode=false)"
)
FIELDS = (
    "read_csv('LOG', columns={'ip':'VARCHAR','i':'VARCHAR','u':'VARCHAR','t':'VARCHAR','z':'VARCHAR','req':'VARCHAR',"
    "'status':'VARCHAR','size':'VARCHAR','ref':'VARCHAR','ua':'VARCHAR'}, delim=' ', quote='\"', escape='\"', header=false, "
    "auto_detect=false, strict_mode=false, ignore_errors=true)"
)
PARSED = f"select ip, count(*) n from {FIELDS} where status='403' group by 1 order by n desc, 1"
FILTERED = (
    f"select regexp_extract(line, '^\\S+') ip, count(*) n from {LINES} where line like '%\" 403 %' "
    "group by 1 order by n desc, 1"
)
AWK = "$9==403{c[$1]++}END{for(k in c){n++;s+=c[k]};print n,s}"

# Tools, and what they do: Portcullis explains, the others count addresses of 403s or (GoAccess) make their whole report.
TOOLS = {
    "wc -l": ["wc", "-l", "{log}"],
    "rg -c": ["rg", "-c", '" 403 ', "{log}"],
    "portcullis logs": [PORTCULLIS, "--json", "{log}"],
    "gawk": ["env", "LC_ALL=C", "gawk", AWK, "{log}"],
    "mawk": ["mawk", AWK, "{log}"],
    "duckdb, parsed": [PYTHON, "-c", DUCK, "{log}", PARSED],
    "duckdb, prefiltered": [PYTHON, "-c", DUCK, "{log}", FILTERED],
    "goaccess": ["goaccess", "{head}", "--log-format=COMBINED", "--no-global-config", "--no-progress", "-o", "{folder}/r.json"],
}
SLOW = {"goaccess"}


def machine():
    """Seconds that all processors were busy, and seconds in all."""
    with open("/proc/stat", encoding="ascii") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / 100, sum(fields) / 100


def measured(name, log, head, folder):
    """One run; None if the tool is not here."""
    size = os.path.getsize(head if name in SLOW else log)
    command = [word.replace("{log}", log).replace("{head}", head).replace("{folder}", folder) for word in TOOLS[name]]
    program = command[2] if command[0] == "env" else command[0]
    if not shutil.which(program):
        return None
    busy, everything = machine()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        with open(f"{folder}/answer", "wb") as answer:
            done = subprocess.run(command, stdout=answer, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        with open(f"{folder}/usage", "w", encoding="ascii") as told:
            json.dump([usage.ru_utime + usage.ru_stime, usage.ru_maxrss, done.returncode], told)
        os._exit(0)
    os.waitpid(child, 0)
    wall = time.monotonic() - started
    busy_after, everything_after = machine()
    with open(f"{folder}/usage", encoding="ascii") as told:
        cpu, memory, code = json.load(told)
    with open(f"{folder}/answer", encoding="utf-8", errors="replace") as answer:
        said = answer.read()
    if name == "portcullis logs":
        report = json.loads(said)
        said = f"{report['counts']['refused']} of {report['counts']['requests']}"
    foreign = max(0.0, busy_after - busy - cpu) / max(0.01, everything_after - everything)
    return {
        "tool": name,
        "mb": round(size / 1e6),
        "wall_s": round(wall, 2),
        "mb_s": round(size / 1e6 / wall),
        "cpu_s_gb": round(cpu / size * 1e9, 2),
        "memory_mb": round(memory / 1024),
        "code": code,
        "foreign": round(foreign, 2),
        "answer": said.strip()[:120],
    }


def main():
    log, out = sys.argv[1], sys.argv[2]
    names = sys.argv[3:] or list(TOOLS)
    with tempfile.TemporaryDirectory() as folder:
        head = f"{folder}/head.log"
        with open(log, "rb") as whole, open(head, "wb") as beginning:
            beginning.write(whole.read(int(os.environ.get("HEAD_MB", "100")) * 1_000_000))
        subprocess.run(["cat", log], stdout=subprocess.DEVNULL, check=True)  # into the page cache
        for name in names:
            for _ in range(int(os.environ.get("ROUNDS", "3"))):
                row = measured(name, log, head, folder)
                if row is None:
                    print("not here:", name)
                    break
                with open(out, "a", encoding="utf-8") as rows:
                    rows.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
