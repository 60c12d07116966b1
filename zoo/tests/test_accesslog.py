"""The log generator: the same spec gives the same log, and what is injected is what is refused."""
import hashlib
import pathlib
import tempfile
import unittest

import accesslog
from accesslog import formats

SPEC = {"seed": 11, "lines": 3000, "hours": 3, "start": "2026-03-03T09:00:00+00:00", "noise403": 0.0, "scan_share": 0.0}


def written(**changes):
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "log"
        counts = accesslog.generate(path, {**SPEC, "inject": [], **changes})
        return counts, path.read_text()


class Generating(unittest.TestCase):
    def test_the_same_spec_gives_the_same_log(self):
        _, first = written()
        _, second = written()
        self.assertEqual(first, second)
        _, other = written(seed=12)
        self.assertNotEqual(first, other)

    def test_logs_are_the_same_as_ever(self):
        """Scores of different days compare only if the logs do: a change of this hash is a change of every scenario."""
        inject = [{"kind": "net", "prefix": "189.6."}, {"kind": "cohort", "share": 0.2, "from_min": 60}]
        _, text = written(inject=inject, noise403=0.001, scan_share=0.01)
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest()[:16], "86434aeb6c3cd592")

    def test_nothing_is_refused_unless_injected(self):
        counts, text = written()
        self.assertEqual((counts["n403"], counts["injected403"]), (0, 0))
        self.assertNotIn('" 403 ', text)

    def test_only_the_injected_network_is_refused(self):
        counts, text = written(inject=[{"kind": "net", "prefix": "189.6.", "p": 1.0}])
        refused = [line for line in text.splitlines() if '" 403 ' in line]
        self.assertEqual(len(refused), counts["injected403"])
        self.assertGreater(len(refused), 20)
        self.assertTrue(all(line.startswith("189.6.") for line in refused))

    def test_an_injection_ends_when_it_says(self):
        _, text = written(inject=[{"kind": "all", "from_min": 60, "to_min": 90, "p": 1.0}])
        hours = {line.split(":")[1] + line.split(":")[2][0] for line in text.splitlines() if '" 403 ' in line}
        self.assertEqual(hours, {"100", "101", "102"})

    def test_every_format_has_a_line_for_each_request(self):
        for name in formats.FORMATS:
            with self.subTest(name):
                counts, text = written(format=name, inject=[{"kind": "method", "methods": ["POST"]}])
                self.assertEqual(len(text.splitlines()), counts["lines"] + len(formats.HEADS.get(name, [])))
                self.assertIn("403", text)
