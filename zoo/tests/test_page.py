"""The chapter: no miss is published without its reason."""
import contextlib
import io
import json
import pathlib
import tempfile
import unittest

from runner import page

RIGHT = {
    "name": "open/real-001", "set": "open", "kind": "real", "mode": "local", "cause": "nginx.deny-rule",
    "layer": ["nginx"], "top1": True, "top3": True, "strict1": True, "by": True, "detail": None, "ran": True,
    "got": ["nginx.deny-rule"], "got_by": "nginx", "confidence": 0.9, "requests": 5, "unsafe": 0,
}
MISS = {**RIGHT, "name": "open/real-002", "top1": False, "top3": False, "strict1": False, "got": ["app|csrf"]}


def chapter(results, reasons):
    with tempfile.TemporaryDirectory() as directory, contextlib.redirect_stderr(io.StringIO()) as warned:
        folder = pathlib.Path(directory)
        (folder / "result").write_text(json.dumps({"cmd": "tool {url}", "logs_cmd": None, "results": results}))
        (folder / "misses").write_text(reasons)
        page.write(folder / "result", folder / "misses", folder / "page")
        return (folder / "page").read_text(), warned.getvalue()


class Writing(unittest.TestCase):
    def test_a_miss_without_a_reason_is_an_error(self):
        for reasons in ("", '[miss."open/real-002"]\nwhy = " "\n'):
            with self.assertRaisesRegex(page.Unexplained, "open/real-002"):
                chapter([RIGHT, MISS], reasons)

    def test_a_miss_stands_there_with_what_was_named_and_why(self):
        text, _ = chapter([RIGHT, MISS], '[miss."open/real-002"]\nwhy = "looks alike"\n')
        row = next(line for line in text.splitlines() if line.startswith("| open/real-002"))
        self.assertIn("`app\\|csrf`", row)
        self.assertTrue(row.endswith("| looks alike |"))
        self.assertIn("| open | real | 2 | 50 % | 50 % | 50 % | 100 % |  |", text)

    def test_who_answered_is_a_miss_too(self):
        with self.assertRaises(page.Unexplained):
            chapter([{**RIGHT, "by": False, "got_by": "app"}], "")

    def test_a_reason_that_is_no_longer_needed_is_named(self):
        text, warned = chapter([RIGHT], '[miss."open/real-001"]\nwhy = "x"\n')
        self.assertIn("open/real-001", warned)
        self.assertIn("None.", text)

    def test_what_did_not_run_is_not_hidden(self):
        text, _ = chapter([RIGHT, {**MISS, "ran": False, "skipped": "needs envoy"}], "")
        self.assertIn("open/real-002: needs envoy", text)
