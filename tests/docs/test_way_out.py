"""`docs/way-out.md` claims no more and no less than the code does: formats, limits, what is decided, what is not found."""

from __future__ import annotations

import codecs
import re
from dataclasses import fields
from hashlib import shake_256
from pathlib import Path

import pytest

from agent.desk import LIMITS as DESK
from agent.observe import READ_BYTES
from detectors.budget import MIB, Limits
from detectors.client_index.base_file import MOST_SHARED
from detectors.client_index.desk import LEAST_RATE
from detectors.formats import decoders, formats
from detectors.scanner import RENEW_AFTER
from detectors.settle import STEPS
from gateway.forward.authority import AUTHORITY_DAYS, LEAF_DAYS
from gateway.forward.heads import HEAD_BYTES, KNOWN_SECONDS
from gateway.forward.settings import ProxySettings
from gateway.forward.uploads import RECORDED_BYTES
from gateway.supervise import RESTART_MAX_SECONDS
from gateway.watch import Limits as ConnectionLimits
from policies.request import Status
from tests.policies.acts import starter
from tests.services.firm_base import MAILS, NAMES, PHONES, Firm

PAGE = (Path(__file__).parents[2] / "docs" / "way-out.md").read_text(encoding="utf-8")
TEXT = re.sub(r"\s+", " ", PAGE)


def _first_cells(heading: str) -> set[str]:
    """What stands in back quotes in the first column of the table with this heading."""
    table = PAGE[PAGE.index(f"| {heading} |") :].partition("\n\n")[0]
    return {word for row in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_formats_are_those_of_the_code() -> None:
    assert _first_cells("format") == {one.name for one in formats()}


def test_the_ways_of_writing_are_those_of_the_code() -> None:
    assert _first_cells("way of writing") == {one.name for one in decoders()}


def test_the_limits_are_those_of_the_code() -> None:
    limits, proxy = Limits(), ProxySettings()
    for said in (
        f"| content (`size`) | {limits.size // MIB} MiB; the proxy's `upload_limit_bytes` {proxy.upload_limit_bytes // MIB} MiB, "
        f"of a file on a desk {READ_BYTES // MIB} MiB |",
        f"| unpacked (`unpacked`, `ratio`) | {limits.unpacked // MIB} MiB, on a desk {DESK.unpacked // MIB} MiB; beyond the first MiB at "
        f"most {limits.ratio} times the content |",
        f"| entries (`entries`) | {limits.entries:,} |",
        f"| archives in one another (`archives`) | {limits.archives} |",
        f"| time (`seconds`) | {limits.seconds:.0f} seconds |",
        f"| memory of a worker (`memory`) | {limits.memory // MIB:,} MiB beyond its own, on a desk {DESK.memory // MIB} MiB |",
        f"replaced after {RENEW_AFTER:,} scans",
        f"more than {MOST_SHARED} clients share",
        f"once in {1 / LEAST_RATE:.0f} times",
        f"fewer than {HEAD_BYTES} new bytes of a request's head",
        f"believed for {'ten' if KNOWN_SECONDS == 600 else KNOWN_SECONDS} minutes",
        f"at most {ConnectionLimits().held_bytes // MIB} MiB together",
        f"again every {RESTART_MAX_SECONDS:.0f} seconds",
        f"or has {RECORDED_BYTES // 1024} KiB or more",
    ):
        assert said in TEXT
    depths = f"{limits.decoded}; and {limits.writings} in every order, then one after another"
    assert f"| encodings in one another (`decoded`, `writings`) | {depths} |" in TEXT
    assert f"at most {STEPS} times" in TEXT
    assert limits.free == MIB
    assert {one.name for one in fields(limits)} - _first_cells("limit") == {"part", "free", "small_seconds"}


def test_the_authority_is_good_for_as_long_as_the_page_says() -> None:
    assert "good for two years; a certificate that it signs, for 30 days" in TEXT
    assert (AUTHORITY_DAYS, LEAF_DAYS) == (730, 30)


def test_what_is_decided_is_what_the_shipped_rules_say() -> None:
    rules = {rule.text.id: rule.text for rule in starter().rules if rule.text.id.startswith("out-")}
    assert set(rules) == {"out-goes", "out-unread", "out-clients", "out-piecemeal", "out-leaving", "out-departing-by-hand"}
    assert rules["out-clients"].when == "resource.asked >= 5"
    assert "| 5 clients or more at once | stopped |" in TEXT
    assert (reaches := rules["out-piecemeal"].reaches) is not None
    assert rules["out-piecemeal"].when == "resource.asked < 5"
    assert f"fewer than 5, and among them the {reaches.count}th different client of a day" in TEXT
    assert set(rules["out-leaving"].status or ()) == {Status.TALK_PLANNED, Status.NOTICE_GIVEN, Status.LAST_DAY}
    assert rules["out-leaving"].when == "resource.asked > 0"
    assert rules["out-departing-by-hand"].when == 'principal.level == "departing" && resource.asked > 0'


UNSEEN = {
    "Names, streets and towns by themselves": "\n".join(NAMES),
    "rot13": codecs.encode("\n".join(MAILS), "rot13"),
    "reversed text": "\n".join((*MAILS, *PHONES))[::-1],
    "`a at b`": "\n".join(MAILS).replace("@", " at "),
    "numbers in words": "null eins sieben eins " * 500,
    "a digit a cell": "\n".join(";".join(phone) for phone in PHONES),
    "it is noise, and noise passes": shake_256(b"sealed").digest(200_000),
}


@pytest.mark.parametrize("words", UNSEEN)
def test_what_the_page_says_is_not_found_is_not_found(words: str, client_base: Firm) -> None:
    """Not a wish: whoever makes one of these be found corrects the page."""
    content = UNSEEN[words]
    verdict = client_base.scan(content.encode() if isinstance(content, str) else content)
    assert words in TEXT
    assert (set(verdict.clients), verdict.unread) == (set(), ())
