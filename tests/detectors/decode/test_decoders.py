"""Ways of writing: what each finds, and that ordinary text is left alone."""

import base64
import binascii

import pytest

from detectors.decode import backslash, base32_runs, base64_runs, hexadecimal, markup, percent, quoted_printable, utf7
from detectors.formats import Decoder, decoders
from detectors.text import Text

MAIL = "max.muster@example.org"
WRITTEN: dict[str, tuple[Decoder, str]] = {
    "base64": (base64_runs.DECODER, base64.b64encode(MAIL.encode()).decode()),
    "base64 in a word": (base64_runs.DECODER, "id/" + base64.b64encode(MAIL.encode()).decode()),
    "base32": (base32_runs.DECODER, base64.b32encode(MAIL.encode()).decode()),
    "hexadecimal": (hexadecimal.DECODER, MAIL.encode().hex()),
    "hexadecimal with colons": (hexadecimal.DECODER, MAIL.encode().hex(":")),
    "hexadecimal as in C": (hexadecimal.DECODER, ", ".join(f"0x{byte:02X}" for byte in MAIL.encode())),
    "percent": (percent.DECODER, "https://a.example/?to=max.muster%40example.org"),
    "form": (percent.DECODER, "to=max.muster%40example.org&text=a+b"),
    "quoted-printable": (quoted_printable.DECODER, binascii.b2a_qp(MAIL.encode()).replace(b"@", b"=40").decode()),
    "soft break": (quoted_printable.DECODER, "max.muster@=\nexample.org"),
    "escapes": (backslash.DECODER, r"max.muster\u0040example.org"),
    "escapes of JavaScript": (backslash.DECODER, r"max.muster\x40example\u{2e}org"),
    "entities": (markup.DECODER, "max.muster&#64;example&period;org"),
    "tags": (markup.DECODER, "max.muster<i>@</i><!-- not here -->example.org"),
    "UTF-7": (utf7.DECODER, "max.muster+AEA-example.org"),
}
ORDINARY = (
    "Sehr geehrte Frau Müller, die Haftpflichtversicherungsgesellschaft hat am 12.05.2026 geantwortet: 1.234,56 €.\n"
    "Bestellung 4711-0815, Tel. +49 30 1234567, IBAN DE89 3704 0044 0532 0130 00\n"
    "123456789012\n210987654321\nWeb-Seite https://www.example.org/produkte/uebersicht/haus-und-garten\n"
)


@pytest.mark.parametrize(("decoder", "text"), WRITTEN.values(), ids=list(WRITTEN))
def test_what_is_written_this_way_is_read(decoder: Decoder, text: str) -> None:
    found = [part if isinstance(part, str) else part.decode("utf-8", "replace") for part in decoder.decode(Text(f"before {text} behind"))]
    found += [part if isinstance(part, str) else part.decode("utf-8", "replace") for part in decoder.decode(Text(text))]
    assert any(MAIL in part for part in found)


@pytest.mark.parametrize("decoder", decoders(), ids=lambda decoder: decoder.name)
def test_ordinary_text_is_left_alone(decoder: Decoder) -> None:
    assert list(decoder.decode(Text(ORDINARY))) == []


def test_rows_and_cells_stay_apart_where_tags_go() -> None:
    assert list(markup.DECODER.decode(Text("<tr><td>a</td><td>b</td></tr><tr><td>c</td></tr>"))) == ["\n\ta\t\tb\t\n\n\tc\t\n"]


def test_a_pair_of_surrogates_is_one_letter_and_a_lone_one_none() -> None:
    assert list(backslash.DECODER.decode(Text(r"\ud83d\ude00 \ud83d x"))) == ["😀 \ufffd x"]
