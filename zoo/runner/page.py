"""The book's chapter about a score: tables, what the diagnoses cost, and every miss with its reason.

A miss without a reason in misses.toml is an error: what a tool gets wrong is published with why, or not at all.
"""
import json
import pathlib
import sys
import tomllib

from . import places, tables
from .scenario import Scenario, taxonomy

HEAD = """\
# Measured on real servers

[The zoo](../../zoo/README.md) starts real servers with configurations that really refuse, replays written-down answers of
services that cannot be run, and generates access logs; each scenario carries the truth. The diagnostician is run on all of
them and sees what its user would see: in mode *remote* a URL and request options, in mode *local* the configuration too, in
mode *logs* an access log. This chapter is written by

```sh
cargo xtask zoo --page
```

**First** means that the truth, or an id that the evidence allowed there cannot separate from it, is the first cause named;
**of three**, that it is among the first three; **exactly**, that the first is the truth itself; **by**, that the layer which
answered is right. Controls (answers that are not a 403) are right if no cause is claimed. **Detail**, for logs: the first
cause names the address range, agent, minute, node or prefix.
"""


class Unexplained(Exception):
    """Misses without a reason."""


def write(result_file, misses_file, output):
    """Writes the chapter; raises `Unexplained` if a miss has no reason."""
    result = json.loads(result_file.read_text())
    reasons = tomllib.loads(misses_file.read_text()).get("miss", {}) if misses_file.exists() else {}
    ran = [record for record in result["results"] if record["ran"]]
    misses = [record for record in ran if _what_missed(record)]
    missing = [record["name"] for record in misses if not reasons.get(record["name"], {}).get("why", "").strip()]
    if missing:
        raise Unexplained(f"{misses_file.name} gives no reason for {', '.join(missing)}")
    for name in sorted(set(reasons) - {record["name"] for record in misses}):
        print(f"{misses_file.name} has a reason for {name}, which is not missed: remove it", file=sys.stderr)
    skipped = [record for record in result["results"] if not record["ran"]]
    output.write_text("\n".join([
        HEAD, *_commands(result), *_sets(ran), *_first_sight(), *_cost(ran), *_servers(ran), *_misses(misses, reasons),
        *_skipped(skipped),
    ]))


def _commands(result):
    given = (("a URL", result["cmd"]), ("a log", result["logs_cmd"]))
    return ["What was run:", "", *(f"- for {what}: `{command}`" for what, command in given if command), ""]


def _sets(ran):
    lines = ["## In all", "", *_head(["set", "kind"])]
    for (name, kind), group in _groups(ran, lambda record: (record["set"], record["kind"])):
        lines.append(_row([name, kind], group))
    lines += [_row(["all", ""], ran), ""]
    for name, group in _groups(ran, lambda record: record["set"]):
        brier = tables.brier_score(group)
        if brier is not None:
            lines.append(f"- Brier score of the first cause's confidence, `{name}`: {brier:.3f}")
    controls = [record for record in ran if record["cause"].startswith("none.")]
    right = sum(record["top1"] for record in controls)
    lines += [f"- Controls on which no cause was claimed: {right} of {len(controls)}", ""]
    return lines


def _first_sight():
    """What was scored before anything was changed, from first.toml: the honest guess for what nobody has shown yet."""
    rows = tomllib.loads((places.ZOO / "first.toml").read_text())["row"]
    lines = [
        "## At first sight", "",
        "Shares on sets that nobody had shown to the diagnostician, before anything was changed for them: the best guess",
        "for the next refusal that it meets. The other tables are later: the findings have learnt from what was missed.",
        "", "| set | kind | n | first | of three | exactly | by | Brier |", "|---|---|" + "--:|" * 6,
    ]
    for row in rows:
        shares = [f"{row[name]} %" if name in row else "" for name in ("first", "of_three", "exactly", "by")]
        brier = f"{row['brier']:.3f}" if "brier" in row else ""
        lines.append(f"| {' | '.join([row['set'], row['kind'], str(row['n']), *shares, brier])} |")
    return [*lines, ""]


def _cost(ran):
    requests = sorted(record["requests"] for record in ran if "requests" in record)
    if not requests:
        return []
    unsafe = sum(record.get("unsafe", 0) for record in ran)
    return [
        f"Requests that reached the site during a diagnosis, where its log tells ({len(requests)} scenarios): median "
        f"{requests[len(requests) // 2]}, at most {requests[-1]}. Of unsafe methods, though the reported request was safe: "
        f"{unsafe}.",
        "",
    ]


def _servers(ran):
    """By the layer that really answered.  A real server and a replay of one never stand in the same row."""
    titles = _layer_titles(ran)
    lines = ["## By who answered", ""]
    for name, group in _groups(ran, lambda record: record["set"]):
        lines += [f"### Set `{name}`", "", *_head(["answered by", "kind", "mode"])]
        for (layer, kind, mode), rows in _groups(group, lambda record: (_layer(record), record["kind"], record["mode"])):
            lines.append(_row([titles.get(layer, layer), kind, mode], rows))
        lines.append("")
    return lines


def _misses(misses, reasons):
    lines = ["## Every miss", ""]
    if not misses:
        return [*lines, "None.", ""]
    lines += ["| scenario | | missed | named | truth | why |", "|---|---|---|---|---|---|"]
    for record in misses:
        title = Scenario(places.ZOO / record["name"]).facts["title"]
        named = ", ".join(f"`{cause}`" for cause in record.get("got", [])) or record.get("error", "nothing")
        truth = f"`{record['cause']}`"
        if record["by"] is False:
            named += f" by {record.get('got_by') or 'nobody'}"
            truth += f" by {' or '.join(record['layer'])}"
        cells = [record["name"], title, _what_missed(record), named, truth, reasons[record["name"]]["why"].strip()]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return [*lines, ""]


def _skipped(skipped):
    if not skipped:
        return []
    return ["## Not run", "", *(f"- {r['name']}: {r.get('skipped', r.get('error'))}" for r in skipped), ""]


def _what_missed(record):
    if not record["top3"]:
        return "cause"
    if not record["top1"]:
        return "order"
    if record["by"] is False:
        return "who answered"
    return "detail" if record["detail"] is False else ""


def _layer(record):
    return record["layer"][0] if record["layer"] else "logs"


def _layer_titles(ran):
    scenarios = [Scenario(places.ZOO / record["name"]) for record in ran]
    _, layers = taxonomy(scenarios)
    return {"logs": "(logs)", "none": "(control)", **{name: title for name, title in layers.items() if name != "none"}}


def _groups(records, key):
    groups = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    return sorted(groups.items())


def _head(names):
    columns = ["n", "first", "of three", "exactly", "by", "detail"]
    return [f"| {' | '.join([*names, *columns])} |", "|" + "---|" * len(names) + "--:|" * len(columns)]


def _row(names, group):
    shares = [
        _percent([record[column] for record in group if record[column] is not None])
        for column in ("top1", "top3", "strict1", "by", "detail")
    ]
    return f"| {' | '.join([*names, str(len(group)), *shares])} |"


def _percent(values):
    return f"{100 * sum(values) / len(values):.0f} %" if values else ""
