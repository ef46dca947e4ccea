"""The address to listen on."""

import pytest
from pydantic import ValidationError

from auth.listening import Listening


def test_address_and_port_are_read() -> None:
    assert (Listening(listen="127.0.0.1:8400").listen_host, Listening(listen="[::1]:8400").listen_host) == ("127.0.0.1", "::1")
    assert Listening(listen="127.0.0.1:8400").listen_port == 8400


@pytest.mark.parametrize("wrong", ["8400", ":8400", "127.0.0.1", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000"])
def test_anything_else_is_refused_with_an_example(wrong: str) -> None:
    with pytest.raises(ValidationError, match=r"127\.0\.0\.1:8400"):
        Listening(listen=wrong)
