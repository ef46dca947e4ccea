"""Nobody makes an administrator alone (law 9): a second person says yes with the own key, and the same call then does it once."""

from datetime import timedelta

import pytest

from auth.approval_request import ApprovalKind, ReasonMissingError
from auth.approvals import Approvals
from auth.key_consent import ConsentNeededError
from auth.people import PeopleError
from auth.person_values import PersonChange
from auth.role_consent import RoleConsent
from auth.sole_reviewer import SoleReviewer
from auth.storage import writing
from auth.tables import Key, Person
from deploy.demo.software_key import SoftwareKey
from policies.request import Status
from tests.services.house import SEAL, TORWART, Ceremonies, House

CLOCK = "this boot"


@pytest.fixture
def oskar(house: House) -> Person:
    return house.people.add("Oskar Brandt", "oskar@firma.example", ["owner"])


@pytest.fixture
def berta(house: House) -> Person:
    return house.people.add("Berta Lang", "berta@firma.example", ["admin"])


def approvals_of(ceremonies: Ceremonies, sole: SoleReviewer | None = None) -> Approvals:
    house = ceremonies.house
    return Approvals(house.engine, house.events, ceremonies.keys, house.pseudonyms, CLOCK, used=ceremonies.used, sole=sole)


def consent_of(ceremonies: Ceremonies, sole: SoleReviewer | None = None) -> RoleConsent:
    return RoleConsent(ceremonies.house.engine, ceremonies.house.people, approvals_of(ceremonies, sole))


def approve(ceremonies: Ceremonies, person: Person, key: SoftwareKey) -> None:
    approvals = approvals_of(ceremonies)
    (request,) = approvals.waiting_for(person.id)
    assert request.kind == ApprovalKind.ROLE
    approvals.complete(request.id, person.id, key.get(approvals.begin(request.id, person.id), TORWART))


def roles(house: House, person: Person) -> list[str]:
    found = house.people.by_id(person.id)
    assert found is not None
    return found.roles


def test_the_first_ones_are_made_before_anybody_has_a_key(ceremonies: Ceremonies, anna: Person, oskar: Person) -> None:
    house = ceremonies.house
    consent = RoleConsent(house.engine, house.people, approvals_of(ceremonies), proven=False)
    assert not consent.by_hand_only()
    consent.change(anna.id, {"roles": ["admin"]}, None)
    assert roles(ceremonies.house, anna) == ["admin"]
    ceremonies.enrol(oskar)
    assert consent.by_hand_only() == consent_of(ceremonies).by_hand_only() == {"owner", "admin"}


def test_a_second_person_says_yes_and_it_is_done_once(ceremonies: Ceremonies, anna: Person, oskar: Person, berta: Person) -> None:
    house, consent = ceremonies.house, consent_of(ceremonies)
    ceremonies.enrol(oskar)
    key = ceremonies.enrol(berta)
    for _ in range(2):
        with pytest.raises(ConsentNeededError):
            consent.change(anna.id, {"roles": ["manager", "admin"]}, oskar.id)
    assert roles(house, anna) == ["manager"]
    assert approvals_of(ceremonies).waiting_for(oskar.id) == [], "who asks does not say yes"
    approve(ceremonies, berta, key)
    with pytest.raises(ConsentNeededError):
        consent.change(anna.id, {"roles": ["manager", "owner"]}, oskar.id)
    consent.change(anna.id, {"roles": ["manager", "admin"], "team": "Nord"}, oskar.id)
    assert roles(house, anna) == ["admin", "manager"]
    house.people.change(anna.id, {"roles": ["manager"]}, None)
    with pytest.raises(ConsentNeededError):
        consent.change(anna.id, {"roles": ["manager", "admin"]}, oskar.id)


def test_from_the_command_line_it_takes_two(ceremonies: Ceremonies, anna: Person, oskar: Person, berta: Person) -> None:
    consent = consent_of(ceremonies)
    keys = {person.id: ceremonies.enrol(person) for person in (oskar, berta)}
    for person in (oskar, berta):
        with pytest.raises(ConsentNeededError):
            consent.change(anna.id, {"roles": ["admin"]}, None)
        approve(ceremonies, person, keys[person.id])
    consent.change(anna.id, {"roles": ["admin"]}, None)
    assert roles(ceremonies.house, anna) == ["admin"]


