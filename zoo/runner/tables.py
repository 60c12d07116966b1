"""What a score comes to: the printed tables and the summary."""


def progress(record):
    """One line about one scored scenario."""
    mark = "skip" if not record["ran"] else "1   " if record["top1"] else "3   " if record["top3"] else "miss"
    got = record.get("got", record.get("skipped", record.get("error")))
    about = f"{mark} {record['name']:20} {record['cause']:34}"
    return f"{about} got {got} by {record.get('got_by')} {record.get('error', '')[:80]}"


def print_tables(ran):
    """The tables of those that ran; real scenarios and replays are never mixed in one row by kind."""
    if not ran:
        return
    _table(ran, "set", lambda record: record["set"])
    _table(ran, "set / kind", lambda record: f"{record['set']} {record['kind']}")
    _table(ran, "mode", lambda record: record["mode"])
    controls = [record for record in ran if record["cause"].startswith("none.")]
    _table(controls or ran, "controls (or all)", lambda record: "controls")
    _table([r for r in ran if r["layer"]], "answering layer (truth)", lambda record: record["layer"][0])
    brier = brier_score(ran)
    if brier is not None:
        print(f"\nBrier score of the first cause's confidence: {brier:.3f}")


def brier_score(ran):
    """Mean square of confidence less truth, of first causes that state a confidence; None if none does."""
    stated = [(r["confidence"], r["top1"]) for r in ran if isinstance(r["confidence"], (int, float))]
    if not stated:
        return None
    return sum((confidence - truth) ** 2 for confidence, truth in stated) / len(stated)


def summary(records):
    """The shares over everything that ran, and what the diagnoses cost in requests."""
    ran = [record for record in records if record["ran"]]
    total = {"n": len(ran), "skipped": len(records) - len(ran)}
    requests = sorted(record["requests"] for record in ran if "requests" in record)
    if requests:
        total["requests"] = {
            "scenarios": len(requests), "median": requests[len(requests) // 2], "max": requests[-1],
            "unsafe": sum(record.get("unsafe", 0) for record in ran),
        }
    for key in ("top1", "top3", "strict1"):
        total[key] = sum(record[key] for record in ran) / len(ran) if ran else None
    by = [record["by"] for record in ran if record["by"] is not None]
    total["answered_by"] = sum(by) / len(by) if by else None
    return total


def _table(records, title, key):
    groups = {}
    for record in records:
        groups.setdefault(key(record), []).append(record)
    print(f"\n{title:28} {'n':>4} {'top1':>6} {'top3':>6} {'strict':>7} {'by':>6} {'detail':>7}")
    for name in sorted(groups):
        group = groups[name]
        top1, top3, strict, by, detail = (
            _percent([record[column] for record in group if record[column] is not None])
            for column in ("top1", "top3", "strict1", "by", "detail")
        )
        print(f"{name:28} {len(group):4} {top1} {top3} {strict:>7} {by} {detail:>7}")


def _percent(values):
    return f"{100 * sum(values) / len(values):5.0f}%" if values else "     -"
