"""What people write into cases: times with their zone, masks, and the attributes of clients."""

from datetime import UTC, datetime

import pytest

from policies.attributes import RECORD
from policies.case_text import ClientsText, ExpectText, PersonText, SituationText, read_masks, read_moment
from policies.masks import HIDE, Mask, MaskKind
from policies.needs import AllOf, Approval, Key


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-05-12 22:30 Europe/Berlin", datetime(2026, 5, 12, 20, 30, tzinfo=UTC)),
        ("2026-01-12 22:30 Europe/Berlin", datetime(2026, 1, 12, 21, 30, tzinfo=UTC)),
        ("2026-05-12 22:30 UTC", datetime(2026, 5, 12, 22, 30, tzinfo=UTC)),
        ("2026-05-12T22:30+02:00", datetime(2026, 5, 12, 20, 30, tzinfo=UTC)),
        ("2026-05-12T22:30:15Z", datetime(2026, 5, 12, 22, 30, 15, tzinfo=UTC)),
    ],
)
def test_a_time_is_written_with_its_zone(written, utc):
    assert read_moment(written) == utc


@pytest.mark.parametrize(
    "written",
    [
        "2026-05-12 22:30",
        "22:30 Europe/Berlin",
        "2026-05-12 22:30 Europe/Berlln",
        "2026-05-12 22:30 Europe",
        "2026-02-30 22:30 UTC",
        "2026-05-12 22:30 ../../etc/passwd",
        "0001-01-01T00:00+14:00",
        "at night",
        "",
        3,
        None,
    ],
)
def test_a_time_that_cannot_be_read_says_how_it_is_written(written):
    with pytest.raises(ValueError, match="Europe/Berlin or"):
        read_moment(written)


def test_clients_have_every_attribute_that_a_rule_may_ask_for():
    assert set(ClientsText.model_fields) == set(RECORD) | {"count"}


def test_one_mask_or_several():
    assert read_masks("hide") == {HIDE}
    assert read_masks(["hide", {"last": 3}]) == {HIDE, Mask(MaskKind.LAST, 3)}
    with pytest.raises(ValueError, match="a mask is"):
        read_masks([])


def test_what_is_needed_is_written_as_in_a_rule():
    expect = ExpectText.model_validate({"decision": "challenge", "needs": {"all": ["key", {"approval": {"role": "owner"}}]}})
    assert expect.needs == AllOf((Key(), Approval()))


def test_a_person_and_a_situation_have_no_name_in_common():
    """Else it would depend on the order which of them holds."""
    assert set(PersonText.model_fields) & set(SituationText.model_fields) == {"about"}