def test_somebody_new_is_no_way_round_it(ceremonies: Ceremonies, oskar: Person, berta: Person) -> None:
    consent = consent_of(ceremonies)
    ceremonies.enrol(oskar)
    key = ceremonies.enrol(berta)
    new = PersonChange(name="Zweit", email="zweit@firma.example", roles=["admin"])
    with pytest.raises(ConsentNeededError):
        consent.add(new, (), oskar.id)
    assert ceremonies.house.people.find("zweit@firma.example") is None
    (request,) = approvals_of(ceremonies).waiting_for(berta.id)
    assert request.shown["lines"] == ["Zweit <zweit@firma.example>: admin"], "a name alone could be a colleague's"
    approve(ceremonies, berta, key)
    assert consent.add(new, ["zweit"], oskar.id).roles == ["admin"]
    with pytest.raises(PeopleError, match="belongs to somebody else"):
        consent.add(new, (), oskar.id)
    assert consent.add(PersonChange(name="M", email="m@firma.example", roles=["manager"]), (), oskar.id).roles == ["manager"]


def test_what_takes_away_or_gives_no_such_role_asks_nobody(ceremonies: Ceremonies, anna: Person, oskar: Person, berta: Person) -> None:
    consent = consent_of(ceremonies)
    ceremonies.enrol(oskar)
    consent.change(berta.id, {"roles": ["manager"]}, oskar.id)
    consent.change(anna.id, {"roles": ["head_of_sales", "security"]}, oskar.id)
    assert roles(ceremonies.house, anna) == ["head_of_sales", "security"]


def test_nobody_raises_themselves_whoever_agrees(ceremonies: Ceremonies, oskar: Person, berta: Person) -> None:
    ceremonies.enrol(oskar)
    with pytest.raises(PeopleError, match="another administrator"):
        consent_of(ceremonies).change(oskar.id, {"roles": ["owner", "admin"]}, oskar.id)


def test_a_firm_with_one_owner_says_why_to_somebody_outside(ceremonies: Ceremonies, anna: Person, oskar: Person) -> None:
    consent = consent_of(ceremonies, SoleReviewer(address="berater@steuer.example"))
    ceremonies.enrol(oskar)
    with pytest.raises(ReasonMissingError):
        consent.change(anna.id, {"roles": ["admin"]}, oskar.id)
    with pytest.raises(ConsentNeededError):
        consent.change(anna.id, {"roles": ["admin"]}, oskar.id, "sie vertritt mich")
    (request,) = approvals_of(ceremonies).unnoticed()
    assert (request.alone, request.not_before, request.reason) == (True, None, "sie vertritt mich")
    assert roles(ceremonies.house, anna) == ["manager"]


def test_who_is_only_named_is_nobody(ceremonies: Ceremonies, anna: Person, oskar: Person, berta: Person) -> None:
    """Decision 0018: whoever types on the command line could name a colleague, and then agree with the own key."""
    house = ceremonies.house
    consent = RoleConsent(house.engine, house.people, approvals_of(ceremonies), proven=False)
    keys = {person.id: ceremonies.enrol(person) for person in (oskar, berta)}
    for person in (oskar, berta):
        with pytest.raises(ConsentNeededError):
            consent.change(anna.id, {"roles": ["admin"]}, berta.id)
        approve(ceremonies, person, keys[person.id])
    consent.change(anna.id, {"roles": ["admin"]}, berta.id)
    assert roles(house, anna) == ["admin"]


def test_an_administrator_who_was_gone_is_not_called_back_by_one_alone(ceremonies: Ceremonies, anna: Person, oskar: Person) -> None:
    house, consent = ceremonies.house, consent_of(ceremonies)
    berta, carla = (house.people.add(name, f"{name}@firma.example", ["admin"]) for name in ("berta", "carla"))
    for person in (berta, carla):
        ceremonies.enrol(person)
    key = ceremonies.enrol(oskar)
    consent.set_status(carla.id, Status.GONE, berta.id)
    consent.set_status(anna.id, Status.GONE, berta.id)
    consent.set_status(anna.id, Status.ACTIVE, berta.id)
    with pytest.raises(ConsentNeededError):
        consent.set_status(carla.id, Status.ACTIVE, berta.id)
    found = house.people.by_id(carla.id)
    assert found is not None
    assert found.status == Status.GONE
    approve(ceremonies, oskar, key)
    consent.set_status(carla.id, Status.ACTIVE, berta.id)
    with pytest.raises(PeopleError):
        consent.set_status(oskar.id, Status.ACTIVE, oskar.id)


