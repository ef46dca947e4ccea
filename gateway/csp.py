"""The CRM's content security policy (CSP level 3), with what our script needs added to it and nothing taken from it (attacks X18).

Our script is let in by a nonce. Where the CRM allows every inline script (`'unsafe-inline'` without nonce or hash), a nonce would switch
that off and break the CRM's own page (CSP 3, section 6.7.3.2): there it is let in by its address. Its calls go to our own paths only.
"""

from __future__ import annotations

from collections.abc import Callable

type _More = Callable[[list[str]], list[str]]
OWN_PATHS = "/.torwart/"
SCRIPT = "page.js"
_SCRIPT_SOURCES = ("script-src-elem", "script-src")
_FALLBACK = "default-src"
_NO_INLINE = ("'nonce-", "'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'")
"""What makes a browser ignore `'unsafe-inline'`."""
_EVERYTHING = frozenset({"'self'", "*"})


def admitted(header: str, nonce: str, place: str) -> str:
    """A header's policies, each of which must allow it. `place`: host and port under which people reach the CRM."""
    return ", ".join(_admitted(policy, nonce, place) for policy in header.split(","))  # no source holds a comma


def _admitted(policy: str, nonce: str, place: str) -> str:
    directives = [words for part in policy.split(";") if (words := part.split())]
    names = [words[0].lower() for words in directives]
    _let_in(directives, names, _SCRIPT_SOURCES, lambda sources: _script(sources, nonce, place))
    _let_in(directives, names, ("connect-src",), lambda sources: _address(sources, place, OWN_PATHS))
    return "; ".join(" ".join(words) for words in directives)


def _let_in(directives: list[list[str]], names: list[str], wanted: tuple[str, ...], more: _More) -> None:
    """Add sources to the directive that counts: the first of its name, or one of its own where only the fallback would."""
    name = next((one for one in (*wanted, _FALLBACK) if one in names), None)
    if name is None:
        return  # nothing forbids it
    words = directives[names.index(name)]
    added = more(words[1:])
    if not added:
        return
    sources = [*(one for one in words[1:] if one.lower() != "'none'"), *added]
    if name == _FALLBACK:  # pictures and styles stay as they are
        directives.append([wanted[-1], *sources])
    else:
        words[1:] = sources


def _script(sources: list[str], nonce: str, place: str) -> list[str]:
    lower = [one.lower() for one in sources]
    if "'unsafe-inline'" in lower and not any(one.startswith(_NO_INLINE) for one in lower):
        return _address(sources, place, OWN_PATHS + SCRIPT)
    return [f"'nonce-{nonce}'"]


def _address(sources: list[str], place: str, path: str) -> list[str]:
    return [] if _EVERYTHING.intersection(one.lower() for one in sources) else [place + path]
