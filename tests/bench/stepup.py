"""Goal 9: what a confirmation costs; whether nobody and somebody without a key take the same time; a table of people; a freeze.

The goal speaks of one complete check with its durable write, by which an answer counts once: the challenge used up, every check, the
counter of the key, the act confirmed, on disk. The event that says so has a goal of its own (`audit_durable_p50`), so that a touch is
measured without it and with it. Each is divided by one verification of a P-256 signature by `openssl speed`, which counts CPU time too.
Beside it stands the least that Python does for the same promise: one signature checked, one row found and three changed, on disk, and
none of the checks, seals, counters and texts.
What other processes do moves the figures less than time would, but the kernel's part of a write to the disk grows with it.
"""

from __future__ import annotations

import csv
import io
import shutil
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from auth.act import Summary, act_digest
from auth.installation import Installation
from auth.keys import KeyRefusedError
from auth.people_import import Imports
from auth.row_seal import RowSeal
from auth.stepup import StepUp, clock_id
from auth.tables import Person
from auth.used_acts import FILE as USED_ACTS
from auth.used_acts import UsedActs
from console.services import Services, open_services
from deploy.demo.software_key import Lies, SoftwareKey
from policies.request import Principal, Status
from tests.bench.report import BenchError, MissingError, Row, row
from tests.faults.played_crm import PlayedCrm
from tests.faults.stand import stand
from tests.faults.test_two_gateways import beside

URL = "http://torwart.localhost:8401"
ROUNDS, TOUCHES = 5, 60
SAMPLES = 10_000
PEOPLE = 1_000
CLIENTS = 300
"""Of the export that is confirmed."""
_BODY_BYTES = 2_000
"""About what stands in the row of an act of so many clients."""
_AT_ONCE = 3
"""Acts that may wait for one person."""
_MEMORY = Path("/dev/shm")
"""Where there is one: so that 20,000 samples do not wait for a disk."""


def run(quick: bool) -> dict[str, Row]:
    """The rows `stepup_cpu`, `stepup_same_time`, `people_csv_s` and `freeze_s`. Raises BenchError."""
    with _services() as services:
        touch = _touch(services, 1 if quick else ROUNDS, _AT_ONCE if quick else TOUCHES)
        table = _people(services, 50 if quick else PEOPLE)
    with _services(_MEMORY if _MEMORY.is_dir() else None) as services:
        same = _same_time(services, 100 if quick else SAMPLES)
    return {"stepup_cpu": touch, "stepup_same_time": same, "people_csv_s": table, "freeze_s": _freeze(1 if quick else ROUNDS)}


@contextmanager
def _services(place: Path | None = None) -> Iterator[Services]:
    folder = Path(tempfile.mkdtemp(prefix="torwart-bench-", dir=place))
    services = open_services(Installation(folder / "state", URL, "http://crm.localhost:8400"))
    try:
        yield services
    finally:
        services.close()
        shutil.rmtree(folder)


# the touch


def _touch(services: Services, rounds: int, touches: int) -> Row:
    person, key = _with_key(services, "Anna Feldmann", "anna@firma.example")
    numbers = count(1)
    whole, alone = services.stepup, _without_events(services)
    ratios, checks, touched, theirs, least = [], [], [], [], []
    for stepup in (whole, alone):
        _touches(stepup, person, key, numbers, _AT_ONCE)  # imports, caches of statements
    for _ in range(rounds):
        verify = _openssl_verify()
        check = _touches(alone, person, key, numbers, touches)
        checks.append(check * 1e6)
        touched.append(_touches(whole, person, key, numbers, touches) * 1e6)
        theirs.append(verify * 1e6)
        least.append(_least(touches) * 1e6)
        ratios.append(check / verify)
    lines = [
        f"{statistics.median(checks):,.0f} microseconds of CPU for a check with its durable write; "
        f"{statistics.median(theirs):,.0f} for one verification by openssl",
        f"with its event {statistics.median(touched):,.0f}: {statistics.median(touched) / statistics.median(theirs):.1f} x",
        f"the least for the same promise, without checks and seals, {statistics.median(least):,.0f}: "
        f"{statistics.median(least) / statistics.median(theirs):.1f} x",
        f"of an export of {CLIENTS} clients: challenge used up, 13 checks, counter, seal, confirmed; smaller is better",
    ]
    return row(
        ratios,
        floor=5.0,
        target=2.5,
        microseconds=checks,
        openssl_microseconds=theirs,
        whole_microseconds=touched,
        least_microseconds=least,
        lines=lines,
    )


def _without_events(services: Services) -> StepUp:
    """The same acts, confirmed by somebody who records nothing."""
    state, engine = services.installation.state, services.engine
    used = UsedActs(state / USED_ACTS)
    return StepUp(engine, lambda _event: None, services.keys, services.pseudonyms, clock_id(engine), seal=RowSeal.of(state), used=used)


