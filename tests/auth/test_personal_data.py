import pytest

import audit_store.tables
import auth.tables
import console.notify
from audit_store.database import Base
from auth.personal_data import HOLDINGS, NOT_ABOUT_PEOPLE, Holding

TABLES = (audit_store.tables, auth.tables, console.notify)


def test_every_table_is_about_people_or_says_what_else() -> None:
    listed = [holding.table for holding in HOLDINGS]
    assert len(listed) == len(set(listed))
    assert {*listed, *NOT_ABOUT_PEOPLE} == set(Base.metadata.tables)
    assert not set(listed) & set(NOT_ABOUT_PEOPLE)


def test_a_table_with_a_person_in_it_is_listed() -> None:
    for name in NOT_ABOUT_PEOPLE:
        assert not {"person_id", "pseudonym"} & set(Base.metadata.tables[name].c.keys()), name


@pytest.mark.parametrize("holding", HOLDINGS, ids=lambda holding: holding.table)
def test_every_column_that_is_named_is_there(holding: Holding) -> None:
    columns = set(Base.metadata.tables[holding.table].c.keys())
    assert {*holding.blanked, *holding.hidden, *holding.counted, holding.by.partition(":")[0]} <= columns


def test_what_could_be_used_as_a_secret_is_never_disclosed() -> None:
    for holding in HOLDINGS:
        names = [column.name for column in Base.metadata.tables[holding.table].columns]
        secrets = {name for name in names if name.endswith(("hash", "challenge")) or name == "csrf"}
        assert secrets <= set(holding.hidden), holding.table
