"""A made-up firm for the gateway's benchmark: clients, pages of them as the CRM would answer, and what must come out of the gateway."""

from __future__ import annotations

import json
import os
import random
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit_store.pseudonyms import Pseudonyms, secret
from audit_store.spool import Spool
from auth.assignments import Assignments
from auth.installation import check_rights, load_installation
from auth.people import People
from auth.policy_signature import PolicyKey
from auth.sealed_database import open_sealed
from auth.sessions import Sessions
from policies.load import rule_files
from policies.masks import HIDDEN
from policies.store import SHIPPED, PolicyStore

CLIENTS = 3_000
PAGES = 500
"""Different bodies of each size."""
SIZES = {"1 KB": 3, "100 KB": 300}
"""Records in a page; about half of them are not the asking manager's own."""
CONTACT = ("phone", "mobile", "email", "website")
FIELDS = ("name", "code", "full_name", *CONTACT, "vat_code")

_CONFIG = """\
state: state
language: de
names: shown
torwart:
  url: {scheme}://torwart.localhost:{other_port}
  listen: 127.0.0.1:{other_port}
crm:
  url: {scheme}://crm.localhost:{port}
  listen: 127.0.0.1:{port}
  upstream: http://127.0.0.1:{upstream}
  profile: tryton
  database: crm
"""
_CASES = """\
cases:
  - name: a manager reads all day, the others' clients masked
    given: {roles: [manager], action: list, own: 150, others: 150, today: {foreign_shown_day: 1350}}
    expect: {decision: allow, kept: all, masks: {contact: hide}, masked: 150}
"""


@dataclass(slots=True)
class Firm:
    """The records of the CRM, and whose they are."""

    clients: list[dict[str, Any]] = field(default_factory=list)
    pages: dict[int, list[list[dict[str, Any]]]] = field(default_factory=dict)
    """Records in a page -> the pages."""

    @classmethod
    def make(cls) -> Firm:
        """The same firm every time."""
        chance = random.Random(8400)  # noqa: S311 - made-up clients, not secrets
        firm = cls([_client(number, chance) for number in range(1, CLIENTS + 1)])
        for size in SIZES.values():
            firm.pages[size] = [chance.sample(firm.clients, size) for _ in range(PAGES)]
        return firm

    def write_pages(self, folder: Path) -> None:
        """One file a page, `SIZE/PAGE.json`, spelt as Tryton spells it."""
        for size, pages in self.pages.items():
            (folder / str(size)).mkdir(parents=True)
            for number, page in enumerate(pages):
                (folder / str(size) / f"{number}.json").write_text(json.dumps(page), encoding="utf-8")

    def delivered(self, size: int, number: int) -> list[dict[str, Any]]:
        """What the manager may see of a page."""
        return [client if is_own(client["id"]) else client | dict.fromkeys(CONTACT, HIDDEN) for client in self.pages[size][number]]

    def path(self, size: int, number: int) -> str:
        """Address of a page at the CRM's REST interface."""
        return "/crm/rest/model/party.party?" + "&".join(f"f={name}" for name in FIELDS) + f"&p={number}&s={size}"


def is_own(client: int) -> bool:
    """The asking manager has the clients with an odd number."""
    return client % 2 == 1


@dataclass(frozen=True, slots=True)
class Installation:
    """A gateway's files, ready to start."""

    config: Path
    spool: Path
    key: str
    """The manager's REST key."""


def install(folder: Path, *, port: int, upstream: int, certificate: tuple[Path, Path] | None, top: str = "") -> Installation:
    """An installation with two managers and a policy that holds nothing up: the shipped one with its limits out of reach.

    `top`: further sections of the configuration.
    """
    folder.mkdir(mode=0o700)
    os.umask(0o077)
    config = folder / "torwart.yaml"
    text = _CONFIG.format(scheme="https" if certificate else "http", port=port, other_port=port + 1, upstream=upstream)
    if certificate:
        files = f"  certificate: {certificate[0]}\n  key: {certificate[1]}\n"
        text = text.replace("\ncrm:\n", f"\n{files}crm:\n") + files
    config.write_text(text + top, encoding="utf-8")
    installed = load_installation(config)[0]
    state = installed.state
    check_rights(state)
    engine, spool = open_sealed(installed.database, installed.state), Spool.open(state / "spool" / "cli", "cli")
    people = People(engine, spool.append, Pseudonyms(secret(state / "keys", "pseudonym.key")))
    asking = people.add("Anna Adler", "anna@firma.example", ["manager"], accounts=["anna"])
    people.add("Boris Berg", "boris@firma.example", ["manager"], accounts=["boris"])
    owners = folder / "owners.csv"
    rows = [f"{number},{'anna' if is_own(number) else 'boris'}" for number in range(1, CLIENTS + 1)]
    owners.write_text("\n".join(["client_id,person", *rows]) + "\n", encoding="utf-8")
    Assignments(engine, spool.append).import_csv(owners)
    key = secrets.token_hex(64)
    Sessions(engine, spool.append, secret(state / "keys", "credential.key")).bind(key, "api_key", asking.id, "anna")
    PolicyStore(state / "policies", PolicyKey(state / "keys")).activate(_policy(folder / "policy"), "bench")
    spool.close()
    engine.dispose()
    return Installation(config, installed.spool("gateway"), key)


def _policy(folder: Path) -> Path:
    folder.mkdir()
    files = {path.name: path.read_text(encoding="utf-8").split("\nrules:\n") for path in rule_files(SHIPPED)}
    text = files["everybody.yaml"][0] + "\nrules:\n" + "".join(rules for _, rules in files.values())
    for old, new in (
        ("minute: 300", "minute: 1000000"),
        ("{counter: foreign_shown_day, percent: 10, of: base}", "{counter: foreign_shown_day, percent: 90, of: base}"),
        ("{counter: foreign_shown_day, percent: 15, of: base}", "{counter: foreign_shown_day, percent: 100, of: base}"),
    ):
        if text.count(old) != 1:
            raise ValueError(f"the shipped policy has changed: {old!r} is not in it once")
        text = text.replace(old, new)
    (folder / "bench.yaml").write_text(text, encoding="utf-8")
    (folder / "bench.cases.yaml").write_text(_CASES, encoding="utf-8")
    return folder


def _client(number: int, chance: random.Random) -> dict[str, Any]:
    name = f"{chance.choice(('Anna', 'Boris', 'Clara', 'Ömer', 'Olga'))} {chance.choice(('Adler', 'Becker', 'Groß', 'Iwanow'))} {number:05}"
    return {
        "__name__": "party.party",
        "id": number,
        "name": name,
        "code": str(number),
        "full_name": f"{name} ({chance.choice(('GmbH', 'AG', 'e. K.', 'KG'))})",
        "phone": f"+49 30 {chance.randrange(10**7, 10**8)}",
        "mobile": f"+49 171 {chance.randrange(10**6, 10**7)}",
        "email": f"kunde{number:05}@firma{chance.randrange(90)}.example",
        "website": f"https://www.firma{number:05}.example/{chance.randrange(10**9)}",
        "vat_code": f"DE{chance.randrange(10**8, 10**9)}",
    }
