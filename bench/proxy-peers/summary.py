#!/usr/bin/env python3
"""Medians of the lines of bench.py and callgrind.py, as Markdown tables.

usage: summary.py [--foreign SHARE] FILE.jsonl...

CPU time, rates and latencies come from the runs in which others burnt less than SHARE of the machine (0.15), if there are
any: the column `quiet` counts them. Instructions hardly move with other load and come from all runs.
"""

import argparse
import json
import statistics


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--foreign", type=float, default=0.15)
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    labels = {}
    for file in arguments.files:
        with open(file, encoding="utf-8") as lines:
            for line in lines:
                result = json.loads(line)
                labels.setdefault(result["label"], []).append(result)
    sections = {}
    for label, results in labels.items():
        section, name = label.split(": ", 1)
        sections.setdefault(section, []).append((name, results))
    for section, rows in sections.items():
        print(f"\n### {section}\n")
        if section in ("plain", "refuse", "decide", "tls"):
            requests(rows, arguments.foreign)
        else:
            others(rows)


def requests(rows, foreign):
    counted = any(result["thousand_instructions"] for _, results in rows for result in results)
    head = ["", *(["thousand instructions", "of the decider"] if counted else []), "CPU µs", "of the decider",
            "requests/s", "p50 µs", "p99 µs", "failed", "wrong status", "quiet"]
    table(head)
    for name, results in rows:
        calm = [result for result in results if result["foreign"] < foreign]
        used = calm or results
        cells = [name]
        if counted:
            all_counted = [result["thousand_instructions"] for result in results if result["thousand_instructions"]]
            cells += [median(each[0] for each in all_counted), median(each[2] for each in all_counted)]
        cells += [median(result["microseconds"][0] for result in used),
                  median(result["microseconds"][2] for result in used)]
        cells += [median(result[key] for result in used) for key in ("per_second", "p50", "p99")]
        cells += [sum(result[key] for result in results) for key in ("failed", "wrong_status")]
        line([*cells, f"{len(calm)}/{len(results)}"])


def others(rows):
    names = [key for key in rows[0][1][0] if key not in ("label", "round")]
    table(["", *(name.replace("_", " ") for name in names), "runs"])
    for name, results in rows:
        line([name, *(median(result.get(key) for result in results) for key in names), len(results)])


def table(head):
    line(head)
    line(["---", *["--:"] * (len(head) - 1)])


def line(cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |")


def median(values):
    known = [float(value) for value in values if value is not None]
    if not known:
        return "–"
    middle = statistics.median(known)
    return f"{middle:.0f}" if abs(middle) >= 100 or middle == int(middle) else f"{middle:.2f}"


if __name__ == "__main__":
    main()
