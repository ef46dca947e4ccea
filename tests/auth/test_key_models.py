"""What a key is worth: the list of models, who vouches for the key, and what the administrator admits."""

import contextlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from audit_store.event import EventAction
from auth.key_models import KeyModels, Standing
from auth.key_settings import KeySettings
from auth.key_tables import KeyMetadata
from auth.keys import KeyRefusedError, Keys
from auth.metadata import MetadataError
from auth.storage import writing
from auth.tables import Key
from deploy.demo.software_key import Lies, SoftwareKey
from policies.request import KeyClass
from tests.services.house import RP_ID, SEAL, TORWART
from tests.services.maker import AAGUID, SIGNER, Maker

MAKER = Maker()
OTHER = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def keys(house) -> Keys:
    return Keys(house.engine, house.events, RP_ID, TORWART, SEAL)


def _registered(keys, person, lies=None, software=None):
    token = keys.issue_token(person.id, None)
    options, _ = keys.begin_registration(token)
    lies = lies or MAKER.packed()
    return keys.complete_registration(token, (software or SoftwareKey()).create(options, TORWART, lies=lies))


def _load(keys, *statuses, **how):
    entry = MAKER.entry(*statuses, **{name: how.pop(name) for name in ("aaguid", "roots") if name in how})
    return keys.models.load(MAKER.blob(entry, **how), MAKER.root, SIGNER)


def test_a_key_of_a_known_model_is_verified(keys, house, anna):
    _load(keys)
    key = _registered(keys, anna)
    assert (keys.models.standing(key), keys.class_of(key)) == (Standing.TRUSTED, KeyClass.VERIFIED)
    assert keys.models.model_of(key).name == "Maker Key 5"
    (enrolled,) = house.events.of(EventAction.KEY_ENROLLED)
    told = enrolled.document["torwart"]["words"]
    assert (told["class"], told["standing"], told["attestation"], told["model"]) == ("verified", "trusted", "packed", AAGUID)
    (loaded,) = house.events.of(EventAction.KEY_METADATA_LOADED)
    assert loaded.document["torwart"]["numbers"]["number"] == 7


def test_without_a_list_it_is_hardware_and_with_one_it_becomes_verified(keys, anna):
    """Who vouches for it is kept with the key: nobody registers again when the list comes later."""
    key = _registered(keys, anna)
    assert (keys.models.standing(key), keys.class_of(key)) == (Standing.NO_LIST, KeyClass.HARDWARE)
    _load(keys)
    assert keys.class_of(key) is KeyClass.VERIFIED


@pytest.mark.parametrize(
    ("lies", "listed", "standing", "key_class"),
    [
        (Lies(backup_eligible=True), {}, Standing.SYNCED, KeyClass.SYNCED),
        (Lies(aaguid=MAKER.packed().aaguid), {}, Standing.UNATTESTED, KeyClass.HARDWARE),
        (MAKER.packed(), {"aaguid": OTHER}, Standing.UNKNOWN, KeyClass.HARDWARE),
        (MAKER.packed(), {"roots": [Maker().root]}, Standing.UNTRUSTED, KeyClass.HARDWARE),
        (MAKER.packed(), {"roots": []}, Standing.UNTRUSTED, KeyClass.HARDWARE),
        (MAKER.packed(), {"roots": [MAKER.leaf]}, Standing.UNTRUSTED, KeyClass.HARDWARE),
        (MAKER.packed([MAKER.leaf]), {}, Standing.UNTRUSTED, KeyClass.HARDWARE),
        (MAKER.packed([MAKER.leaf_of(days=(-50, -1)), MAKER.between]), {}, Standing.UNTRUSTED, KeyClass.HARDWARE),
    ],
    ids=[
        *("synced", "nobody vouches", "unknown model", "another maker's root", "no root", "the leaf alone is trusted", "a link is missing"),
        "out of date",
    ],
)
def test_what_is_no_verified_key(keys, anna, lies, listed, standing, key_class):
    _load(keys, **listed)
    key = _registered(keys, anna, lies)
    assert (keys.models.standing(key), keys.class_of(key)) == (standing, key_class)


def test_a_model_that_is_withdrawn_later_is_refused_where_a_verified_key_is_demanded(keys, anna):
    software = SoftwareKey()
    _load(keys)
    key = _registered(keys, anna, software=software)
    challenge = bytes(range(32))
    answer = software.get(keys.options(anna.id, challenge, 60, KeyClass.VERIFIED), TORWART)
    _load(keys, {"status": "REVOKED"}, number=8)
    assert (keys.models.standing(key), keys.class_of(key)) == (Standing.WITHDRAWN, KeyClass.HARDWARE)
    with pytest.raises(KeyRefusedError) as refused:
        keys.options(anna.id, challenge, 60, KeyClass.VERIFIED)
    assert refused.value.cause == "no_key"
    with pytest.raises(KeyRefusedError) as refused:
        keys.verify_assertion(anna.id, challenge, answer, KeyClass.VERIFIED)
    assert refused.value.cause == "key_class"
    assert keys.verify_assertion(anna.id, challenge, answer).key_id == key.id, "an act that asks for hardware goes on"


