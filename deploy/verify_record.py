#!/usr/bin/env python3
"""Verifies an exported record of Torwart, without Torwart: one file, Python 3.11 or later, nothing to install, no secret.

    python3 verify_record.py RECORD --checkpoints FOLDER --key FINGERPRINT
    python3 verify_record.py --proof PROOF.json --key FINGERPRINT [--checkpoints FOLDER]

RECORD is made by `torwart events export`, a proof by `torwart events prove`. FOLDER (or a file, a saved mail too) is what a place outside
has kept; FINGERPRINT was written down when Torwart was set up. Exit 0: all is as it was stated; 1: it is not, and the first bad or missing
entry of each harm is named; 2: it cannot be verified. Formats: docs/record.md. It shares no code with Torwart's own verification.
"""

from __future__ import annotations

import argparse
import base64
import email
import gzip
import hashlib
import json
import pathlib
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

SIGNATURE = re.compile(r"— torwart [A-Za-z0-9+/]{91}=")
NOTE = re.compile(r"(torwart statement 1\n(?:[^\n]+\n)+)\n((?:— torwart [A-Za-z0-9+/=]+\n)+)")
Point = tuple[int, int, int, int]
Entry = dict[str, Any]
Problems = list[tuple[int | None, str]]  # number in the log, what is wrong
LEAST_DAYS = 30  # nothing younger is ever taken out
SHOWN, INTAKE = 20, timedelta(seconds=60)  # what was stated so shortly before the export may not have been in the log yet
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(p: Point, q: Point) -> Point:
    # Ed25519: RFC 8032, section 5.1; points in extended coordinates
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, point: Point) -> Point:
    result = (0, 1, 1, 0)
    while number:
        if number & 1:
            result = add(result, point)
        point, number = add(point, point), number >> 1
    return result


def point_of(data: bytes) -> Point | None:
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or (0, 0, 0, 0)


def signed(public: bytes, message: bytes, signature: bytes) -> bool:
    a, r, s = point_of(public), point_of(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def link(before: bytes, e: Entry) -> bytes:
    # an event's hash in its producer's chain
    canonical = e["canonical"].encode() if "canonical" in e else base64.b64decode(e["canonical_base64"])
    return sha(before, b"torwart-event-1\0%s\0%d\0%d\0" % (e["producer"].encode(), e["epoch"], e["producer_sequence"]), canonical)


def numbers_in(text: str) -> list[int]:
    # a set of numbers: "n1:17:BASE64" is 17 and the distances to the next ones, of 1, 2, 4 or 8 bytes; with "z" they are packed with zlib
    kind, start, data = text.split(":")
    steps, width, found = base64.b64decode(data), int(kind[1:]), [int(start)]
    steps = zlib.decompress(steps) if kind[0] == "z" else steps
    for at in range(0, len(steps), width):
        found.append(found[-1] + int.from_bytes(steps[at : at + width], "little"))
    return found


def over_in(entries: Iterable[Entry]) -> dict[int, int]:
    # entries whose content was taken out by an event of the record, and what must have been received by when for that (ms since 1970)
    found: dict[int, int] = {}
    for e in entries:
        if '"events-removed"' in e.get("canonical", "") and e["producer"].split("-")[0] in ("console", "cli"):
            ours = json.loads(e["canonical"])["torwart"]
            numbers, days = numbers_in(ours["removed"]), ours["numbers"]["days"]
            if days >= LEAST_DAYS and len(numbers) == ours["numbers"]["count"] and numbers[-1] < e["sequence"]:
                found |= {number: max(found.get(number, 0), e["received"] - days * 86_400_000) for number in numbers}
    return found


def leaf(e: Entry, digest: bytes) -> bytes:
    place = (e["sequence"], e["received"], e["producer"].encode(), e["epoch"], e["producer_sequence"], digest)
    return sha(b"\0", b"%d\0%d\0%s\0%d\0%d\0%s" % place)


def grow(full: list[bytes], size: int, node: bytes) -> None:
    # a tree as the roots of its full subtrees: RFC 9162, section 2.1
    while size & 1:
        node, size = sha(b"\1", full.pop(), node), size >> 1
    full.append(node)


def root_of(full: list[bytes]) -> bytes:
    root = full[-1]
    for left in reversed(full[:-1]):
        root = sha(b"\1", left, root)
    return root


def climb(
    place: int, last: int, path: list[bytes], old: bytes, new: bytes
) -> tuple[bytes, bytes] | None:  # the roots that a path of RFC 9162, sections 2.1.3.2 and 2.1.4.2, leads to
    for beside in path:
        if not last:
            return None
        if place & 1 or place == last:
            old, new = sha(b"\1", beside, old), sha(b"\1", beside, new)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            new = sha(b"\1", new, beside)
        place, last = place >> 1, last >> 1
    return None if last else (old, new)


def day_of(e: Entry) -> date:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=e["received"])).date()


