"""X11: the page that explains an act is no oracle for what an agent saw."""

from __future__ import annotations

from datetime import UTC, datetime

from audit_store.event import Phase
from policies.request import Action, Channel
from tests.services.console import Pages, deed


def test_x11_whether_a_copied_file_held_clients_is_told_to_reviewers_only(pages: Pages) -> None:
    anna, olga, other = pages.add("Anna Feldmann"), pages.add("Olga Berg", "owner"), pages.add("Boris Hartwig")
    at = datetime.now(UTC)
    pages.record(deed(anna, Action.FILE_COPY, Phase.OBSERVED, range(7), at=at, act_id="file-" + "a" * 27, channel=Channel.REMOVABLE))
    for person in (None, anna, other):
        client = pages.client(person)
        seen, none = client.get("/why/file-" + "a" * 27), client.get("/why/file-" + "b" * 27)
        assert (seen.status_code, none.status_code) == (404, 404)
        assert seen.text.replace("a" * 27, "") == none.text.replace("b" * 27, "")
    reviewer = pages.client(olga).get("/why/file-" + "a" * 27)
    assert reviewer.status_code == 200
    assert "<h1>Das wurde gesehen</h1>" in reviewer.text
