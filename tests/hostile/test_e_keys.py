"""E75 to E83 of the promises: answers of keys that were replayed, bent, made for something else or broken. Each has its number."""

import contextlib
import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from audit_store.event import EventAction
from auth.act import StepUpRefused
from auth.client_data import MAX_RESPONSE_BYTES, decode, encode
from auth.key_settings import KeySettings
from auth.keys import KeyRefusedError, Keys
from auth.own_touch import OwnTouch, What
from auth.storage import database_now, writing
from auth.tables import Ceremony
from deploy.demo.software_key import Lies, SoftwareKey, _cbor
from policies.request import KeyClass
from tests.services.house import RP_ID, SEAL, TORWART
from tests.services.maker import NUMBER, SIGNER, Maker, certificate

CHALLENGE = bytes(range(32))
MAKER = Maker()
SLOW = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _all_at_once(work, times=50):
    """How many of so many threads got through."""
    got, start = [], threading.Barrier(times)

    def run():
        start.wait()
        with contextlib.suppress(KeyRefusedError, StepUpRefused):
            work()
            got.append(True)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(got)


def _touch(ceremonies, person, key, *, least=KeyClass.HARDWARE, origin=TORWART, user_verified=True, **lies):
    options = ceremonies.keys.options(person.id, CHALLENGE, 60, KeyClass.SYNCED)
    answer = key.get(options, origin, user_verified=user_verified, lies=Lies(**lies))
    return ceremonies.keys.verify_assertion(person.id, CHALLENGE, answer, least)


def _cause(ceremonies, person, key, **how):
    with pytest.raises(KeyRefusedError) as refused:
        _touch(ceremonies, person, key, **how)
    return refused.value.cause


def _registered(keys, person, lies):
    token = keys.issue_token(person.id, None)
    options, _ = keys.begin_registration(token)
    return keys.complete_registration(token, SoftwareKey().create(options, TORWART, lies=lies))


def test_e75_of_fifty_answers_to_one_challenge_one_counts(ceremonies, anna):
    key, act = ceremonies.enrol(anna), ceremonies.hold(anna)
    answer = key.get(ceremonies.stepup.begin(act.id), TORWART)
    assert _all_at_once(lambda: ceremonies.stepup.complete(act.id, answer)) == 1
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    new = SoftwareKey().create(options, TORWART)
    assert _all_at_once(lambda: ceremonies.keys.complete_registration(token, new)) == 1
    assert len(ceremonies.keys.of(anna.id)) == 2


def test_e76_a_challenge_of_another_operation_person_or_time(ceremonies, anna, boris):
    key, of_boris = ceremonies.enrol(anna), ceremonies.enrol(boris)
    own = OwnTouch(ceremonies.house.engine, ceremonies.house.events, ceremonies.keys)
    options, state = own.begin(anna.id, What.KEY)
    answer = key.get(options, TORWART)
    act = ceremonies.hold(anna)
    ceremonies.stepup.begin(act.id)
    for attempt in (
        lambda: own.complete(anna.id, What.TOTP, state, answer),
        lambda: own.complete(boris.id, What.KEY, state, of_boris.get({**options, "allowCredentials": []}, TORWART)),
        lambda: ceremonies.sign_in.complete(state, answer),
        lambda: ceremonies.stepup.complete(act.id, answer),
    ):
        with pytest.raises((KeyRefusedError, StepUpRefused)):
            attempt()
    with writing(ceremonies.house.engine) as session:
        session.execute(update(Ceremony).values(expires_at=database_now(session) - timedelta(seconds=1)))
    with pytest.raises(KeyRefusedError) as refused:
        own.complete(anna.id, What.KEY, state, answer)
    assert refused.value.cause == "challenge_used"