def test_a_list_with_a_smaller_number_is_refused(keys, anna):
    _load(keys, {"status": "REVOKED"}, number=8)
    with pytest.raises(MetadataError, match="number 7, the one that is loaded has 8"):
        _load(keys, number=7)
    assert keys.models.current().number == 8
    assert _load(keys, number=8).number == 8, "the same one again"


def test_a_list_that_is_refused_changes_nothing(keys, house):
    _load(keys)
    before = keys.models.current()
    for blob, root, signer in (
        (MAKER.blob(MAKER.entry(), number=9, next_update=datetime.now(UTC).date() - timedelta(days=1)), MAKER.root, SIGNER),
        (Maker().blob(number=9), MAKER.root, SIGNER),
        (MAKER.blob(number=9), MAKER.root, "mds.fidoalliance.org"),
    ):
        with pytest.raises(MetadataError):
            keys.models.load(blob, root, signer)
    assert keys.models.current() == before
    assert len(house.events.of(EventAction.KEY_METADATA_LOADED)) == 1


def test_a_list_that_cannot_be_recorded_is_not_loaded(keys, house):
    def full(_event):
        raise OSError("no space left")

    models = KeyModels(house.engine, full, SEAL)
    with pytest.raises(OSError, match="no space"):
        models.load(MAKER.blob(MAKER.entry()), MAKER.root, SIGNER)
    assert keys.models.current() is None


def test_a_root_that_was_written_into_the_table_makes_no_key_verified(keys, house, anna):
    """Attacks X12: the thief's own maker in the list of models."""
    thief = Maker()
    _load(keys)
    key = _registered(keys, anna, thief.packed())
    assert keys.class_of(key) is KeyClass.HARDWARE
    elsewhere = KeyModels(house.engine, lambda _event: None, type(SEAL)(bytes(32)))
    elsewhere.load(thief.blob(thief.entry(), number=9), thief.root, SIGNER)
    assert keys.class_of(key) is KeyClass.HARDWARE
    assert keys.models.current() is None
    with writing(house.engine) as session:
        session.execute(update(KeyMetadata).values(seal=None))
    assert keys.models.current() is None


def test_a_path_that_was_written_into_a_key_makes_it_confirm_nothing(keys, house, anna):
    """Attacks X12: the path of a genuine key under a software one."""
    _load(keys)
    software = SoftwareKey()
    key, genuine = _registered(keys, anna, Lies(aaguid=MAKER.packed().aaguid), software), _registered(keys, anna)
    answer = software.get({**keys.options(anna.id, bytes(32), 60), "allowCredentials": []}, TORWART)
    with writing(house.engine) as session:
        session.execute(update(Key).where(Key.id == key.id).values(trust_path=genuine.trust_path))
    with pytest.raises(KeyRefusedError) as refused:
        keys.verify_assertion(anna.id, bytes(32), answer, KeyClass.VERIFIED)
    assert refused.value.cause == "seal"
    (alarm,) = house.events.of(EventAction.AUTHORITY_ALARM)
    assert alarm.document["torwart"]["words"]["table"] == "keys"


def test_only_admitted_models_count_where_some_are_named(house, anna):
    some = Keys(house.engine, house.events, RP_ID, TORWART, SEAL, KeySettings(models=(OTHER.upper(),)))
    _load(some)
    key = _registered(some, anna)
    assert (some.models.standing(key), some.class_of(key)) == (Standing.NOT_ADMITTED, KeyClass.HARDWARE)
    these = Keys(house.engine, house.events, RP_ID, TORWART, SEAL, KeySettings(models=(OTHER, AAGUID)))
    assert these.class_of(key) is KeyClass.VERIFIED


@pytest.mark.parametrize(
    ("least", "accepted"),
    [("any", {"synced", "hardware", "verified"}), ("hardware", {"hardware", "verified"}), ("verified", {"verified"})],
)
def test_a_firm_may_take_no_weaker_key_at_all(house, anna, least, accepted):
    keys = Keys(house.engine, house.events, RP_ID, TORWART, SEAL, KeySettings(register_least=least))
    _load(keys)
    found = set()
    for lies in (Lies(backup_eligible=True), Lies(), MAKER.packed()):
        with contextlib.suppress(KeyRefusedError):
            found.add(keys.class_of(_registered(keys, anna, lies)).value)
    assert found == accepted
    causes = [event.document["torwart"]["words"]["cause"] for event in house.events.of(EventAction.KEY_REFUSED)]
    assert causes == ["key_class"] * (3 - len(accepted))


def test_settings_name_models_by_their_number():
    with pytest.raises(ValueError, match="torwart keys models"):
        KeySettings(models=("YubiKey",))
