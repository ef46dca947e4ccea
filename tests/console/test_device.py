"""Browser and system in words of our own."""

import pytest

from console.device import device_words

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (CHROME, "Chrome · Windows"),
        (CHROME + " Edg/142.0.0.0", "Edge · Windows"),
        (CHROME + " OPR/120.0", "Opera · Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox · Linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15", "Safari · macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605 Mobile/15E148 Safari/604.1", "Safari · iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/142.0.0.0 Mobile Safari/537.36", "Chrome · Android"),
        ("python-httpx/0.28", ""),
        ("", ""),
        (None, ""),
        ("<script>alert(1)</script> Firefox/1 \u202e", "Firefox"),
        ("x" * 10_000 + " Firefox/145.0", ""),
    ],
)
def test_a_device_is_called_by_words_of_ours_alone(sent: str | None, words: str) -> None:
    assert device_words(sent) == words
