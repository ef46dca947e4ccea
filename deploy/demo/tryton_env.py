"""Tryton's own environment and its web client, installed below one folder.

Tryton is GPL: nothing of it is part of this repository, it is fetched and runs as a process of its own.
"""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.demo.errors import DemoError

SERVER_PACKAGES: Final = ("trytond==8.0.12", "trytond-party==8.0.4", "trytond-country==8.0.0")
WEB_CLIENT: Final = "tryton-sao@8.0.11"
_FINISHED: Final = "torwart-finished"
_STEP_SECONDS: Final = 600

type Progress = Callable[[str], None]


def install_server(root: Path, uv: Path | None, progress: Progress) -> Path:
    """Install Tryton's server below `root` unless that is done already, and return the environment's Python.

    Raises `DemoError` when an installer fails.
    """
    folder = root / "tryton" / "env"
    python = folder / "bin" / "python"
    if _finished(folder, SERVER_PACKAGES):
        return python
    progress("Installing Tryton's server (about 25 MB, once) ...")
    shutil.rmtree(folder, ignore_errors=True)
    base = getattr(sys, "_base_executable", sys.executable)
    if uv is not None:
        make, install = (
            [str(uv), "venv", "-q", "--python", base],
            [str(uv), "pip", "install", "-q", "--compile-bytecode", "--python", str(python)],
        )
    else:
        make, install = [base, "-m", "venv"], [str(python), "-m", "pip", "install", "-q"]
    environment = caches(root)
    what = "Tryton's server could not be installed"
    run([*make, str(folder)], environment, what)
    run([*install, *SERVER_PACKAGES], environment, what)
    _finish(folder, SERVER_PACKAGES)
    return python


def install_web_client(root: Path, progress: Progress) -> Path | None:
    """Install Tryton's web client below `root` unless that is done already; None where npm is missing or fails.

    The server is a whole CRM without it, so its absence is told through `progress` and is no error.
    """
    folder = root / "tryton" / "web"
    if _finished(folder, (WEB_CLIENT,)):
        return folder / "package"
    npm = shutil.which("npm")
    if npm is None:
        progress("npm is not here: Tryton runs without its web client; everything but the visit in the browser works.")
        return None
    progress("Installing Tryton's web client (about 56 MB, once) ...")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = caches(root)
    try:
        run([npm, "pack", "--silent", WEB_CLIENT, "--pack-destination", str(folder)], environment, "npm could not fetch it")
        with tarfile.open(next(folder.glob("*.tgz"))) as archive:
            archive.extractall(folder, filter="data")
        # The peer dependencies contradict each other (ERESOLVE), and no package needs a script of its own to be used.
        quiet = ["--silent", "--no-audit", "--no-fund", "--omit=dev", "--ignore-scripts", "--legacy-peer-deps"]
        run([npm, "install", *quiet, "--prefix", str(folder / "package")], environment, "npm could not install it", folder / "package")
    except DemoError as error:
        progress(f"Tryton runs without its web client: {error}")
        return None
    _finish(folder, (WEB_CLIENT,))
    return folder / "package"


def caches(root: Path) -> dict[str, str]:
    """The environment of a program that must leave nothing outside `root`."""
    cache = root / "cache"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TRYTON", "PYTHON", "VIRTUAL_ENV"))}
    return inherited | {
        "UV_CACHE_DIR": str(cache / "uv"),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_CACHE_DIR": str(cache / "pip"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "npm_config_cache": str(cache / "npm"),
        "npm_config_update_notifier": "false",
    }


def run(command: Sequence[str], environment: Mapping[str, str], what: str, folder: Path | None = None) -> None:
    """Run a program to its end. Raises `DemoError`: `what`, the program's last words, and what to do."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace", timeout=_STEP_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DemoError(f"{what}: {error}") from error
    if done.returncode != 0:
        words = " / ".join(line.strip() for line in (done.stderr or done.stdout).strip().splitlines()[-3:]) or f"exit {done.returncode}"
        raise DemoError(f"{what}: {words[:400]} (no network? then try again later; RESET=1 starts over)")


def _finished(folder: Path, packages: Sequence[str]) -> bool:
    mark = folder / _FINISHED
    return mark.is_file() and mark.read_text(encoding="utf-8") == "\n".join(packages)


def _finish(folder: Path, packages: Sequence[str]) -> None:
    """Say, as the last thing written, that all of it is there: a start that was broken off is done again."""
    (folder / _FINISHED).write_text("\n".join(packages), encoding="utf-8")
