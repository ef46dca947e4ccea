"""Addresses for the way back: readable for this installation, this act and this session only."""

from dataclasses import replace

from auth.tables import Act
from gateway.addresses import LONGEST_BYTES, Addresses
from gateway.exchange import Request

ADDRESSES = Addresses(bytes(range(32)))
REQUEST = Request("GET", "/crm/data/Müller & Söhne", (("q", "Müller"), ("q", "a b&c")), (), b"", "127.0.0.1", "c1")


def act(address: bytes | None, act_id: str = "act1", session_id: str = "s1") -> Act:
    return Act(id=act_id, session_id=session_id, address=address)


def test_an_address_comes_back_for_its_own_act() -> None:
    sealed = ADDRESSES.seal("act1", "s1", REQUEST)
    assert sealed is not None
    assert ADDRESSES.open(act(sealed)) == "/crm/data/M%C3%BCller%20%26%20S%C3%B6hne?q=M%C3%BCller&q=a+b%26c"


def test_nothing_of_it_can_be_read_in_the_row() -> None:
    sealed = ADDRESSES.seal("act1", "s1", REQUEST)
    assert sealed is not None
    assert b"ller" not in sealed
    assert ADDRESSES.seal("act1", "s1", REQUEST) != sealed, "equal addresses do not look equal"


def test_an_address_of_another_act_session_or_installation_is_none() -> None:
    sealed = ADDRESSES.seal("act1", "s1", REQUEST)
    assert sealed is not None
    for other in (act(sealed, "act2"), act(sealed, session_id="s2"), act(sealed[:-1] + bytes([sealed[-1] ^ 1])), act(b""), act(None)):
        assert ADDRESSES.open(other) is None
    assert Addresses(bytes(32)).open(act(sealed)) is None


def test_an_endless_address_is_not_kept() -> None:
    assert ADDRESSES.seal("act1", "s1", replace(REQUEST, path="/" + "a" * LONGEST_BYTES)) is None
