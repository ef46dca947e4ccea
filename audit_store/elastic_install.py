"""Installs the index templates, once for each release and under an identity of its own, and says whether they are there.

The templates are enough: Elasticsearch makes a data stream by its template when the first event comes. A stream that is there already gets
the new members, or, where a type has changed, a new index that the next events go to; nothing that is stored is touched.
"""

from __future__ import annotations

from typing import Any

from audit_store.elastic import AnswerError, BadRequestError, Elastic, ElasticError, RefusedError
from audit_store.mapping import BOTH, VERSION, templates

__all__ = ["TemplateError", "check_templates", "install"]


class TemplateError(ElasticError):
    """The templates are not those of this release."""


def install(elastic: Elastic, *, retention_days: int | None = None) -> list[str]:
    """Put the templates; what was done, one line each. May be called again.

    `retention_days`: Elasticsearch deletes what is older; None leaves that to its administrator. Raises TemplateError for templates of a
    newer release, ElasticError.
    """
    elastic.check_version()
    done = []
    streams = _streams(elastic)
    for name, template in templates().items():
        if retention_days is not None:
            template["template"]["lifecycle"] = {"data_retention": f"{retention_days}d"}
        there = _installed(elastic, name)
        if there is not None and int(there.get("version") or 0) > VERSION:
            raise TemplateError(f"the template {name} is that of a newer Torwart: nothing was changed")
        if there is not None and _is_ours(there, template) and _retention(there) == _retention(template):
            done.append(f"template {name}: is there already")
            continue
        elastic.ask("PUT", f"/_index_template/{name}", template)
        done.append(f"template {name}: {'replaced' if there is not None else 'installed'}")
        for stream in template["index_patterns"]:
            if stream in streams and (there is None or not _is_ours(there, template)):
                done.append(_renewed(elastic, stream, template["template"]["mappings"]))
    return done


def check_templates(elastic: Elastic) -> None:
    """Raises TemplateError when events would be refused because a template is missing or older. What may not be seen is not judged."""
    for name, template in templates().items():
        try:
            there = _installed(elastic, name)
        except RefusedError:
            return
        if there is None or (not _is_ours(there, template) and int(there.get("version") or 0) <= VERSION):
            what = "is missing" if there is None else "is not that of this release"
            raise TemplateError(f"the index template {name} {what}: run `torwart events elastic-install`")


def _installed(elastic: Elastic, name: str) -> dict[str, Any] | None:
    found = elastic.find("GET", f"/_index_template/{name}")
    if found is None:
        return None
    try:
        template: dict[str, Any] = found["index_templates"][0]["index_template"]
    except (KeyError, TypeError, IndexError):
        raise AnswerError("the answer is no index template: is there something between Torwart and Elasticsearch?") from None
    return template


def _is_ours(there: dict[str, Any], template: dict[str, Any]) -> bool:
    return bool(there.get("_meta") == template["_meta"])


def _retention(template: dict[str, Any]) -> str | None:
    found: str | None = template["template"].get("lifecycle", {}).get("data_retention")
    return found


def _streams(elastic: Elastic) -> set[str]:
    """Data streams of ours that exist; none if this identity may not see them."""
    try:
        found = elastic.find("GET", f"/_resolve/index/{BOTH}") or {}
    except RefusedError:
        return set()
    return {str(stream["name"]) for stream in found.get("data_streams", [])}


def _renewed(elastic: Elastic, stream: str, mappings: dict[str, Any]) -> str:
    """Let an existing stream take events of this release too."""
    try:
        elastic.ask("PUT", f"/{stream}/_mapping?write_index_only=true", mappings)
    except BadRequestError:  # a type has changed
        elastic.ask("POST", f"/{stream}/_rollover")
        return f"data stream {stream}: goes on in a new index"
    return f"data stream {stream}: takes the new members"