class Statement:
    def __init__(self, text: str, signatures: str) -> None:
        lines = [line.partition(" ")[::2] for line in text.splitlines()[1:]]
        v = self.v = {name: value for name, value in lines if name != "end"}
        if len(v) + sum(name == "end" for name, _ in lines) != len(lines) or v["kind"] not in ("head", "tree", "key"):
            raise ValueError("it is not of a form that is known here")
        self.text, self.digest, self.signer, self.number, self.kind = (
            text,
            sha(text.encode()).hex(),
            v["signer"],
            int(v["number"]),
            v["kind"],
        )
        self.time = datetime.strptime(v["time"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        self.name = f"{self.signer} {self.number} of {self.time:%Y-%m-%d %H:%M:%S} UTC"
        self.ends = [value.split(" ") for name, value in lines if name == "end"]
        if self.kind == "head":
            self.ends = [[self.signer, v["epoch"], v["sequence"], v["hash"]]]
        self.last = int(v["first"]) + int(v["size"]) - 1 if self.kind == "tree" else None
        made = (base64.b64decode(line.rsplit(" ", 1)[1]) for line in signatures.splitlines() if SIGNATURE.fullmatch(line))
        self.signatures = {data[:4]: data[4:] for data in made if len(data) == 68}

    def by(self, public: bytes) -> bool:
        made = self.signatures.get(sha(b"torwart\n\x01", public)[:4])
        return made is not None and signed(public, self.text.encode(), made)


def statements_in(text: str, where: object, problems: Problems) -> Iterator[Statement]:
    for match in NOTE.finditer(text.replace("\r\n", "\n")):
        try:
            yield Statement(match[1], match[2])
        except (KeyError, ValueError) as error:
            problems.append((None, f"{where}: a statement cannot be read: {error}"))


def statements_of(place: pathlib.Path, problems: Problems) -> Iterator[Statement]:
    for file in sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else [place]:
        data = file.read_bytes()
        if b"\nContent-T" in data:  # a saved mail
            parts = (part.get_payload(decode=True) for part in email.message_from_bytes(data).walk() if not part.is_multipart())
            data = b"\n\n".join(part for part in parts if isinstance(part, bytes))
        yield from statements_in(data.decode("utf-8", "replace"), file, problems)


def fingerprint(public: bytes) -> str:
    digits = hashlib.sha256(public).hexdigest()[:20].upper()
    return "-".join(digits[n : n + 4] for n in range(0, 20, 4))


def trusted(
    statements: Iterable[Statement], words: list[str], problems: Problems
) -> set[bytes]:  # the keys named, and those that statements signed by both connect with them
    named = [one for one in statements if one.kind == "key"]
    hexes = {bytes.fromhex(word) for word in words if len(word) == 64}
    publics = {bytes.fromhex(one.v["public"]) for one in named} | hexes
    keys = {public for public in publics if fingerprint(public) in words} | hexes
    signers = [{public for public in publics if one.by(public)} for one in named]
    for _ in named:
        for both in signers:
            keys |= both if both & keys else set()
    lone = [one for one, both in zip(named, signers, strict=True) if one.number > 1 and len(both) < 2]
    problems += [(None, f"{one.name} changes the key without the one before it") for one in lone]
    problems += [(None, f"no statement names the key {word}") for word in words if len(word) != 64 and word not in map(fingerprint, keys)]
    return keys


def collected(
    places: Iterable[tuple[str, list[Statement]]], words: list[str], problems: Problems
) -> Iterator[Statement]:  # statements that are signed and follow each other; where two differ, that of a place counts
    variants: dict[tuple[str, int], dict[str, tuple[str, Statement]]] = {}
    known: dict[tuple[str, int], Statement] = {}
    forked: set[str] = set()
    following: Statement | None = None
    for name, statements in places:
        for one in statements:
            _, same_text = variants.setdefault((one.signer, one.number), {}).setdefault(one.text, (name, one))
            same_text.signatures = {**one.signatures, **same_text.signatures}
    keys = trusted([one for same in variants.values() for _, one in same.values()], words, problems)
    for (signer, number), same in sorted(variants.items()):
        good = [found for found in same.values() if len(same) == 1 or any(found[1].by(key) for key in keys)] or list(same.values())
        problems += [(None, f"{name}: {one.name} was changed") for name, one in same.values() if (name, one) not in good]
        if len(good) > 1 and signer not in forked:
            forked.add(signer)
            problems.append((good[0][1].last, f"{good[0][1].name} and {good[1][1].name} are two statements: the machine was set back"))
        known[signer, number] = good[0][1]
    for place in sorted(known, reverse=True):
        one, after = known[place], following if following and (following.signer, following.number) == (place[0], place[1] + 1) else None
        if after and after.v["before"] != one.digest:
            problems.append((after.last, f"{after.name} does not follow {one.name}"))
        if (after and after.v["before"] == one.digest) or any(one.by(key) for key in keys):
            yield one
            following = one
        else:
            problems.append((one.last, f"{one.name} is not signed by a key that is trusted"))


def check(
    entries: list[Entry], statements: list[Statement], exported: datetime, problems: Problems
) -> int:  # chains, order and trees; how many entries
    trees: dict[int, list[Statement]] = {}
    ends: dict[tuple[str, int, int], dict[str, Statement]] = {}
    chains: dict[tuple[str, int], tuple[int, bytes]] = {}
    full: list[bytes] = []
    day: date | None = None
    spans: list[tuple[int, int, Statement]] = []
    exact: Problems = []
    expected, size, agreed, differs = 1, 0, 0, False
    over = over_in(entries)
    for one in statements:
        if one.last is not None:
            trees.setdefault(one.last, []).append(one)
            problems += [(one.last, f"{one.name} breaks with those before it: {one.v['broken']}")] if "broken" in one.v else []
    newest = max((one for one in statements if one.last is not None), key=lambda one: one.time, default=None)
    for one in statements:  # the ends in older trees stand below their roots, too
        for producer, epoch, place, stated in one.ends if one.last is None or one is newest else ():
            ends.setdefault((producer, int(epoch), int(place)), {}).setdefault(stated, one)
    for e in entries:
        sequence, chain, own, digest = e["sequence"], (e["producer"], e["epoch"]), e["producer_sequence"], bytes.fromhex(e["hash"])
        if sequence != expected:
            exact.append((expected, f"missing, and all up to {sequence - 1}"))
        number, before = chains.get(chain) or (None, sha(b"torwart-epoch-1\0%d\0" % e["epoch"], e["producer"].encode()))
        if number is None and e["epoch"] > 1:
            exact.append((sequence, f"begins epoch {e['epoch']} of {e['producer']}: the record before it was broken off"))
        if number is not None and own != number + 1:
            exact.append((sequence, f"{e['producer']} {number + 1} is missing before it, or it stands in the wrong place"))
        elif "canonical" not in e and "canonical_base64" not in e:
            if e["received"] > over.get(sequence, -1):
                exact.append((sequence, "has no content, and no event takes it out" if sequence not in over else "was taken out too early"))
        elif link(before, e) != digest:
            exact.append((sequence, "does not fit its chain: it, or the one before it, was changed"))
        chains[chain], expected, today = (own, digest), sequence + 1, day_of(e)
        if day is None or today > day:
            day, full, size, agreed, differs = today, [], 0, sequence - 1, False
        grow(full, size, leaf(e, digest))
        size += 1
        for said, one in ends.pop((*chain, own), {}).items():
            problems += [(sequence, f"is another event than was stated in {one.name}")] if said != e["hash"] else []
        for one in trees.pop(sequence, []):
            if (one.v["day"], one.v["size"], one.v["root"]) == (str(day), str(size), root_of(full).hex()):
                agreed = sequence
            elif not differs:
                differs = True
                spans.append((agreed + 1, sequence, one))
    spans = [span for span in spans if not any(span[0] <= (number or 0) <= span[1] for number, _ in exact)]
    problems += exact + [(first, f"to {last}: not all is what was stated in {one.name}") for first, last, one in spans]
    for last in sorted(trees, reverse=True)[:1]:
        problems.append((min(expected, last), f"missing, and all up to {last}: stated in {trees[last][0].name}"))
    late = [(where, one) for where, by_hash in ends.items() for one in by_hash.values() if one.time < exported - INTAKE]
    for (producer, _, last), one in sorted(late, key=lambda found: found[0])[-1:]:
        problems.append((None, f"{producer} {last} is missing: stated in {one.name}"))
    return expected - 1


def proved(
    proof: Entry, known: list[tuple[str, list[Statement]]], words: list[str], problems: Problems
) -> str:  # what the proof shows, in words
    path = [bytes.fromhex(node) for node in proof["path"]]
    notes = [note for name in ("smaller", "larger", "statement") if name in proof for note in statements_in(proof[name], name, problems)]
    keys = trusted([one for _, statements in known for one in statements] + notes, words, problems)
    problems += [(None, f"{one.name} is not signed by a key that is trusted") for one in notes if not any(one.by(key) for key in keys)]
    sizes, roots = [int(one.v["size"]) for one in notes], [bytes.fromhex(one.v["root"]) for one in notes]
    if proof["torwart"] == "inclusion":
        start, place = leaf(proof, link(bytes.fromhex(proof["before"]), proof)), proof["sequence"] - int(notes[0].v["first"])
        found = climb(place, sizes[0] - 1, path, start, start) if 0 <= place < sizes[0] else None
        if found is None or found[1] != roots[0] or notes[0].v["day"] != str(day_of(proof)):
            problems.append((proof["sequence"], f"is not in what was stated in {notes[0].name}"))
        return f"event {proof['sequence']} is in what was stated in {notes[0].name}"
    place, last = sizes[0] - 1, sizes[1] - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    nodes = (roots[:1] if sizes[0] & (sizes[0] - 1) == 0 else []) + path
    found = climb(place, last, nodes[1:], nodes[0], nodes[0]) if nodes and sizes[0] <= sizes[1] else None
    if found != (roots[0], roots[1]) or any(notes[0].v[name] != notes[1].v[name] for name in ("day", "first")):
        problems.append((None, f"{notes[1].name} does not continue {notes[0].name}"))
    return f"{notes[1].name} has all that {notes[0].name} had"


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify an exported record of Torwart, or a proof.")
    parser.add_argument("record", nargs="?", type=pathlib.Path)
    parser.add_argument("--proof", type=pathlib.Path)
    parser.add_argument("--checkpoints", action="append", default=[], type=pathlib.Path, help="folder or file with statements from outside")
    parser.add_argument("--key", action="append", required=True, help="fingerprint or public key, from elsewhere than the record")
    options, problems = parser.parse_args(), Problems()
    words = [word.lower() if len(word) == 64 else word.upper() for word in options.key]
    try:
        places = [(str(place), list(statements_of(place, problems))) for place in options.checkpoints]
        if options.proof:
            shown = proved(json.loads(options.proof.read_text("utf-8")), places, words, problems)
        else:
            with (gzip.open if options.record.suffix == ".gz" else open)(options.record, "rt", encoding="utf-8") as file:
                head, *lines = map(json.loads, file)
            if head["torwart"] != "record" or head["version"] not in (1, 2):
                raise ValueError("it is no record of a version that is known here")
            exported = datetime.fromisoformat(head["exported"])
            inside = [one for line in lines if "statement" in line for one in statements_in(line["statement"], "the record", problems)]
            statements = [one for one in collected([*places, ("the record", inside)], words, problems) if one.time <= exported]
            if not statements:
                problems.append((None, "no statement that is signed by a trusted key says anything about this record"))
            problems += [(None, f"{name} has no statement: is it the right place?") for name, found in places if not found]
            count = check([line for line in lines if "sequence" in line], statements, exported, problems)
            shown = f"{count} events are as they were stated in {len(statements)} statements; exported, it says, at {exported}"
            shown += (
                "" if places else "\nNo place outside was compared (--checkpoints): who wrote the record and its statements is not seen"
            )
    except (AttributeError, OSError, EOFError, ValueError, KeyError, TypeError, IndexError) as error:
        print(f"it cannot be verified: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    for sequence, text in sorted(problems, key=lambda found: (found[0] is None, found[0] or 0))[:SHOWN]:
        print(f"log {sequence}: {text}" if sequence is not None else text)
    print(f"{len(problems)} problems" if problems else f"OK: {shown}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
