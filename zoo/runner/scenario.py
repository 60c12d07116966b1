"""Scenarios as written, and the sets they come in."""
import os
import pathlib
import tomllib

from . import places

CONTROL = "none."  # how the ids of controls begin: nothing is wrong there, or it is not a 403


class Scenario:
    """One scenario.toml.  `facts` is the whole table; the fields are those that everybody asks for."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.set = self.path.parent.name
        self.name = f"{self.set}/{self.path.name}"
        self.facts = tomllib.loads((self.path / "scenario.toml").read_text())
        self.kind = self.facts["kind"]
        self.mode = self.facts["mode"]
        self.cause = self.facts["cause"]
        self.accept = self.facts.get("accept", [])
        self.answered_by = self.facts.get("answered_by", [])

    @property
    def is_control(self):
        return self.cause.startswith(CONTROL)

    @property
    def expected_status(self):
        return self.facts.get("expect_status", 403)

    def obstacle(self):
        """Why this scenario cannot be run here, or None."""
        programs = {places.PROGRAMS[server["kind"]] for server in self.facts.get("server", [])}
        missing = sorted(program for program in programs if not places.which(program))
        if missing:
            return "needs " + ", ".join(missing)
        if self.facts.get("needs_root") and os.geteuid() != 0:
            return "needs root"
        return None


def sets(folders):
    """Name and directory of every set of scenarios in these folders; the first folder that has a name wins."""
    found = {}
    for folder in folders:
        for directory in sorted(folder.iterdir()):
            if directory.is_dir() and any(directory.glob("*/scenario.toml")):
                found.setdefault(directory.name, directory)
    return found


def load(folders, names=(), set_name=None, kind=None, mode=None):
    """The scenarios that are asked for, in the order of sets and names."""
    known = sets(folders)
    if set_name and set_name not in known:
        raise SystemExit(f"no set {set_name!r}; there are: {' '.join(known) or 'none'}")
    scenarios = []
    for directory in [known[set_name]] if set_name else known.values():
        scenarios += [Scenario(path) for path in sorted(directory.iterdir()) if (path / "scenario.toml").exists()]
    wanted = {name.strip("/") for name in names}
    return [
        scenario
        for scenario in scenarios
        if (not kind or scenario.kind == kind)
        and (not mode or scenario.mode == mode)
        and (not wanted or scenario.name in wanted or scenario.path.name in wanted)
    ]


def taxonomy(scenarios):
    """Causes and layers that these scenarios may name, by id: the zoo's own, and those that their sets add."""
    files = [places.ZOO / "causes.toml", *sorted({s.path.parent / "new-causes.toml" for s in scenarios})]
    causes, layers = {}, {}
    for file in files:
        if file.exists():
            table = tomllib.loads(file.read_text())
            causes |= table.get("cause", {})
            layers |= table.get("layers", {})
    return causes, layers