def _touches(stepup: StepUp, person: Person, key: SoftwareKey, numbers: Iterator[int], wanted: int) -> float:
    """CPU seconds of one confirmation; what comes before it, and the key's own work, are not counted."""
    spent, done = 0.0, 0
    while done < wanted:
        waiting = [_held(stepup, person, key, f"act{next(numbers)}") for _ in range(_AT_ONCE)]
        before = time.process_time()
        states = [stepup.complete(act_id, answer).state for act_id, answer in waiting]
        spent += time.process_time() - before
        if states != ["confirmed"] * _AT_ONCE:
            raise BenchError(f"a touch was not confirmed: {states}")
        for act_id, answer in waiting:
            _must_be_refused(stepup, act_id, answer)
            stepup.cancel(act_id)
        done += _AT_ONCE
    return spent / done


def _least(times: int) -> float:
    """CPU seconds of one signature checked in Python and one act used up on disk, by the driver alone."""
    key, message = ec.generate_private_key(ec.SECP256R1()), b"x" * 69  # as long as what a key signs without extensions
    signature, public = key.sign(message, ec.ECDSA(SHA256())), key.public_key()
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as folder:
        database = sqlite3.connect(Path(folder) / "least.db", isolation_level=None)
        database.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
            "CREATE TABLE acts (id INTEGER PRIMARY KEY, state TEXT, body BLOB);"
            "CREATE TABLE keys (id INTEGER PRIMARY KEY, counter INTEGER); INSERT INTO keys VALUES (1, 0);"
            "CREATE TABLE ages (id INTEGER PRIMARY KEY, number INTEGER); INSERT INTO ages VALUES (1, 0);"
        )
        database.executemany("INSERT INTO acts VALUES (?, 'open', ?)", [(number, bytes(_BODY_BYTES)) for number in range(times)])
        before = time.process_time()
        for number in range(times):
            database.execute("BEGIN IMMEDIATE")
            (state,) = database.execute("SELECT state FROM acts WHERE id = ?", (number,)).fetchone()
            public.verify(signature, message, ec.ECDSA(SHA256()))
            database.execute("UPDATE acts SET state = 'confirmed' WHERE id = ? AND state = ?", (number, state))
            database.execute("UPDATE keys SET counter = counter + 1")
            database.execute("UPDATE ages SET number = number + 1")
            database.execute("COMMIT")
        spent = time.process_time() - before
        database.close()
    return spent / times


def _must_be_refused(stepup: StepUp, act_id: str, answer: Mapping[str, Any]) -> None:
    """A faster check that lets an answer count twice would be none."""
    try:
        stepup.complete(act_id, answer)
    except Exception as error:
        if type(error).__name__ == "StepUpRefused":
            return
        raise
    raise BenchError("an answer was taken twice")


def _held(stepup: StepUp, person: Person, key: SoftwareKey, act_id: str) -> tuple[str, dict[str, Any]]:
    ids, fields = [str(number) for number in range(CLIENTS)], ("name", "phone", "email")
    stepup.open(
        principal=Principal(person.id, person.pseudonym, frozenset(person.roles), Status(person.status), session_id="session"),
        digest=act_digest(person_id=person.id, action="export", ids=ids, fields=fields, destination="download:export"),
        summary=Summary("export", CLIENTS, CLIENTS, fields, "download:export", "export_needs_key", {"asked": CLIENTS}),
        ids=ids,
        fields=fields,
        act_id=act_id,
    )
    return act_id, key.get(stepup.begin(act_id), URL)


def _with_key(services: Services, name: str, email: str) -> tuple[Person, SoftwareKey]:
    person, key = services.people.add(name, email, ["manager"]), SoftwareKey()
    token = services.keys.issue_token(person.id, None)
    options, _ = services.keys.begin_registration(token)
    services.keys.complete_registration(token, key.create(options, URL))
    return person, key


def _openssl_verify() -> float:
    """CPU seconds of one P-256 verification. Raises MissingError."""
    openssl = shutil.which("openssl")
    if openssl is None:
        raise MissingError("openssl is not installed")
    done = subprocess.run([openssl, "speed", "-seconds", "1", "-mr", "ecdsap256"], capture_output=True, text=True, check=False)
    found = [line.split(":") for line in done.stdout.splitlines() if line.startswith("+F4:")]
    if len(found) != 1 or float(found[0][-1]) <= 0:
        raise BenchError("openssl speed said nothing that can be read")
    return 1 / float(found[0][-1])


# nobody, and somebody without a key


