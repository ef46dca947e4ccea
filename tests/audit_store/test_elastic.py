"""The connection, the templates and the rights, on real servers.

What the minimal distribution has not, and is therefore not seen here: API keys and native users (the header of a key is), index lifecycle
management, deletion by `data_retention`.
"""

import json
import urllib.error
from collections.abc import Callable
from pathlib import Path

import pytest

from audit_store.elastic import Access, AnswerError, CertificateError, Elastic, RefusedError, UnreachableError
from audit_store.elastic_install import Retention, TemplateError, check_templates, install
from audit_store.mapping import DEAD_LETTERS, EVENTS, templates
from tests.services.certificates import Authority
from tests.services.elastic import Cluster


def test_the_reader_sees_the_version_and_the_writer_need_not(each_elastic: Cluster) -> None:
    assert each_elastic.connect("reader").check_version() == each_elastic.node.version
    assert each_elastic.connect("writer").check_version() is None


def test_a_certificate_of_another_authority_is_refused(elastic: Cluster, tmp_path: Path) -> None:
    for ca in (Authority(tmp_path).file, None):
        made = Elastic(Access((elastic.node.url,), "reader", elastic.node.passwords["reader"], ca=ca))
        elastic.opened.callback(made.close)
        with pytest.raises(CertificateError, match="certificate"):
            made.check_version()


def test_a_wrong_password_says_what_to_check_and_not_the_password(elastic: Cluster) -> None:
    made = Elastic(Access((elastic.node.url,), "reader", "wrong-secret", ca=elastic.node.ca))
    elastic.opened.callback(made.close)
    with pytest.raises(RefusedError, match="check user and password") as refused:
        made.ask("GET", "/_nodes")
    assert "wrong-secret" not in str(refused.value) + repr(made) + repr(Access(("x",), "reader", "wrong-secret", "wrong-secret"))


def test_nobody_listening_is_unreachable(tmp_path: Path) -> None:
    made = Elastic(Access(("http://127.0.0.1:9",)))
    with pytest.raises(UnreachableError):
        made.check_version()
    made.close()


def test_a_certificate_file_that_is_none_is_named(tmp_path: Path) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("nonsense")
    for ca in (nonsense, tmp_path / "missing.pem"):
        with pytest.raises(CertificateError, match="section elastic"):
            Elastic(Access(("https://localhost",), ca=ca))


def test_installing_twice_changes_nothing(each_elastic: Cluster) -> None:
    installer = each_elastic.connect("installer")
    assert install(installer) == [f"template {name}: is there already" for name in templates()]
    check_templates(each_elastic.connect("reader"))
    check_templates(each_elastic.connect("writer"))  # may not see them: not judged


def test_the_template_keeps_a_retention_that_was_asked_for(each_elastic: Cluster) -> None:
    installer = each_elastic.connect("installer")
    assert install(installer, retention=Retention(90))[0].endswith("replaced")
    found = each_elastic.admin("GET", "/_index_template/torwart-events")["index_templates"][0]["index_template"]
    assert found["template"]["lifecycle"]["data_retention"] == "90d"
    assert install(installer, retention=Retention(90))[0].endswith("is there already")
    assert install(installer)[0].endswith("replaced")


def _older(cluster: Cluster, change: Callable[[dict[str, object]], None], *, version: int = 0) -> None:
    template = templates()["torwart-events"]
    template["version"] = version
    template["_meta"]["digest"] = "older"
    change(template["template"]["mappings"]["properties"])
    cluster.admin("PUT", "/_index_template/torwart-events", template)
    for stream in (EVENTS, DEAD_LETTERS):
        cluster.admin("POST", f"/{stream}/_create/one", {"@timestamp": "2026-05-12T09:30:00Z"})
        cluster.admin("POST", f"/{stream}/_rollover")


def test_an_older_template_is_noticed_and_an_existing_stream_learns_the_new_members(each_elastic: Cluster) -> None:
    _older(each_elastic, lambda members: members.pop("file"))
    with pytest.raises(TemplateError, match="torwart events elastic-install"):
        check_templates(each_elastic.connect("reader"))
    done = install(each_elastic.connect("installer"))
    assert f"data stream {EVENTS}: takes the new members" in done
    check_templates(each_elastic.connect("reader"))
    answer = each_elastic.admin("POST", f"/{EVENTS}/_create/two", {"@timestamp": "2026-05-12T09:30:00Z", "file": {"size": 5}})
    assert answer["result"] == "created"


