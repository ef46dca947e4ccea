"""A real Elasticsearch node: the official minimal distribution, fetched by Maven once per machine, run as a user that is not root.

What it has and has not, compared with a full one, stands at the top of `tests/audit_store/test_elastic.py`.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from deploy.demo.tryton_process import free_port
from tests.services.certificates import Authority
from tests.services.require import missing
from tests.services.tryton import cache_folder

FIRST, SECOND = "8.19.16", "9.5.2"
"""The oldest server that is supported, on the JDK 17 of Debian, and a newest one, where a JDK of 21 or more is found."""
ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{}:zip"
UNPACK = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack"
FETCH_SECONDS, START_SECONDS, STOP_SECONDS = 600, 180, 30
USER_ID = 64_321
"""Elasticsearch refuses to run as root: then it runs under this number, which belongs to nobody."""
ROLES = Path(__file__).parents[2] / "deploy" / "elasticsearch" / "roles.yml"
USERS = {"writer": "torwart_writer", "reader": "torwart_reader", "installer": "torwart_installer", "admin": "superuser"}
_PKI = {
    "xpack.license.self_generated.type": "trial",
    "xpack.security.http.ssl.client_authentication": "required",
    "xpack.security.authc.realms.file.files.order": "0",
    "xpack.security.authc.realms.pki.certificates.order": "1",
    "xpack.security.authc.realms.pki.certificates.certificate_authorities": "ca.pem",
}
COMPLETE = "complete"
"""Holds the number of files of a distribution that was fetched to its end."""


def distribution(version: str) -> Path:
    """The unpacked distribution in the cache, fetched if it is not there or only half there."""
    folder = cache_folder() / "elasticsearch"
    folder.mkdir(parents=True, exist_ok=True)
    found = folder / version
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_complete(found):
            shutil.rmtree(found, ignore_errors=True)
            _fetch(version, found)
    return found / f"elasticsearch-{version}"


def _is_complete(folder: Path) -> bool:
    try:
        wanted = int((folder / COMPLETE).read_text())
    except (OSError, ValueError):
        return False
    return wanted == _files(folder)


def _files(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file() and path != folder / COMPLETE)


def _fetch(version: str, folder: Path) -> None:
    if shutil.which("mvn") is None:
        missing("elasticsearch", "there is no Maven to fetch it with")
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetch-") as made:  # Maven leaves marks where it stands
        words = ["mvn", "-q", "-B", UNPACK, f"-Dartifact={ARTIFACT.format(version)}", f"-DoutputDirectory={made}/{version}"]
        try:
            done = subprocess.run(words, cwd=made, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False)
        except subprocess.TimeoutExpired:
            missing("elasticsearch", f"{version} could not be fetched in {FETCH_SECONDS} seconds")
        unpacked = Path(made) / version
        if done.returncode != 0 or not (unpacked / f"elasticsearch-{version}" / "bin" / "elasticsearch").is_file():
            missing("elasticsearch", f"Maven could not fetch {version}: {(done.stdout + done.stderr).strip()[:400]}")
        (unpacked / COMPLETE).write_text(str(_files(unpacked)))
        unpacked.rename(folder)


def java_home(least: int) -> Path | None:
    """The oldest Java on this machine that is new enough."""
    found: list[tuple[int, Path]] = []
    named = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    for home in [*named, *sorted(Path("/usr/lib/jvm").glob("*"))]:
        with contextlib.suppress(OSError):
            text = (home / "release").read_text()
            if (hit := re.search(r'JAVA_VERSION="(\d+)', text)) and (home / "bin" / "java").exists():
                found.append((int(hit[1]), home))
    return min((one for one in found if one[0] >= least), default=(0, None))[1]


class ElasticNode:
    """One node on free ports of 127.0.0.1, with TLS and users, in a folder of its own."""

    scheme = "https"
    heap_megabytes = 512

    def __init__(self, version: str, java: Path, authority: Authority, *, certificates: Mapping[str, str] | None = None) -> None:
        """`certificates`: everybody must show one, and it is the log-in of these names: name -> role (PKI realm, trial licence)."""
        self.version = version
        self._certificates = certificates or {}
        self.ca = authority.file
        self.folder = Path(tempfile.mkdtemp(prefix="torwart-elastic-"))
        self.port, self.transport = free_port(), free_port()
        self.url = f"{self.scheme}://localhost:{self.port}"
        self.passwords = {name: f"{name}-{os.urandom(8).hex()}" for name in USERS}
        self._java = java
        self._launcher: subprocess.Popen[bytes] | None = None
        self._shown: tuple[Path, Path] | None = None
        self._authority = authority
        self.prepare()

    @property
    def _conf(self) -> Path:
        return self.folder / "config"

    def prepare(self) -> None:
        """Lay out its folder."""
        authority = self._authority
        home = distribution(self.version)
        shutil.copytree(home, self.folder / "home")
        shutil.copytree(home / "config", self._conf)
        for name in ("data", "logs", "tmp"):
            (self.folder / name).mkdir()
        certificate, key = authority.issue("localhost", folder=self._conf)
        shutil.copy(authority.file, self._conf / "ca.pem")
        shutil.copy(ROLES, self._conf / "roles.yml")
        (self._conf / "users").write_text("".join(f"{name}:{_hashed(self.passwords[name])}\n" for name in USERS))
        (self._conf / "users_roles").write_text("".join(f"{role}:{name}\n" for name, role in USERS.items()))
        settings = self._settings(certificate, key)
        if self._certificates:
            settings |= _PKI
            lines = (f'{role}: ["CN={name}"]\n' for name, role in self._certificates.items())
            (self._conf / "role_mapping.yml").write_text("".join(lines))
            self._shown = authority.issue("admin", folder=self.folder)
        (self._conf / "elasticsearch.yml").write_text("".join(f"{name}: {value}\n" for name, value in settings.items()))
        if os.geteuid() == 0:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, USER_ID, USER_ID, follow_symlinks=False)

    def _settings(self, certificate: Path, key: Path) -> dict[str, object]:
        return {
            "cluster.name": "torwart-tests",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": self.port,
            "transport.port": self.transport,
            "path.data": self.folder / "data",
            "path.logs": self.folder / "logs",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "xpack.security.enabled": "true",
            "xpack.security.autoconfiguration.enabled": "false",
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.certificate": certificate.name,
            "xpack.security.http.ssl.key": key.name,
            "xpack.security.http.ssl.certificate_authorities": "ca.pem",
        }

    def start(self) -> None:
        """Begin, and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Begin, and wait for nothing."""
        (self.folder / "pid").unlink(missing_ok=True)
        other: dict[str, object] = {"user": USER_ID, "group": USER_ID, "extra_groups": []} if os.geteuid() == 0 else {}
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "ES_JAVA_HOME": str(self._java),
            "ES_JAVA_OPTS": f"-Xms{self.heap_megabytes}m -Xmx{self.heap_megabytes}m",
            "ES_PATH_CONF": str(self._conf),
            "ES_TMPDIR": str(self.folder / "tmp"),
        }
        with (self.folder / "console.txt").open("wb") as console:
            self._launcher = subprocess.Popen(  # type: ignore[call-overload]
                [self.folder / "home" / "bin" / "elasticsearch", "-p", self.folder / "pid"],
                cwd=self.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **other,
            )

    def wait(self) -> None:
        """Until it answers. Raises RuntimeError if it does not."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._launcher is None or self._launcher.poll() is not None or time.monotonic() > deadline:
                words = (self.folder / "console.txt").read_text(errors="replace")[-1_500:]
                self.stop()
                raise RuntimeError(f"Elasticsearch {self.version} did not start: {words}")
            time.sleep(0.25)

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        self._end(signal.SIGKILL)

    def remove(self) -> None:
        """Stop it and forget everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def admin(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """One call with all rights, for what tests prepare and look at."""
        return self.call("admin", method, path, body, kind)

    def call(self, user: str, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        """One call as one of the users. Raises urllib.error.HTTPError for a refusal."""
        headers: Mapping[str, str] = {"authorization": f"Basic {self.word(user)}", "content-type": kind}
        asked = urllib.request.Request(self.url + path, body, dict(headers), method=method)
        context = ssl.create_default_context(cafile=self.ca)
        if self._shown is not None:
            context.load_cert_chain(*self._shown)
        with urllib.request.urlopen(asked, timeout=60, context=context) as answer:
            found: bytes = answer.read()
            return found

    def word(self, user: str) -> str:
        """User and password as RFC 7617 sends them."""
        return base64.b64encode(f"{user}:{self.passwords[user]}".encode()).decode()

    def _answers(self) -> bool:
        try:
            self.admin("GET", "/_cluster/health?wait_for_status=yellow&timeout=1s")
        except (OSError, urllib.error.URLError):
            return False
        return True

    def _end(self, how: signal.Signals) -> None:
        launcher, self._launcher = self._launcher, None
        if launcher is None:
            return
        launcher.send_signal(how)
        try:
            launcher.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            how = signal.SIGKILL
        if how == signal.SIGKILL:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(launcher.pid, signal.SIGKILL)  # a session of its own: nothing but this node is in it
            launcher.wait(STOP_SECONDS)


def _hashed(password: str) -> str:
    """As Elasticsearch's file realm stores passwords (`password_hashing.algorithm: pbkdf2_1000`)."""
    salt, rounds = os.urandom(32), 1_000
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 32)
    return f"{{PBKDF2}}{rounds}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"