def test_e77_a_colleagues_key_and_no_key_at_all(ceremonies, anna, boris):
    ceremonies.enrol(anna)
    of_boris = ceremonies.enrol(boris)
    answer = of_boris.get(ceremonies.keys.options(boris.id, CHALLENGE, 60), TORWART)
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.verify_assertion(anna.id, CHALLENGE, answer)
    assert refused.value.cause == "foreign_key"
    assert ceremonies.refusals() == ["foreign_key"]
    carla = ceremonies.house.people.add("Carla", "carla@firma.example", ["manager"], "de", [])
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.options(carla.id, CHALLENGE, 60)
    assert refused.value.cause == "no_key", "an empty list would allow every key (CVE-2026-46419)"


@pytest.mark.parametrize("counter", [5, 4, 1, 0])
def test_e78_a_counter_that_does_not_grow_locks_the_key(ceremonies, anna, counter):
    key = ceremonies.enrol(anna)
    _touch(ceremonies, anna, key, counter=5)
    assert _cause(ceremonies, anna, key, counter=counter) == "counter"
    assert ceremonies.key_of(anna).locked_why == "possible_clone"
    assert len(ceremonies.house.events.of(EventAction.KEY_LOCKED)) == 1


def test_e78_a_key_that_counts_nothing_is_accepted(ceremonies, anna):
    software = SoftwareKey()
    token = ceremonies.keys.issue_token(anna.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    ceremonies.keys.complete_registration(token, software.create(options, TORWART, lies=Lies(counter=0)))
    for _ in range(2):
        assert _touch(ceremonies, anna, software, counter=0).person_id == anna.id


def test_e79_presence_without_pin_proves_nothing_whatever_the_client_was_asked(ceremonies, anna):
    key = ceremonies.enrol(anna)
    options = {**ceremonies.keys.options(anna.id, CHALLENGE, 60), "userVerification": "discouraged"}
    with pytest.raises(KeyRefusedError) as refused:
        ceremonies.keys.verify_assertion(anna.id, CHALLENGE, key.get(options, TORWART, user_verified=False))
    assert refused.value.cause == "not_verified"
    assert _cause(ceremonies, anna, key, user_present=False) == "not_present"


ORIGINS = (
    *("http://a.torwart.localhost:8401", "http://torwart.localhost:8402", "http://torwart.localhost", "https://torwart.localhost:8401"),
    *("http://torwart.localhost:8401.evil.example", "http://evil-torwart.localhost:8401", "http://xn--trwart-wxa.localhost:8401"),
    *(
        "null",
        "",
        "android:apk-key-hash:AAAA",
        "http://torwart.localhost.:8401",
        "http://torwart.localhost:8401/",
        "HTTP://torwart.localhost:8401",
    ),
    *("http://torwart.localhost:8401#", " http://torwart.localhost:8401", "http://user@torwart.localhost:8401"),
)


@pytest.mark.parametrize("origin", ORIGINS)
def test_e80_another_origin(ceremonies, anna, origin):
    key = ceremonies.enrol(anna)
    assert _cause(ceremonies, anna, key, origin=origin) == "origin"
    assert ceremonies.key_of(anna).sign_count == 1


@pytest.mark.parametrize(
    "members",
    [
        {"crossOrigin": True},
        {"crossOrigin": "false"},
        {"crossOrigin": None},
        {"topOrigin": TORWART},
        {"type": "webauthn.create"},
        {"type": "payment.get"},
        {"type": None},
        {"tokenBinding": {"status": "present", "id": "AAAA"}},
        {"tokenBinding": "junk"},
        {"challenge": "AAAA"},
        {"challenge": None},
        {"origin": [TORWART]},
    ],
)
def test_e81_client_data_that_says_something_else(ceremonies, anna, members):
    key = ceremonies.enrol(anna)
    assert _cause(ceremonies, anna, key, members=members) in ("embedded", "type", "token_binding", "challenge", "origin", "malformed")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'{"type":"webauthn.get","type":"webauthn.get"}', b"\xff{}", b"\xef\xbb\xbf{}", b"9" * 9_000]
)
def test_e81_client_data_that_is_no_object(ceremonies, anna, raw):
    assert _cause(ceremonies, anna, ceremonies.enrol(anna), client_data=raw) == "malformed"


