"""Texts for properties: words, numbers, values and encodings, with and without something between them."""

from __future__ import annotations

import base64

from hypothesis import strategies as st

MAIL = "max.muster@example.org"
_PIECES = (
    *("Sehr", "geehrte", "Müller", "GmbH", "E-Mail", "IT-Abteilung", "KATALOG", "VERSICHERUNGSGESELLSCHAFT", "Straße", "abc", "fade", "x"),
    *("12.05.2026", "1.234,00", "4711", "0151", "2345678", "+49", "030/901820", "00", "0", "7", "2026-08-22", "AB-2026-4711", "234567"),
    *(
        "DE123456789",
        "DE 123 456 789",
        "ATU 1234 5678",
        "22AAAAA0000A1Z5",
        "HRB 123456",
        MAIL,
        "ü@müller.example",
        "@",
        "a@b",
        "co2emissionen",
    ),
    *(
        base64.b64encode(MAIL.encode()).decode(),
        base64.b32encode(MAIL.encode()).decode(),
        base64.b32encode(b"a@b.example").decode().lower(),
    ),
    *(base64.b64encode(bytes(range(60))).decode(), "TWF4", "bWF4Lm11", "QGV4YW1wbGUub3Jn", "YUBiLmRl", "aB", "Zm9v", "=", "=="),
    *(
        MAIL.encode().hex(),
        MAIL.encode().hex(":"),
        MAIL.encode().hex(" "),
        ", ".join(f"0x{byte:02X}" for byte in MAIL.encode()),
        "4d",
        "61 78",
    ),
    *(
        "\\x6d\\x61\\x78\\x40\\x61\\x62\\x63\\x64\\x65\\x66",
        "\\u0040",
        "%40",
        "%",
        "&#64;",
        "&",
        "&amp;",
        "<b>",
        "<",
        "+AEA-",
        "+",
        "=40",
        "=\n",
    ),
    *(
        "begin 644 a.txt\n#86)C\n`\nend\n",
        "begin ",
        "€",
        "„",
        "“",
        "–",
        "…",
        "™",
        "\u00a0",
        "\u2009",
        "\u200b",
        "\u00ad",
        "²",
        "①",
        "٣",
        "７",
    ),
    *("¨", "´", "µ", "é", "e\u0301", "日本", "😀", "я", "ﬁ"),
)
_BETWEEN = ("", "", "", " ", " ", ", ", "\n", "\r\n", "\n  ", ".", "-", "/", ": ", " (", ") ", "    ", "      ", "_")
texts = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(_PIECES), st.sampled_from(_BETWEEN)).map("".join),
        st.text("abcdefABCDEF0123456789 :,;-\n\r", max_size=30),
        st.text("abcxyzABCXYZ0123456789+/_-=\n\r ", max_size=30),
        st.text("abc234567ABCXYZ\n", max_size=30),
        st.text("0123456789 ().-/+_~*'\u2013\u00a0", max_size=20),
        st.text(max_size=6),
    ),
    max_size=60,
).map("".join)
