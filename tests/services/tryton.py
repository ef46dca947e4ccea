"""Real Tryton for the tests: prepared once per machine, a fresh copy for whoever asks.

The folder outside the repository that keeps what is prepared: TORWART_TEST_CACHE, else `torwart-tests` in XDG_CACHE_HOME or `~/.cache`.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.demo.crm import DemoError, PreparedCrm, RunningCrm, prepare, start
from tests.services.require import missing


def cache_folder() -> Path:
    """Where real parts are kept between test runs."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TORWART_TEST_CACHE") or Path(caches) / "torwart-tests")


@pytest.fixture(scope="session")
def prepared_tryton() -> PreparedCrm:
    """Tryton's environment, web client and filled database."""
    uv = shutil.which("uv")
    try:
        return prepare(cache_folder(), uv=Path(uv) if uv else None, progress=print)
    except DemoError as error:
        missing("tryton", str(error))


@pytest.fixture(scope="session")
def tryton_web_client(prepared_tryton: PreparedCrm) -> Path:
    """Tryton's real web client, which the running Trytons serve; for tests in a browser."""
    if prepared_tryton.web_root is None:
        missing("sao", "npm could not install Tryton's web client")
    return prepared_tryton.web_root


@pytest.fixture(scope="module")
def tryton(prepared_tryton: PreparedCrm, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningCrm]:
    """A running Tryton over a copy of the database that the tests of one module share."""
    running = start(prepared_tryton, tmp_path_factory.mktemp("tryton"))
    yield running
    running.stop()


@pytest.fixture
def start_tryton(prepared_tryton: PreparedCrm, tmp_path: Path) -> Iterator[Callable[[], RunningCrm]]:
    """Starts further Trytons, each over a copy of its own; all end with the test."""
    running: list[RunningCrm] = []

    def start_one() -> RunningCrm:
        running.append(start(prepared_tryton, tmp_path / f"tryton-{len(running)}"))
        return running[-1]

    yield start_one
    for one in running:
        one.stop()
