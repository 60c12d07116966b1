#!/usr/bin/env python3
"""Writes the access log of one scenario.

usage: loggen.py SCENARIO.toml OUTPUT
"""
import pathlib
import sys
import tomllib

sys.dont_write_bytecode = True

import accesslog  # noqa: E402  (after the flag: the zoo may lie where nothing can be written)

if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    scenario = tomllib.loads(pathlib.Path(sys.argv[1]).read_text())
    print(accesslog.generate(pathlib.Path(sys.argv[2]), scenario["log"]))
