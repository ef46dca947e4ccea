"""The made-up clients: always the same, nobody real, no two alike."""

import re
from collections import Counter
from hashlib import sha256

from deploy.demo.clients import CLIENT_COUNT, _Generator, all_clients
from deploy.demo.names import latin


def test_two_runs_make_the_same_clients() -> None:
    assert tuple(_Generator().clients()) == tuple(_Generator().clients()) == all_clients()


def test_the_clients_stay_the_same_from_release_to_release() -> None:
    """Screenshots and stories name single clients: who changes the generator changes this digest knowingly."""
    text = "\n".join(repr(client) for client in all_clients())
    assert sha256(text.encode()).hexdigest()[:16] == "62f2cd49e664c4b5"


def test_there_are_three_thousand_numbered_from_one() -> None:
    assert [client.number for client in all_clients()] == list(range(1, CLIENT_COUNT + 1))
    assert CLIENT_COUNT == 3_000


def test_no_two_clients_share_a_name_a_phone_or_an_email() -> None:
    clients = all_clients()
    for values in ({c.name for c in clients}, {c.phone for c in clients}, {c.email for c in clients}, {c.code for c in clients}):
        assert len(values) == len(clients)


def test_every_language_is_there_in_its_own_letters() -> None:
    counts = Counter(client.language for client in all_clients())
    assert min(counts.values()) > 600
    for client in all_clients():
        assert bool(re.search("[а-яё]", client.name.lower())) == (client.language == "ru"), client


def test_every_email_ends_in_a_reserved_domain_and_could_be_delivered_by_its_form() -> None:
    for client in all_clients():
        assert re.fullmatch(r"[a-z0-9.]{2,64}@([a-z0-9-]{1,63})\.example", client.email), client
        assert ".." not in client.email
        assert "-@" not in client.email
        assert "-." not in client.email


def test_every_phone_lies_in_a_range_that_nobody_has() -> None:
    fictitious = re.compile(
        r"\+49 (30 23125|40 66969|221 4710|69 90009|89 99998)\d{3}"
        r"|\+49 (171 39200|176 040690)\d{2}"
        r"|\+44 (20 7946|161 496|121 496|131 496|117 496) 0\d{3}|\+44 7700 900\d{3}"
        r"|\+7 (495|812|343|383|843|900|916) 0\d{6}"
    )
    for client in all_clients():
        assert fictitious.fullmatch(client.phone), client


def test_a_hundred_clients_answer_to_the_mobile_prefix_that_the_demo_attacks() -> None:
    hit = [client for client in all_clients() if client.phone.startswith("+49 171")]
    assert len(hit) == 100
    assert {client.phone_kind for client in hit} == {"mobile"}


def test_a_landline_is_a_phone() -> None:
    assert {client.phone_kind for client in all_clients() if client.phone.startswith("+49 30")} == {"phone"}


def test_cyrillic_and_umlauts_become_the_latin_of_an_address() -> None:
    assert latin("Фёдор Щербаков") == "fyodor-shcherbakov"
    assert latin("Groß & Söhne Möbelhaus") == "gross-soehne-moebelhaus"
    assert latin("King's Manor") == "kings-manor"
