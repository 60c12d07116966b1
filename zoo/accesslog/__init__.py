"""Seeded access logs.  `generate(path, spec)` writes one and returns how many lines, 403s and injected 403s it has.

A site with pages, assets and an API is visited by clients drawn from a few networks, device families and accounts over
some hours with a day curve; ordinary 404/304/500s, a trickle of unrelated 403s and scanner noise are always there as
distractors.  spec["inject"] adds the causes to be found.  The same spec gives the same log, byte for byte: whoever adds
a draw of chance anywhere changes every log that is drawn after it.
"""
from .traffic import generate

__all__ = ["generate"]
