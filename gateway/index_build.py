"""Builds the client index: from a table, or by reading the CRM through its profile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from detectors.client_index.build import Build, Built
from detectors.client_index.index import ClientIndex
from detectors.knowledge import KnowledgeError
from gateway.answer import UpstreamError
from gateway.crm.profile import Batch, FullRead, FullReadError, Profile, UninspectableError
from gateway.index_csv import TableError, read_table
from gateway.settings import CrmSettings
from gateway.upstream import Upstream

type Progress = Callable[[int, int], None]
"""Told how much is done, of how much: bytes of a table, clients of a CRM."""


def build_from_table(state: Path, settings: CrmSettings, path: Path, named: Mapping[str, str], progress: Progress) -> Built:
    """Raises TableError (nothing was changed), KnowledgeError, OSError."""
    build = Build(state, settings.regions)
    size = path.stat().st_size
    for rows in read_table(path, named):
        build.add(rows.identifiers)
        progress(rows.bytes_read, size)
    if not build.keys:
        raise TableError([f"{path}: no row holds a phone number, e-mail address or tax number — nothing was changed"])
    return build.finish(keep_learned=True)


async def build_from_crm(state: Path, settings: CrmSettings, profile: Profile, account: str, password: str, progress: Progress) -> Built:
    """Raises FullReadError (nothing was changed), KnowledgeError, OSError."""
    build = Build(state, settings.regions)
    upstream = Upstream(
        settings.upstream, timeout_seconds=settings.upstream_timeout_seconds, answer_limit_bytes=settings.answer_limit_bytes
    )

    def take(batch: Batch) -> None:
        build.add(batch.identifiers)
        progress(batch.done, batch.total)

    try:
        await converse(upstream, profile.full_read(account, password), take)
    finally:
        upstream.close()
    if not build.keys and (known := _known(state)):
        raise FullReadError(
            f"the CRM showed {account} no client with a phone number, e-mail address or tax number, but {known:,} are known: "
            "may this account read all clients? Nothing was changed"
        )
    return build.finish()


def _known(state: Path) -> int:
    """Clients of the index in force; 0 where there is none that can be used."""
    try:
        index = ClientIndex(state)
    except KnowledgeError:
        return 0
    try:
        return index.stats().clients
    except KnowledgeError:
        return 0
    finally:
        index.close()


async def converse(upstream: Upstream, conversation: FullRead, take: Callable[[Batch], None]) -> None:
    """Hold the conversation of a full read with the CRM. Raises FullReadError."""
    answer = None
    try:
        while True:
            step = conversation.send(answer)
            if isinstance(step, Batch):
                take(step)
                answer = None
            else:
                answer = await upstream.send(step)
    except StopIteration:
        return
    except UpstreamError as error:
        raise FullReadError(f"the CRM gave no answer ({error.what}): check crm.upstream in the configuration") from None
    except UninspectableError as error:
        raise FullReadError(f"the CRM's answer cannot be read ({error.what}): is it the version that the profile is made for?") from None
