"""The causes to be found: which requests each of them refuses."""


def hits(cause, event, chance, groups):
    """Whether an injected cause refuses this request."""
    if event["scan"] and cause["kind"] != "scanner":
        return False
    if not _in_scope(cause, event):
        return False
    probability = cause.get("p", 0.95)
    if cause["kind"] == "peak":  # minutes above the limit: the excess is refused
        if event["in_minute"] <= cause["per_min"]:
            return False
        probability = 1 - cause["per_min"] / event["in_minute"]
    elif cause["kind"] == "cohort":
        if not _in_cohort(cause, event, chance, groups):
            return False
    elif not CONDITIONS[cause["kind"]](cause, event):
        return False
    return chance.random() < probability


def _in_scope(cause, event):
    if event["minute"] < cause.get("from_min", event["minute"]):
        return False
    if event["minute"] >= cause.get("to_min", event["minute"] + 1):
        return False
    if "paths" in cause and not event["uri"].startswith(tuple(cause["paths"])):
        return False
    return not event["uri"].startswith(tuple(cause.get("not_paths", ())))


def _in_cohort(cause, event, chance, groups):
    account = event["account"]
    if account == "-" or not event["uri"].startswith("/api"):
        return False
    if account not in groups:
        groups[account] = chance.random() < cause["share"]
    return groups[account]


def _hotlinked(_cause, event):
    foreign = event["referer"] != "-" and "shop.example.test" not in event["referer"]
    return foreign and event["uri"].startswith(("/img", "/fonts", "/assets"))


CONDITIONS = {
    "all": lambda cause, event: True,
    "family": lambda cause, event: event["family"] in cause["families"],
    "ua": lambda cause, event: cause["match"] in event["agent"],
    "net": lambda cause, event: event["address"].startswith(cause["prefix"]),
    "upstream": lambda cause, event: event["upstream"] == cause["addr"],
    "hotlink": _hotlinked,
    "method": lambda cause, event: event["method"] in cause["methods"],
    "payload": lambda cause, event: any(token in event["uri"] for token in cause["tokens"]),
    "scanner": lambda cause, event: event["scan"],
}