def test_where_a_type_has_changed_the_stream_goes_on_in_a_new_index(each_elastic: Cluster) -> None:
    _older(each_elastic, lambda members: members.update(file={"properties": {"size": {"type": "keyword"}}}))
    assert f"data stream {EVENTS}: goes on in a new index" in install(each_elastic.connect("installer"))
    answer = each_elastic.admin("POST", f"/{EVENTS}/_create/three", {"@timestamp": "2026-05-12T09:30:00Z", "file": {"size": 5}})
    assert answer["result"] == "created"


def test_the_template_of_a_newer_release_is_left_alone_and_good_enough(elastic: Cluster) -> None:
    _older(elastic, lambda members: None, version=99)
    check_templates(elastic.connect("reader"))
    with pytest.raises(TemplateError, match="newer"):
        install(elastic.connect("installer"))
    elastic.admin("PUT", "/_index_template/torwart-events", templates()["torwart-events"])


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", f"/{EVENTS}/_search", "{}"),
        ("POST", f"/{EVENTS}/_count", "{}"),
        ("GET", "/INDEX/_doc/one", None),
        ("PUT", "/INDEX/_doc/one?if_seq_no=0&if_primary_term=1", '{"@timestamp": "2026-05-12T09:30:00Z"}'),
        ("POST", "/INDEX/_update/one", '{"doc": {"event": {"action": "other"}}}'),
        ("DELETE", "/INDEX/_doc/one", None),
        ("DELETE", "/INDEX", None),
        ("POST", f"/{EVENTS}/_rollover", None),
        ("PUT", f"/{EVENTS}/_mapping", '{"properties": {"mine": {"type": "keyword"}}}'),
        ("PUT", "/INDEX/_settings", '{"index.blocks.write": true}'),
        ("PUT", "/_index_template/torwart-events", json.dumps(templates()["torwart-events"])),
        ("PUT", "/elsewhere/_create/one", '{"a": 1}'),
        ("GET", "/_nodes", None),
    ],
)
def test_the_writer_can_add_and_nothing_else(each_elastic: Cluster, method: str, path: str, body: str | None) -> None:
    node = each_elastic.node
    event = b'{"@timestamp": "2026-05-12T09:30:00Z", "event": {"action": "access"}}'
    index = json.loads(node.call("writer", "PUT", f"/{EVENTS}/_create/one", event))["_index"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        node.call("writer", method, path.replace("INDEX", index), body.encode() if body else None)
    assert refused.value.code in (400, 403)
    assert [document["event"]["action"] for document in each_elastic.admin("POST", f"/{EVENTS}/_refresh") and _sources(each_elastic)] == [
        "access"
    ]


@pytest.mark.parametrize("user", ["reader", "installer"])
def test_neither_reader_nor_installer_can_add_or_change_an_event(elastic: Cluster, user: str) -> None:
    event = b'{"@timestamp": "2026-05-12T09:30:00Z"}'
    index = json.loads(elastic.node.call("writer", "PUT", f"/{EVENTS}/_create/one", event))["_index"]
    for method, path in (("PUT", f"/{EVENTS}/_create/two"), ("POST", f"/{index}/_doc/one"), ("DELETE", f"/{index}/_doc/one")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            elastic.node.call(user, method, path, None if method == "DELETE" else event)
        assert refused.value.code in (400, 403)


def test_the_installer_cannot_read_an_event(elastic: Cluster) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        elastic.node.call("installer", "POST", f"/{EVENTS}/_search", b"{}")
    assert refused.value.code == 403


def test_an_answer_that_is_no_document_is_not_believed(elastic: Cluster) -> None:
    with pytest.raises(AnswerError):
        elastic.connect("admin").ask("GET", "/_cat/indices?format=json")


def _sources(cluster: Cluster) -> list[dict[str, dict[str, str]]]:
    return [hit["_source"] for hit in cluster.admin("POST", f"/{EVENTS}/_search", {})["hits"]["hits"]]
