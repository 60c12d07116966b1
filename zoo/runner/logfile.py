"""The access log of a log scenario, generated anew for each run."""
import accesslog


def write(scenario, directory):
    """Path of the log, and how many lines, 403s and injected 403s it has."""
    spec = scenario.facts["log"]
    path = directory / spec.get("file", "access.log")
    return path, accesslog.generate(path, spec)
