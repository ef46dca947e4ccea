"""What concerns the database itself runs on both kinds."""

import pytest

from tests.services.postgres import BOTH

_MODULES = {
    "agents",
    "approvals",
    "assignments",
    "attendance",
    "console_sessions",
    "cut",
    "directory",
    "erasure",
    "levels",
    "orders",
    "people",
    "people_import",
    "plans",
    "sessions",
    "stepup",
    "storage",
    "unmapped",
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "place" in metafunc.fixturenames and metafunc.module.__name__.rpartition("test_")[2] in _MODULES:
        metafunc.parametrize("place", BOTH, indirect=True)
