"""Laying a scenario's files out in a fresh directory: placeholders, certificates, symbolic links, owners and modes."""
import os
import pathlib
import pwd
import subprocess
import time

from . import places

WRITABLE = ("log", "run", "cache", "tmp")  # what every site has, open to whatever user its servers run as
HIDDEN = "dot-"  # `dot-x` in files/ becomes `.x`, so that no hidden file lies in the zoo itself


class Layout:
    """The directory of one site, and what is written into its files where they say `@@NAME@@`."""

    def __init__(self, directory, ports):
        self.directory = directory
        self.names = {
            **{name: str(port) for name, port in ports.items()},
            "RUN": str(directory),
            "NOW": str(int(time.time())),
            "VENV": str(places.VENV),
        }

    def fill(self, text):
        """The text with every placeholder filled in."""
        for name, value in self.names.items():
            text = text.replace(f"@@{name}@@", value)
        return text

    def lay_out(self, scenario):
        """Everything that must be there before the servers start."""
        for folder in WRITABLE:
            (self.directory / folder).mkdir()
            os.chmod(self.directory / folder, 0o777)
        self._copy(scenario.path / "files")
        self._plain_modes()
        facts = scenario.facts
        for certificate in facts.get("cert", []):
            self._certificate(certificate)
        for folder in facts.get("mkdir", []):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
            os.chmod(self.directory / folder, 0o755)
        for link in facts.get("symlink", []):
            self._link(link)
        for entry in facts.get("perm", []):
            self.set_mode(entry)

    def set_mode(self, entry):
        """Owner and mode of one path; owners only as root."""
        path = self.directory / entry["path"]
        if "owner" in entry and os.geteuid() == 0:
            user = pwd.getpwnam(entry["owner"])
            os.chown(path, user.pw_uid, user.pw_gid)
        if "mode" in entry:
            os.chmod(path, int(entry["mode"], 8))

    def _copy(self, source):
        for file in sorted(source.rglob("*")) if source.is_dir() else []:
            parts = [
                "." + part.removeprefix(HIDDEN) if part.startswith(HIDDEN) else part
                for part in file.relative_to(source).parts
            ]
            target = self.directory / pathlib.Path(*parts)
            if file.is_dir():
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            if b"@@" in content:
                content = self.fill(content.decode()).encode()
            target.write_bytes(content)

    def _plain_modes(self):
        for base, folders, files in os.walk(self.directory):
            for folder in folders:
                if folder not in WRITABLE:
                    os.chmod(pathlib.Path(base, folder), 0o755)
            for file in files:
                os.chmod(pathlib.Path(base, file), 0o644)

    def _certificate(self, certificate):
        base = self.directory / certificate["path"]
        base.parent.mkdir(parents=True, exist_ok=True)
        name = certificate["cn"]
        self_signed = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"]
        about = ["-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}"]
        files = ["-keyout", f"{base}.key", "-out", f"{base}.crt"]
        subprocess.run([*self_signed, *about, *files], check=True, capture_output=True)

    def _link(self, link):
        path = self.directory / link["path"]
        path.symlink_to(self.fill(link["target"]))
        if os.geteuid() == 0 and "owner" in link:
            user = pwd.getpwnam(link["owner"])
            os.lchown(path, user.pw_uid, user.pw_gid)