APPROVERS = frozenset({"head_of_sales", "owner"})
"""As rules in force may name them."""


def with_rules(ceremonies: Ceremonies, *, proven: bool = True) -> RoleConsent:
    house = ceremonies.house
    return RoleConsent(house.engine, house.people, approvals_of(ceremonies), proven=proven, approvers=lambda: APPROVERS)


@pytest.mark.parametrize("role", ["security", "head_of_sales"])
def test_one_administrator_makes_nobody_who_says_yes_for_others(
    ceremonies: Ceremonies, anna: Person, oskar: Person, berta: Person, role: str
) -> None:
    """Else the helper who is made so approves the export of the one who made them."""
    consent = with_rules(ceremonies)
    ceremonies.enrol(oskar)
    key = ceremonies.enrol(berta)
    new = PersonChange(name="Zweit", email="zweit@firma.example", roles=[role])
    with pytest.raises(ConsentNeededError):
        consent.change(anna.id, {"roles": ["manager", role]}, oskar.id)
    approve(ceremonies, berta, key)
    consent.change(anna.id, {"roles": ["manager", role]}, oskar.id)
    with pytest.raises(ConsentNeededError):
        consent.add(new, (), oskar.id)
    consent.set_status(anna.id, Status.GONE, oskar.id)
    with pytest.raises(ConsentNeededError):
        consent.set_status(anna.id, Status.ACTIVE, oskar.id)
    assert role in consent.by_hand_only(), "nor does a table"
    assert consent.change(berta.id, {"roles": ["admin", "intern"]}, oskar.id) == ("roles",)


def test_where_there_is_nobody_to_ask_such_a_role_is_given(ceremonies: Ceremonies, anna: Person, oskar: Person, berta: Person) -> None:
    """A firm with one owner must be able to have a head of sales; an owner or administrator it makes only with somebody outside."""
    consent = with_rules(ceremonies)
    ceremonies.enrol(oskar)
    assert consent.change(anna.id, {"roles": ["head_of_sales", "security"]}, oskar.id) == ("roles",)
    assert consent.by_hand_only() == {"owner", "admin"}
    with pytest.raises(ConsentNeededError):
        consent.change(anna.id, {"roles": ["owner"]}, oskar.id)
    unproven = with_rules(ceremonies, proven=False)
    ceremonies.enrol(berta)
    with pytest.raises(ConsentNeededError):
        unproven.add(PersonChange(name="Z", email="z@firma.example", roles=["security"]), (), None)


@pytest.mark.parametrize("unusable", ["locked", "lent", "none"])
def test_a_lent_role_makes_no_lasting_owner_where_nobody_has_a_usable_key(
    ceremonies: Ceremonies, anna: Person, oskar: Person, boris: Person, unusable: str
) -> None:
    """Who has the envelope while the keys of all administrators are locked could else keep what it lends for some hours."""
    house, consent = ceremonies.house, with_rules(ceremonies)
    if unusable != "none":
        ceremonies.enrol(oskar)
        assert consent.is_asked_for()
    if unusable == "locked":
        ceremonies.keys.lock(ceremonies.key_of(oskar).id, None)
    if unusable == "lent":
        with writing(house.engine) as session:
            row = session.get_one(Key, ceremonies.key_of(oskar).id)
            row.lent_until = row.created_at + timedelta(hours=4)
            SEAL.put(row)
    assert not consent.is_asked_for()
    for role in ("owner", "admin", "security", "head_of_sales"):
        with pytest.raises(PeopleError, match="no administrator has a key"):
            consent.change(anna.id, {"roles": [role]}, boris.id)
        with pytest.raises(PeopleError, match="no administrator has a key"):
            consent.add(PersonChange(name="Z", email="z@firma.example", roles=[role]), (), boris.id)
    assert {"owner", "admin"} <= {*consent.by_hand_only()}
    assert roles(house, anna) == ["manager"]
    with_rules(ceremonies, proven=False).change(anna.id, {"roles": ["owner"]}, None)  # the machine itself, as before any key is there
