"""The picture for an app: an image and nothing else."""

import re
from xml.etree import ElementTree

from console.qr import BORDER, SCALE, picture

ADDRESS = "otpauth://totp/Torwart:anna%40firma.example?secret=" + "A" * 32 + "&issuer=Torwart"


def test_it_is_one_image_without_script_style_or_word() -> None:
    drawn = picture(ADDRESS)
    root = ElementTree.fromstring(drawn)  # noqa: S314 -- our own
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {"svg", "g", "path"}
    assert not re.search(rb"script|style|href|on\w+=|otpauth|AAAA", drawn)
    assert root.get("width") == root.get("height")
    assert (int(root.get("width") or 0) // SCALE - 2 * BORDER - 17) % 4 == 0, "a square of ISO/IEC 18004"


def test_another_text_is_another_picture() -> None:
    assert picture(ADDRESS) == picture(ADDRESS)
    assert picture(ADDRESS) != picture(ADDRESS + "x")
