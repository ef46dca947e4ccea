"""X5 before real Tryton: no write, copy, merge, import or report makes another's client readable, or changes what is masked."""

from typing import Any

import pytest

from deploy.demo.ceremony import act_of
from deploy.demo.tryton_rpc import TrytonSession
from tests.services.gateway import RunningFirm

pytestmark = pytest.mark.slow
PARTY, CONTACT = "model.party.party", "model.party.contact_mechanism"


def attempts(own: int, foreign: int, contact: int) -> dict[str, tuple[str, list[Any]]]:
    new = [["create", [{"type": "email", "value": "dieb@evil.example"}]]]
    return {
        "a second pair": (f"{PARTY}.write", [[own], {"code": "A1"}, [foreign], {"contact_mechanisms": new}]),
        "a contact written": (f"{CONTACT}.write", [[contact], {"value": "+49 999"}]),
        "a contact moved": (f"{CONTACT}.write", [[contact], {"party": own}]),
        "a contact archived": (f"{CONTACT}.write", [[contact], {"active": False}]),
        "a contact's kind changed": (f"{CONTACT}.write", [[contact], {"type": "other"}]),
        "a contact made": (f"{CONTACT}.create", [[{"party": foreign, "type": "email", "value": "dieb@evil.example"}]]),
        "a contact deleted": (f"{CONTACT}.delete", [[contact]]),
        "contacts deleted through an own client": (f"{PARTY}.write", [[own], {"contact_mechanisms": [["delete", [contact]]]}]),
        "contacts removed through an own client": (f"{PARTY}.write", [[own], {"contact_mechanisms": [["remove", [contact]]]}]),
        "contacts added to a new client": (f"{PARTY}.create", [[{"name": "N", "contact_mechanisms": [["add", [contact]]]}]]),
        "contacts copied into a new client": (f"{PARTY}.create", [[{"name": "N", "contact_mechanisms": [["copy", [contact], {}]]}]]),
        "a client copied": (f"{PARTY}.copy", [[foreign], {}]),
        "a client copied as one's own": (f"{PARTY}.copy", [[own, foreign], {"name": "N"}]),
        "a client replaced": (f"{PARTY}.write", [[foreign], {"replaced_by": own}]),
        "an own client replaced": (f"{PARTY}.write", [[own], {"replaced_by": foreign}]),
        "rows read in": (f"{PARTY}.import_data", [["id", "contact_mechanisms/value"], [[foreign, "+49 999"]]]),
        "a label": ("report.party.label.execute", [[foreign], {"model": "party.party", "id": foreign, "ids": [foreign]}]),
        "a label of both": ("report.party.label.execute", [[own, foreign], {"model": "party.party", "id": own, "ids": [own, foreign]}]),
        "the alias of a number": (f"{PARTY}.write", [[foreign], {"phone": "+49 999"}]),
        "the address's client": ("model.party.address.write", [[foreign], {"party": own}]),
        "a deletion": (f"{PARTY}.delete", [[foreign]]),
        "a deletion of both": (f"{PARTY}.delete", [[own, foreign]]),
        "an archiving": (f"{PARTY}.write", [[foreign], {"active": False}]),
    }


NAMES = list(attempts(1, 2, 3))


def stored(direct: TrytonSession, parties: list[int]) -> Any:
    """Whose contacts are which, and which of the clients are there."""
    contacts = direct.call(f"{CONTACT}.search_read", [["party", "in", parties]], 0, None, [["id", "ASC"]], ["party", "type", "value"], {})
    return contacts, direct.call(f"{PARTY}.search", [["id", "in", parties]], 0, None, [["id", "ASC"]], {})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_another_s_client_is_changed_or_made_readable(firm: RunningFirm, name: str) -> None:
    place = NAMES.index(name)
    own, foreign = firm.book("emily")[place], firm.book("felix")[place]
    with firm.crm.log_in("oskar") as direct, firm.log_in("emily") as emily:
        before = stored(direct, [own, foreign])
        (contact, *_) = [one["id"] for one in before[0] if one["party"] == foreign]
        count = direct.call(f"{CONTACT}.search_count", [], {})
        method, params = attempts(own, foreign, contact)[name]
        answer = emily.post(method, *params, {})
        if answer.status_code == 401:  # held: the key alone must not help either
            firm.touch(act_of(answer))
            answer = emily.post(method, *params, {})
        assert not firm.leaks(answer.content)
        assert answer.status_code in (400, 401, 403) or "error" in answer.json(), answer.text
        assert stored(direct, [own, foreign]) == before
        assert direct.call(f"{CONTACT}.search_count", [], {}) == count
