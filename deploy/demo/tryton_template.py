"""The filled database, made once and copied for every run."""

import json
import secrets
import shutil
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from deploy.demo.clients import Client, all_clients
from deploy.demo.people import PEOPLE, Role
from deploy.demo.tryton_env import SERVER_PACKAGES, Progress, caches, run
from deploy.demo.tryton_process import TrytonProcess, free_port, write_config
from deploy.demo.tryton_rpc import DATABASE, TrytonSession

DATABASE_FILE: Final = f"{DATABASE}.sqlite"
_STAMP: Final = "stamp.json"
_FORMAT: Final = 2
_BATCH: Final = 200
_COUNTRIES: Final = {"DE": "Germany", "RU": "Russia", "GB": "United Kingdom"}


def make_template(root: Path, python: Path, progress: Progress) -> Path:
    """The folder of the filled database; made anew when it is missing, half finished or of other versions or clients.

    Raises `DemoError` when Tryton cannot make or fill it.
    """
    folder = root / "tryton" / "template"
    if _stamp(folder).get("content") == _content():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    password = secrets.token_urlsafe(18)
    progress("Making Tryton's database (once) ...")
    _create_database(root, python, folder, password)
    progress(f"Entering {len(all_clients()):,} made-up clients (once) ...")
    process = TrytonProcess(root, python, folder, port=free_port(), web_root=None)
    try:
        with TrytonSession(process.base_url, "admin", password) as admin:
            _enter_people(admin)
            ids = _enter_clients(admin)
            _count_on(admin)
    finally:
        process.stop()
    for leftover in ("trytond.conf", "trytond.log", "password"):
        (folder / leftover).unlink(missing_ok=True)
    (folder / _STAMP).write_text(json.dumps({"content": _content(), "party_ids": ids}), encoding="utf-8")
    return folder


def party_ids(template: Path) -> dict[int, int]:
    """Client number -> id of that client in the CRM."""
    return dict(enumerate(_stamp(template)["party_ids"], start=1))


def _content() -> str:
    """A digest of everything that the template was made from."""
    parts = [_FORMAT, SERVER_PACKAGES, [asdict(person) for person in PEOPLE], [asdict(client) for client in all_clients()]]
    return sha256(json.dumps(parts).encode()).hexdigest()


def _stamp(folder: Path) -> dict[str, Any]:
    try:
        stamp = json.loads((folder / _STAMP).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _create_database(root: Path, python: Path, folder: Path, password: str) -> None:
    (folder / DATABASE_FILE).touch(mode=0o600)  # Tryton opens a SQLite file, it does not make one
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    config = write_config(folder, 0, None)
    admin = [str(python), str(python.with_name("trytond-admin")), "-c", str(config), "-d", DATABASE]
    environment = caches(root) | {"TRYTONPASSFILE": str(secret)}
    what = "Tryton's database could not be made"
    run([*admin, "--email", "admin@firma.example", "-u", "party", "--activate-dependencies", "-l", "de", "ru"], environment, what)


def _enter_people(admin: TrytonSession) -> None:
    languages = _ids(admin, "ir.lang", "code", sorted({person.language for person in PEOPLE}))
    party_admin = _ids(admin, "res.group", "name", ["Party Administration"])
    people = [
        {
            "name": person.name,
            "login": person.login,
            "email": person.email,
            "language": languages[person.language],
            # Every copy sets passwords of its own; this one is known to nobody.
            "password": secrets.token_urlsafe(18),
            "groups": [["add", list(party_admin.values())]] if person.role is Role.OWNER else [],
        }
        for person in PEOPLE
    ]
    admin.call("model.res.user.create", people, {})


def _enter_clients(admin: TrytonSession) -> list[int]:
    clients = all_clients()
    countries = _enter_countries(admin)
    languages = _ids(admin, "ir.lang", "code", sorted({client.language for client in clients}))
    ids: list[int] = []
    for start in range(0, len(clients), _BATCH):
        values = [_party(client, countries, languages) for client in clients[start : start + _BATCH]]
        ids += admin.call("model.party.party.create", values, {})
    return ids


def _count_on(admin: TrytonSession) -> None:
    """Let Tryton number a new client as the next one after ours."""
    sequence = admin.call("model.ir.sequence.search", [["sequence_type.name", "=", "Party"]], 0, None, None, {})
    admin.call("model.ir.sequence.write", sequence, {"prefix": "K", "padding": 5, "number_next": len(all_clients()) + 1}, {})


def _party(client: Client, countries: dict[str, int], languages: dict[str, int]) -> dict[str, Any]:
    address = {
        "street_unstructured": client.street,
        "postal_code": client.postal_code,
        "city": client.city,
        "country": countries[client.country_code],
    }
    contacts = [{"type": client.phone_kind, "value": client.phone}, {"type": "email", "value": client.email}]
    return {
        "name": client.name,
        "code": client.code,
        "lang": languages[client.language],
        "addresses": [["create", [address]]],
        "contact_mechanisms": [["create", contacts]],
    }


def _enter_countries(admin: TrytonSession) -> dict[str, int]:
    made = admin.call("model.country.country.create", [{"name": name, "code": code} for code, name in _COUNTRIES.items()], {})
    return dict(zip(_COUNTRIES, made, strict=True))


def _ids(admin: TrytonSession, model: str, field: str, values: list[str]) -> dict[str, int]:
    """The ids of the records whose field has these values."""
    found = admin.call(f"model.{model}.search_read", [[field, "in", values]], 0, None, None, [field], {})
    return {record[field]: record["id"] for record in found}