def _same_time(services: Services, samples: int) -> Row:
    person = services.people.add("Boris Hartwig", "boris@firma.example", ["manager"])
    stranger = SoftwareKey()
    stranger.create({"rp": {"id": "torwart.localhost"}, "user": {"id": "QQ"}, "challenge": "QQ"}, URL)
    handles = {"unknown person": b"n" * len(person.user_handle), "person without a key": person.user_handle}
    taken: dict[str, list[float]] = {name: [] for name in handles}
    for number in range(samples + 20):
        for name in list(handles) if number % 2 else list(reversed(handles)):
            seconds = _refused(services, stranger, handles[name])
            if number >= 20:
                taken[name].append(seconds * 1e6)
    lines = [f"{name:21} {_distribution(values)}" for name, values in taken.items()]
    first, second = taken.values()
    distance, chance = _kolmogorov_smirnov(first, second)
    lines.append(
        f"largest distance of the two distributions {distance:.4f}; so far apart by chance in {100 * chance:.0f} % of such samples"
    )
    fifths = [(first[place::5], second[place::5]) for place in range(5)]
    ratios = [statistics.median(one) / statistics.median(other) for one, other in fifths]
    return row(ratios, floor=0.0, target=1.0, samples=samples, distance=distance, lines=lines)


def _refused(services: Services, stranger: SoftwareKey, handle: bytes) -> float:
    options, state = services.sign_in.begin()
    answer = stranger.get(options, URL, lies=Lies(user_handle=handle))
    started = time.process_time()
    try:
        services.sign_in.complete(state, answer)
    except KeyRefusedError:
        return time.process_time() - started
    raise BenchError("a stranger was signed in")


def _distribution(values: list[float]) -> str:
    cuts = statistics.quantiles(values, n=100)
    named = ((place, cuts[place - 1]) for place in (1, 5, 25, 50, 75, 95, 99))
    return f"{len(values):,} samples, microseconds of CPU: " + ", ".join(f"{place} % {value:,.0f}" for place, value in named)


def _kolmogorov_smirnov(one: list[float], other: list[float]) -> tuple[float, float]:
    """Largest distance of two empirical distributions, and how probable at least that is if they are the same (asymptotic series)."""
    marks = sorted([(value, 1 / len(one)) for value in one] + [(value, -1 / len(other)) for value in other])
    distance = reached = 0.0
    for place, (value, step) in enumerate(marks):
        reached += step
        if place + 1 == len(marks) or marks[place + 1][0] != value:  # equal values count together
            distance = max(distance, abs(reached))
    size = (len(one) * len(other) / (len(one) + len(other))) ** 0.5
    scaled = (size + 0.12 + 0.11 / size) * distance
    series = sum((-1) ** (term - 1) * 2.718281828459045 ** (-2 * (term * scaled) ** 2) for term in range(1, 101))
    return distance, min(1.0, max(0.0, 2 * series))


# people


def _people(services: Services, people: int) -> Row:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(("email", "name", "roles", "language", "team", "manager", "accounts"))
    for number in range(people):
        chief = f"p{number // 10}@firma.example" if number >= 10 else ""
        table.writerow((f"p{number}@firma.example", f"Person {number}", "manager", "de", f"team-{number % 20}", chief, f"crm{number}"))
    data = text.getvalue().encode()
    imports = Imports(services.engine, services.spool.append_all, services.pseudonyms, lambda: {"manager"}, frozenset)
    started = time.perf_counter()
    compared = _seconds(lambda: imports.preview(data, None))
    applied = _seconds(lambda: imports.apply(data, None))
    wall = time.perf_counter() - started
    again = _seconds(lambda: imports.apply(data, None))
    if services.people.by_account(f"crm{people - 1}") is None:
        raise BenchError("people of the table are missing")
    line = f"{people:,} new people: compared in {compared:.2f} s, taken over in {applied:.2f} s, the same table once more {again:.2f} s"
    about = f"seconds of CPU, smaller is better; compared and taken over in {wall:.2f} s of wall time, beside whatever else was running"
    return row([compared + applied], floor=0.0, target=10.0, wall_seconds=wall, lines=[line, about])


def _seconds(work: Callable[[], object]) -> float:
    """Of CPU: that of other processes does not count."""
    started = time.process_time()
    work()
    return time.process_time() - started


# a freeze


def _freeze(rounds: int) -> Row:
    taken = []
    with tempfile.TemporaryDirectory(prefix="torwart-bench-") as folder, stand(Path(folder) / "firm", PlayedCrm().port) as first:
        first.start()
        with beside(first) as second, first.people() as people:
            for _ in range(rounds):
                lines = [gateway.connect() for gateway in (first, second)]
                if [line.page(0).status for line in lines] != [200, 200]:
                    raise BenchError("a gateway does not answer before the freeze")
                started = time.perf_counter()
                people.freeze(first.asking, None)
                frozen = time.perf_counter()
                while any(line.page(0).status == 200 for line in lines):
                    pass
                taken.append(time.perf_counter() - started)
                if time.perf_counter() - frozen > 60:
                    raise BenchError("a freeze was not noticed")
                for line in lines:
                    line.close()
                people.unfreeze(first.asking, None)
    line = f"from the command to the refusal by the slower of two gateways: {min(taken):.3f} to {max(taken):.3f} s of wall time"
    return row(taken, floor=0.0, target=1.0, lines=[line, "smaller is better"])
