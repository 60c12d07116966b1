"""Judging what a tool says, and expanding its command."""
import pathlib
import tempfile
import unittest

from runner import score
from runner.scenario import Scenario

BASE = 'title = "x"\nkind = "real"\nmode = "remote"\n'


def judged(scenario, said, **record):
    with tempfile.TemporaryDirectory() as directory:
        (pathlib.Path(directory) / "scenario.toml").write_text(BASE + scenario)
        record = {"by": None, "detail": None, **record}
        score._judge(Scenario(directory), said, record)
    return record


def causes(*ids, **first):
    named = [{"id": cause} for cause in ids]
    named[0].update(first)
    return {"causes": named}


class Judging(unittest.TestCase):
    TRUTH = 'cause = "nginx.deny-rule"\naccept = ["nginx.return-403"]\nanswered_by = ["nginx"]\n'

    def test_the_truth_counts_strictly_and_an_accepted_id_does_not(self):
        record = judged(self.TRUTH, causes("nginx.deny-rule"))
        self.assertTrue(record["top1"] and record["top3"] and record["strict1"])
        record = judged(self.TRUTH, causes("nginx.return-403"))
        self.assertTrue(record["top1"] and not record["strict1"])

    def test_the_third_counts_for_three_and_the_fourth_for_nothing(self):
        record = judged(self.TRUTH, causes("a", "b", "nginx.deny-rule"))
        self.assertFalse(record["top1"])
        self.assertTrue(record["top3"])
        self.assertFalse(judged(self.TRUTH, causes("a", "b", "c", "nginx.deny-rule"))["top3"])

    def test_who_answered_is_judged_apart(self):
        right = {**causes("x"), "answered_by": {"layer": "nginx"}}
        self.assertTrue(judged(self.TRUTH, right)["by"])
        self.assertFalse(judged(self.TRUTH, causes("nginx.deny-rule"))["by"])

    def test_a_control_wants_no_cause(self):
        control = 'cause = "none.not-403"\n'
        self.assertTrue(judged(control, {"causes": []})["top1"])
        self.assertTrue(judged(control, causes("none.not-403"))["top1"])
        self.assertFalse(judged(control, causes("app.csrf"))["top1"])
        self.assertFalse(judged(control, {}, error="timeout")["top1"])

    def test_details_must_stand_in_the_first_cause(self):
        log = 'cause = "logs.deploy"\ntruth = ["14:29|14:30"]\n'
        self.assertTrue(judged(log, causes("logs.deploy", title="since 14:30"))["detail"])
        self.assertFalse(judged(log, causes("logs.deploy", title="since 15:30"))["detail"])
        self.assertFalse(judged(log, causes("logs.path-rule", title="since 14:30"))["detail"])


class Expanding(unittest.TestCase):
    def test_lists_take_the_place_of_a_word(self):
        values = {"headers": ["-H", "A: b c"], "local": [], "url": "http://x/?a=1"}
        words = score.expand("tool --json {headers} {local} {url} --out={url}.txt", values)
        self.assertEqual(words, ["tool", "--json", "-H", "A: b c", "http://x/?a=1", "--out=http://x/?a=1.txt"])

    def test_json_is_found_among_other_words(self):
        self.assertEqual(score._parse('looking…\n{"causes": []}\ndone'), {"causes": []})
        with self.assertRaises(ValueError):
            score._parse("nothing")
