#!/usr/bin/env python3
"""The 403 zoo: real HTTP 403s on loopback, each with its ground truth.  Standard library only.

  zoo.py list    [--set NAME] [--kind real|replay|log] [--json]
  zoo.py install                         install the servers (Debian: apt-get, pip, npm)
  zoo.py where                           which servers are found
  zoo.py verify  [NAME...]               every scenario yields the status it declares
  zoo.py serve   NAME                    keep one scenario running, print its request
  zoo.py score   --cmd TEMPLATE [--logs-cmd TEMPLATE] [--json OUT] [NAME...]
  zoo.py page    --result OUT --out FILE.md   the book's chapter about a score

A set is a directory of scenarios (open, own, ...) beside this script, beside the symlink it was called by, or under
--root DIR.  README.md tells the rest; the code is in runner/.
"""
import os
import pathlib
import sys

sys.dont_write_bytecode = True

from runner import commands  # noqa: E402  (after the flag: the zoo may lie where nothing can be written)

if __name__ == "__main__":
    called_in = pathlib.Path(os.path.abspath(__file__)).parent  # not resolved: the symlink's folder, if it was one
    sys.exit(commands.main(__doc__, called_in))
