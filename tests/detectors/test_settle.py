"""Behind the depth that a scan follows in every order, ways of writing are undone one after another: nothing programs make is lost."""

from __future__ import annotations

import base64
import html
import json
import quopri
import random
from collections.abc import Callable
from urllib.parse import quote, urlencode

import pytest

from detectors.budget import Limits, SpentError
from detectors.settle import STEPS, settled
from detectors.text import Text
from detectors.verdict import Unread
from tests.services.firm_base import MAILS, Firm

MAIL = MAILS[7]
WAYS: dict[str, Callable[[str, random.Random], str]] = {
    "percent": lambda text, _: quote(text, safe=""),
    "percent, every letter": lambda text, _: "".join(f"%{byte:02X}" for byte in text.encode()),
    "form": lambda text, _: urlencode({"data": text, "x": "a b"}),
    "JSON": lambda text, _: json.dumps({"a": text, "b": 1}).replace("/", "\\/"),
    "JSON, every letter": lambda text, _: '"' + "".join(f"\\u{ord(letter):04x}" for letter in text) + '"',
    "HTML": lambda text, _: f"<div>{html.escape(text)}</div>",
    "HTML, every letter": lambda text, dice: "<p>" + "".join(f"&#{dice.choice('x')}{ord(letter):x};" for letter in text) + "</p>",
    "an attribute": lambda text, _: f'<a href="{html.escape(text)}">x</a>',
    "quoted-printable": lambda text, _: quopri.encodestring(text.encode()).decode(),
    "quoted-printable, every letter": lambda text, _: "".join(
        f"={byte:02X}" + ("=\n" if n % 20 == 19 else "") for n, byte in enumerate(text.encode())
    ),
}


def written(text: str, names: list[str], seed: int = 0) -> str:
    dice = random.Random(seed)  # noqa: S311 # content
    for name in names:
        text = WAYS[name](text, dice)
    return text


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("times", [5, 6])
def test_one_way_of_writing_many_times_is_undone(name: str, times: int, client_base: Firm) -> None:
    text = written(MAIL, [name] * times)
    if len(text) > 2_000_000:
        text = written(MAIL, [name] * (times - 1))
    assert set(client_base.scan(text.encode()).clients) == {"1007"}


@pytest.mark.parametrize("seed", range(40))
def test_ways_of_writing_in_one_another_are_undone_or_too_deep(seed: int, client_base: Firm) -> None:
    dice = random.Random(seed)  # noqa: S311 # content
    names: list[str] = []
    text = MAIL
    for _ in range(dice.randint(5, 9)):
        names.append(dice.choice(list(WAYS)))
        text = WAYS[names[-1]](text, dice)
        if len(text) > 100_000:
            break
        if dice.random() < 0.2:
            text = f"100 % von <Müller> & Söhne {text} C:\\neu"
    verdict = client_base.scan(text.encode())
    assert verdict.clients or verdict.unread, names


def test_files_within_are_read_behind_that_depth_too(client_base: Firm) -> None:
    for encoded in (base64.b64encode("\n".join(MAILS[:9]).encode()).decode(), "\n".join(MAILS[:9]).encode().hex()):
        assert client_base.found(written(encoded, ["percent, every letter"] * 5).encode()) == 9


def test_what_never_comes_to_an_end_is_too_deep(client_base: Firm) -> None:
    endless = b"%" + b"25" * 400 + b"40"
    with pytest.raises(SpentError, match="too_deep"):
        list(settled(Text(encoded=endless)))
    assert client_base.scan(b"kontakt7" + endless + b"kunde7.example").unread == (Unread.TOO_DEEP,)
    assert set(client_base.scan(b"kontakt7%" + b"25" * (STEPS // 4) + b"40kunde7.example").clients) == {"1007"}


def test_what_never_comes_to_an_end_costs_what_the_budget_says(client_base: Firm) -> None:
    verdict = client_base.scan((b"%" + b"25" * 2_000 + b"40 ") * 200, Limits(free=1 << 20, ratio=20))
    assert verdict.unread
    assert verdict.parts < 1_000


@pytest.mark.parametrize(
    "text",
    [
        "kontakt7\\u00=\n40kunde7.example",
        "kontakt7&#6<b></b>4;kunde7.example",
        "kontakt7%<b></b>40kunde7.example",
        "<a title=&#34;kontakt7%40kunde7.example&#34;>x</a>",
        "<kontakt7%40kunde7.example>",
    ],
    ids=["a sign cut by a line", "a sign cut by a tag", "percent cut by a tag", "within a tag", "between brackets"],
)
def test_no_step_spoils_what_another_is_to_undo(text: str) -> None:
    assert any(MAIL in step.letters for step in settled(Text(text)) if isinstance(step, Text))


@pytest.mark.parametrize("seed", range(8))
def test_letters_that_are_no_text_are_nothing(seed: int, client_base: Firm) -> None:
    """ASCII85 has everything that ways of writing are known by, each in each by chance."""
    noise = base64.a85encode(random.Random(seed).randbytes(1_000 << seed % 5), wrapcol=76)  # noqa: S311 # content
    assert client_base.scan(noise).unread == ()
    mixed = noise + b"\n" + written(MAIL, ["percent", "JSON"] * 4).encode() + b"\n" + noise
    assert set(client_base.scan(mixed).clients) == {"1007"}
