"""Verifying scenarios: each yields the status it declares, for the reason it declares."""
import concurrent.futures
import pathlib
import tempfile
import time

from . import logfile, scenario as scenarios_module
from .site import Site

FEWEST_LINES = 20000  # a log shorter than this shows too little to be told from chance


def verify(scenarios, jobs, quiet):
    """Prints a line for each scenario and a last one with the sum; returns how many are bad."""
    bad = _unknown_names(scenarios)
    skipped = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for scenario, (holds, message, seconds) in zip(scenarios, pool.map(_timed, scenarios)):
            tag = "SKIP " if holds is None else "ok   " if holds else "FAIL "
            bad += holds is False
            skipped += holds is None
            if not quiet or not holds:
                about = f"{scenario.name:20} {scenario.kind:6} {scenario.mode:6} {scenario.cause:34}"
                print(f"{tag} {about} {message} ({seconds:.1f}s)", flush=True)
    verified = len(scenarios) - bad - skipped
    print(f"{len(scenarios)} scenarios, {verified} verified, {bad} bad, {skipped} skipped")
    return bad


def _unknown_names(scenarios):
    causes, layers = scenarios_module.taxonomy(scenarios)
    bad = 0
    for scenario in scenarios:
        for cause in [scenario.cause, *scenario.accept]:
            if cause not in causes:
                print(f"BAD   {scenario.name}: unknown cause {cause}")
                bad += 1
        for layer in scenario.answered_by:
            if layer not in layers:
                print(f"BAD   {scenario.name}: unknown layer {layer}")
                bad += 1
    return bad


def _timed(scenario):
    begun = time.time()
    try:
        holds, message = _log_holds(scenario) if scenario.kind == "log" else _site_holds(scenario)
    except Exception as fault:  # a scenario that cannot even start is a bad one, not the end of the run
        holds, message = False, f"{type(fault).__name__}: {str(fault)[:400]}"
    return holds, message, time.time() - begun


def _log_holds(scenario):
    with tempfile.TemporaryDirectory(prefix="site-") as directory:
        _, counts = logfile.write(scenario, pathlib.Path(directory))
    lines, refused, injected = counts["lines"], counts["n403"], counts["injected403"]
    holds = lines >= FEWEST_LINES and refused > 0 and (scenario.is_control or injected > 0)
    return holds, f"{lines} lines, {refused} are 403 ({injected} injected)"


def _site_holds(scenario):
    if obstacle := scenario.obstacle():
        return None, obstacle
    with Site(scenario) as site:
        status, text = site.ask()
        fault = None
        if status != scenario.expected_status:
            fault = str(status)
        else:
            fault = _text_fault(scenario, status, text) or _log_fault(scenario, status, site)
        fault = _contrast_fault(scenario, status, site) or fault
    if fault:
        return False, fault + " | " + " / ".join(text.split("\n")[:3])[:150]
    return True, str(status)


def _text_fault(scenario, status, text):
    """The answer says what it must say."""
    for marker in scenario.facts.get("expect_contains", []):
        if marker.lower() not in text.lower():
            return f"{status} but no {marker!r}"
    return None


def _log_fault(scenario, status, site):
    """The server's own log states the reason: the ground truth."""
    if "expect_log" not in scenario.facts:
        return None
    time.sleep(0.15)  # some servers write a moment after they have answered
    log = site.log_text()
    for marker in scenario.facts["expect_log"]:
        if marker not in log:
            return f"{status} but log lacks {marker!r}"
    return None


def _contrast_fault(scenario, status, site):
    """A neighbouring request behaves differently, so that the claimed cause is the cause.  All are asked, in order."""
    fault = None
    for contrast in scenario.facts.get("contrast", []):
        other, _ = site.ask(contrast)
        if other != contrast["status"]:
            fault = f"{status}, contrast {contrast['url']} gave {other} not {contrast['status']}"
    return fault
