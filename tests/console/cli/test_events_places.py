"""`torwart events places`: what each place has, and a place that is another one now."""

import json
import shutil
from pathlib import Path

from tests.console.cli.stated_record import StatedRecord, acts


def test_it_sends_what_is_due_and_says_how_each_place_is_doing(tmp_path: Path) -> None:
    record = StatedRecord(tmp_path)
    record.write(acts()[:20])
    result = record("places", "--json")
    assert result.exit_code == 0, result.output
    (place,) = json.loads(result.stdout)["places"]
    assert (place["name"], place["trouble"], place["waiting"]) == (f"folder {record.outside}", None, 0)
    assert place["has"] == {"keys": 1, "log": 2}
    shutil.rmtree(record.outside)
    record.write(acts()[20:30])
    failing = record("places")
    assert failing.exit_code == 1
    assert "the folder is not there: mount it" in failing.stdout
    record.outside.mkdir()
    emptied = record("places")
    assert emptied.exit_code == 1
    assert f"torwart events places --again 'folder {record.outside}'" in emptied.stdout
    again = record("places", "--again", f"folder {record.outside}")
    assert again.exit_code == 0, again.output
    assert record.verify() == (0, [])
    assert "no place is called" in record("places", "--again", "folder /nowhere").output


def test_without_places_it_says_what_that_means(tmp_path: Path) -> None:
    record = StatedRecord(tmp_path)
    record.config.write_text(record.config.read_text("utf-8").replace("folders: [outside]", "mail_every_hours: 24"), "utf-8")
    result = record("places")
    assert result.exit_code == 0
    assert "whoever has this machine can rewrite the record unseen" in result.stdout
