"""Installs the index templates, once for each release and under an identity of its own, and says whether they are there.

The templates are enough: Elasticsearch makes a data stream by its template when the first event comes. A stream that is there already gets
the new members, or, where a type has changed, a new index that the next events go to; nothing that is stored is touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from audit_store.elastic import AnswerError, BadRequestError, Elastic, ElasticError, RefusedError
from audit_store.mapping import BOTH, DEAD_LETTERS_TEMPLATE, EVENTS_TEMPLATE, VERSION, templates

__all__ = ["FOR_EVER", "Retention", "TemplateError", "check_templates", "install", "streams_of"]


class TemplateError(ElasticError):
    """The templates are not those of this release."""


@dataclass(frozen=True, slots=True)
class Retention:
    """After how many days Elasticsearch deletes; None leaves that to its administrator. Each class of events is a stream of its own."""

    events_days: int | None = None
    dead_letters_days: int | None = None

    def of(self, template: str) -> dict[str, str] | None:
        """The lifecycle of a template by its name."""
        days = {EVENTS_TEMPLATE: self.events_days, DEAD_LETTERS_TEMPLATE: self.dead_letters_days}[template]
        return None if days is None else {"data_retention": f"{days}d"}


FOR_EVER = Retention()


def install(elastic: Elastic, *, retention: Retention = FOR_EVER) -> list[str]:
    """Put the templates; what was done, one line each. May be called again.

    Raises TemplateError for templates of a newer release, ElasticError.
    """
    elastic.check_version()
    done = []
    streams = streams_of(elastic)
    for name, template in templates().items():
        lifecycle = retention.of(name)
        if lifecycle is not None:
            template["template"]["lifecycle"] = lifecycle
        there = _installed(elastic, name)
        if there is not None and int(there.get("version") or 0) > VERSION:
            raise TemplateError(f"the template {name} is that of a newer Torwart: nothing was changed")
        changed, kept_longer = there is None or not _is_ours(there, template), there is None or _retention(there) != _retention(template)
        if not changed and not kept_longer:
            done.append(f"template {name}: is there already")
            continue
        elastic.ask("PUT", f"/_index_template/{name}", template)
        done.append(f"template {name}: {'replaced' if there is not None else 'installed'}")
        for stream in template["index_patterns"]:
            if stream in streams and changed:
                done += _renewed(elastic, stream, template["template"]["mappings"])
            if stream in streams and kept_longer:
                done.append(_kept(elastic, stream, lifecycle))
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


def streams_of(elastic: Elastic) -> dict[str, list[str]]:
    """Data streams of ours that exist -> their indices, oldest first; none if this identity may not see them. Raises ElasticError."""
    try:
        found = elastic.find("GET", f"/_resolve/index/{BOTH}") or {}
    except RefusedError:
        return {}
    try:
        return {str(stream["name"]): [str(index) for index in stream["backing_indices"]] for stream in found.get("data_streams", [])}
    except (KeyError, TypeError):
        raise AnswerError("the answer is no list of data streams: is there something between Torwart and Elasticsearch?") from None


def _renewed(elastic: Elastic, stream: str, mappings: dict[str, Any]) -> list[str]:
    """Let an existing stream take events of this release too."""
    try:
        elastic.ask("PUT", f"/{stream}/_mapping?write_index_only=true", mappings)
    except BadRequestError:  # a type has changed
        elastic.ask("POST", f"/{stream}/_rollover")
        done = f"data stream {stream}: goes on in a new index"
    else:
        done = f"data stream {stream}: takes the new members"
    return [done, f"data stream {stream}: what was sent before stays as it is; `torwart events reindex --elastic` sends all of it again"]


def _kept(elastic: Elastic, stream: str, lifecycle: dict[str, str] | None) -> str:
    """A template speaks to the streams that come; one that is there is told by itself, where the server can be."""
    words = lifecycle["data_retention"] if lifecycle else "for as long as its administrator wants"
    path = f"/_data_stream/{stream}/_lifecycle"
    try:
        if lifecycle is not None:
            elastic.ask("PUT", path, lifecycle)
        else:
            elastic.find("DELETE", path)
    except AnswerError:  # a server without that part says 400 or 405
        return f"data stream {stream}: this server has no lifecycle of data streams; set the retention there by hand"
    return f"data stream {stream}: keeps events {words}"
