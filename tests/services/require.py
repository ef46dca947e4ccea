"""What a test does when a real part is not on this machine."""

import os
from typing import NoReturn

import pytest


def missing(service: str, why: str) -> NoReturn:
    """Skip the test and name the part and the reason; with TORWART_REQUIRE=all the absence is a failure."""
    words = f"{service} is not here: {why}"
    if os.environ.get("TORWART_REQUIRE") == "all":
        pytest.fail(words, pytrace=False)
    pytest.skip(words)
