#!/usr/bin/env python3
"""Writes every configuration, key and token into a folder.

usage: generate.py FOLDER [--policies NUMBER]
"""

import argparse
import os

import credentials
import envoy
import gate
import peers


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--policies", type=int, default=10_000, help="policies of the large world; 10000 by default")
    arguments = parser.parse_args()
    run = os.path.abspath(arguments.folder)

    def put(name, text, secret=False):
        path = os.path.join(run, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8", opener=private if secret else None) as file:
            file.write(text)

    credentials.write(put)
    peers.write(put, run)
    envoy.write(put, run)
    gate.write(put, run, arguments.policies)
    put("policies", str(arguments.policies))
    print(f"wrote {run}")


def private(path, flags):
    return os.open(path, flags, 0o600)


if __name__ == "__main__":
    main()