def test_e81_unknown_members_are_accepted(ceremonies, anna):
    members = {"other_keys_can_be_added_here": "do not compare clientDataJSON against a template", "extra": {"deep": [1]}}
    assert _touch(ceremonies, anna, ceremonies.enrol(anna), members=members).user_verified


def test_e82_backups_that_cannot_be(ceremonies, anna, boris):
    key = ceremonies.enrol(anna)
    assert _cause(ceremonies, anna, key, backed_up=True) == "backup_state"
    assert _cause(ceremonies, anna, key, backup_eligible=True) == "backup_changed"
    software = SoftwareKey()
    token = ceremonies.keys.issue_token(boris.id, None)
    options, _ = ceremonies.keys.begin_registration(token)
    ceremonies.keys.complete_registration(token, software.create(options, TORWART, lies=Lies(backup_eligible=True)))
    assert _cause(ceremonies, boris, software, backup_eligible=True) == "key_class"
    act = ceremonies.hold(boris)
    with pytest.raises(StepUpRefused):
        ceremonies.stepup.begin(act.id)


def test_e83_registrations_that_nobody_vouches_for_are_hardware_at_most(house, anna):
    keys = Keys(house.engine, house.events, RP_ID, TORWART, SEAL)
    keys.models.load(MAKER.blob(MAKER.entry()), MAKER.root, SIGNER)
    root = certificate(MAKER.root_name, MAKER.root_key, MAKER.root_name, MAKER.root_key, ca=True, days=(-50, -1))
    for lies in (
        Lies(),
        Lies(aaguid=NUMBER),
        Lies(aaguid=bytes(range(16))),
        Maker().packed(),
        MAKER.packed([MAKER.leaf, MAKER.between, root]),
    ):
        assert keys.class_of(_registered(keys, anna, lies)) is KeyClass.HARDWARE
    assert keys.class_of(_registered(keys, anna, MAKER.packed())) is KeyClass.VERIFIED


@pytest.mark.parametrize("algorithm", [-35, -36, -37, -47, -48, -65535, 0, 1, 2**31])
def test_e83_a_key_of_another_algorithm(ceremonies, anna, algorithm):
    with pytest.raises(KeyRefusedError) as refused:
        _registered(ceremonies.keys, anna, Lies(algorithm=algorithm))
    assert refused.value.cause in ("algorithm", "malformed")


def test_e83_a_credential_id_that_is_known(ceremonies, anna, boris):
    ceremonies.enrol(anna)
    with pytest.raises(KeyRefusedError) as refused:
        _registered(ceremonies.keys, boris, Lies(credential_id=ceremonies.key_of(anna).credential_id))
    assert refused.value.cause == "key_known"


def test_e83_bytes_that_do_not_belong_there(pages):
    """Through the page's own road: always the one refusal, never an error of ours."""
    anna = pages.add("Anna Feldmann")
    honest = _honest(pages, anna)
    for attestation in (
        honest + b"\0",
        honest[:-1],
        honest + honest,
        b"",
        b"\xa0",
        _cbor({"fmt": "none", "attStmt": {}}),
        _cbor({"fmt": 1, "attStmt": {}, "authData": honest}),
        _cbor({"fmt": "none", "attStmt": [], "authData": b""}),
        b"\xbf" + honest[1:],
        b"\x81" * 20_000,
        b"\x9b" + b"\xff" * 8,
        b"\0" * 20_000,
    ):
        assert _complete(pages, anna, attestation).status_code == 403
    for size in (MAX_RESPONSE_BYTES, 1_000_000):  # more than any page takes
        assert _complete(pages, anna, b"\0" * size).status_code == 413
    assert pages.services.keys.of(anna.id) == []


