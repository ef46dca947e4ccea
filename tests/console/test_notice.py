from datetime import UTC, datetime

import pytest

from console.notice import GROWN, OPENED, Notice, Reason, Totals

AT = datetime(2026, 5, 12, 8, 0, tzinfo=UTC)
STOPPED = Reason("mass_export", "export_stopped", {"asked": 3_000, "share": 100, "attempts": 3, "ways": 2, "times": 75}, ("e1",))
DAY = Totals(stopped=3, asked=3_000, left=40)
PACED = Reason("script_paging", "script_pace", {"cards": 31, "shown": 120, "share": 4}, ("e2",))


def notice(*reasons: Reason, kind: str = OPENED, totals: Totals = DAY, language: str = "de") -> Notice:
    return Notice(
        id="A1.1.mail",
        kind=kind,
        alert_id="A1",
        person="P-7F3A91C2",
        severity="high",
        reasons=reasons,
        opened_at=AT,
        updated_at=AT,
        totals=totals,
        alert_url="https://torwart.firma.example/alerts/A1",
        person_url="https://torwart.firma.example/people/P-7F3A91C2",
        language=language,
    )


def test_the_subject_says_how_many_were_asked_for_and_how_many_left():
    assert notice(STOPPED).subject() == "Torwart: Meldung – 3.000 Kunden angefragt, 40 hinausgegangen (P-7F3A91C2, hoch)"
    assert notice(STOPPED, language="en").subject() == "Torwart: alert – 3,000 clients asked for, 40 went out (P-7F3A91C2, high)"


def test_a_grown_alert_says_so_in_its_subject():
    assert notice(STOPPED, kind=GROWN).subject().startswith("Torwart: Meldung gewachsen – ")


def test_the_subject_of_an_alert_without_export_is_the_title_of_its_rule():
    told = notice(PACED, totals=Totals(0, 0, 0))
    assert told.subject() == "Torwart: Meldung – Kunden der Reihe nach abgerufen (P-7F3A91C2, hoch)"


def test_the_text_says_what_was_stopped_how_many_left_and_where_to_look():
    text = notice(STOPPED, PACED).text()
    assert (
        "- 3.000 Kunden angefragt und angehalten, 100 % des Bestands, in 3 Versuchen auf 2 Wegen, 75× so viel wie sonst an einem Tag.\n"
        in text
    )
    assert "- 31 Karten in zehn Minuten im Takt eines Programms geöffnet" in text
    assert (
        "Angehaltene Exporte, Berichte, Drucke und Sendungen: 3\nAngefragte Kunden: 3.000\nKunden, die das Haus verlassen haben: 40\n"
        in text
    )
    assert "\nhttps://torwart.firma.example/alerts/A1\n" in text
    assert "\nhttps://torwart.firma.example/people/P-7F3A91C2\n" in text
    assert "12.05.2026" in text
    assert "Was jetzt zu tun ist\n1. " in text
    assert "\n2. Fragen Sie die Person" in text


def test_the_message_for_programs_has_the_same_facts():
    payload = notice(STOPPED, PACED, kind=GROWN).payload()
    assert payload["type"] == "alert.grown"
    alert = payload["alert"]
    assert (alert["stopped"], alert["clients_asked"], alert["clients_left"]) == (3, 3_000, 40)
    assert [reason["code"] for reason in alert["reasons"]] == ["export_stopped", "script_pace"]
    assert alert["opened_at"] == "2026-05-12T08:00:00.000+00:00"
    assert payload["links"]["alert"].endswith("/alerts/A1")


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_reason_of_an_older_release_is_told_by_its_code(language: str):
    told = notice(Reason("gone_rule", "gone_code", {"asked": 5}, ()), language=language)
    assert "gone_rule: gone_code (asked 5)." in told.text()
    assert "3" in told.subject()
