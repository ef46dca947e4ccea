"""What the rules ask about the clients of one act: which attributes are known already, which have to be read from the CRM beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policies.request import UNREAD, ClientId, Value


@dataclass(slots=True)
class Attributes:
    """The attributes of one act's clients. They live as long as its request, so no rule ever sees those of yesterday."""

    names: frozenset[str] = frozenset()
    """Attributes that the rules ask for."""
    values: dict[ClientId, Mapping[str, Value]] = field(default_factory=dict)

    def unknown(self, ids: Iterable[ClientId]) -> tuple[ClientId, ...]:
        """Those of the clients of whom not everything was read: rules that came meanwhile may ask for more."""
        return tuple(i for i in ids if i not in self.values or not self.names <= self.values[i].keys()) if self.names else ()

    def learn(self, asked: Iterable[ClientId], found: Mapping[ClientId, Mapping[str, Value]]) -> None:
        """Keep what was read. Of a client that was asked for and not found nobody knows anything: whatever asks about it fails."""
        nothing = dict.fromkeys(self.names, UNREAD)
        for client in asked:
            self.values[client] = {**nothing, **found.get(client, {})}

    def columns(self, ids: Sequence[ClientId]) -> Mapping[str, Sequence[Value]]:
        """The attributes of these clients, column by column in their order; empty while one of them is not known."""
        if self.unknown(ids):
            return {}
        return {name: [self.values[client][name] for client in ids] for name in self.names}