def _begun(pages, person):
    token = pages.services.keys.issue_token(person.id, None)
    return token, pages.client().post("/api/enrol/begin", json={"token": token}).json()


def _honest(pages, person, lies=None):
    _, begun = _begun(pages, person)
    answer = SoftwareKey().create(begun["options"], pages.url, lies=lies or Lies())
    return decode(answer["response"]["attestationObject"])


def _complete(pages, person, attestation):
    token, begun = _begun(pages, person)
    answer = SoftwareKey().create(begun["options"], pages.url, lies=Lies(attestation=attestation))
    return pages.client().post("/api/enrol/complete", json={"token": token, "state": begun["state"], "response": answer})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_e83_any_cbor_is_one_refusal(pages, data):
    if (anna := pages.services.people.find("anna@firma.example")) is None:
        anna = pages.add("Anna Feldmann")
    values = st.recursive(
        st.integers(-(2**63), 2**63) | st.binary(max_size=200) | st.text(st.characters(codec="utf-8"), max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["fmt", "attStmt", "authData", "x5c", 1, 3]), inner, max_size=4)
        ),
        max_leaves=6,
    )
    with contextlib.suppress(ValueError):
        written = _cbor(data.draw(values)) if data.draw(st.booleans()) else data.draw(st.binary(max_size=300))
        assert _complete(pages, anna, written).status_code == 403


CHANGES = {"place": st.integers(0, 20_000), "how": st.sampled_from(["other", "more", "less"]), "by": st.integers(1, 255)}
"""Where, by its remainder, and how a member is changed."""


@SLOW
@given(member=st.sampled_from(["clientDataJSON", "attestationObject", "id"]), **CHANGES)
def test_a_changed_byte_anywhere_in_a_registration_is_refused(house, anna, member, place, how, by):
    """Where only verified keys are taken: elsewhere a broken chain of certificates makes a key that nobody vouches for."""
    keys = Keys(house.engine, house.events, RP_ID, TORWART, SEAL, KeySettings(register_least="verified"))
    if keys.models.current() is None:
        keys.models.load(MAKER.blob(MAKER.entry()), MAKER.root, SIGNER)
        assert _registered(keys, anna, MAKER.packed()).attestation == "packed", "unchanged, it is taken"
    token = keys.issue_token(anna.id, None)
    options, _ = keys.begin_registration(token)
    answer = SoftwareKey().create(options, TORWART, lies=MAKER.packed())
    _change(answer, member, place, how, by)
    with pytest.raises(KeyRefusedError):
        keys.complete_registration(token, answer)


@SLOW
@given(member=st.sampled_from(["clientDataJSON", "authenticatorData", "signature", "userHandle", "id"]), **CHANGES)
def test_a_changed_byte_anywhere_in_an_assertion_is_refused(ceremonies, anna, member, place, how, by):
    key = _KEYS.get(anna.id) or _KEYS.setdefault(anna.id, ceremonies.enrol(anna))
    answer = key.get(ceremonies.keys.options(anna.id, CHALLENGE, 60), TORWART)
    _change(answer, member, place, how, by)
    with pytest.raises(KeyRefusedError):
        ceremonies.keys.verify_assertion(anna.id, CHALLENGE, answer)
    assert ceremonies.key_of(anna).sign_count == 1


_KEYS: dict[str, SoftwareKey] = {}
"""Person -> software key: the examples of one test share one."""


def _change(answer, member, place, how, by):
    inner = answer if member == "id" else answer["response"]
    raw = decode(inner[member])
    at = place % len(raw)
    match how:
        case "other":
            changed = raw[:at] + bytes([raw[at] ^ by]) + raw[at + 1 :]
        case "more":
            changed = raw[:at] + bytes([by]) + raw[at:]
        case _:
            changed = raw[:at] + raw[at + 1 :]
    if changed == raw:  # another byte of the same value was put in or taken out
        changed = raw + b"\0"
    inner[member] = encode(changed)
    if member == "id":
        answer["rawId"] = answer["id"]
