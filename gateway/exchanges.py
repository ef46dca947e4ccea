"""The library's HTTP on a connection, letting go of each exchange when it is over.

The library's own objects for a request refer to each other in a circle, with the bodies of request and answer among them: they would stay
in memory, some hundred of them, until the collector comes, which it does seldom (`auth.garbage`).
"""

from __future__ import annotations

from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream
from mitmproxy.proxy.layers.http._http1 import Http1Connection


class Exchanges(HttpLayer):
    """As the library's own, but what it keeps of an exchange is freed with its end, without the collector."""

    def __init__(self, context: Context, mode: HTTPMode) -> None:
        super().__init__(context, mode)
        self._kept: list[HttpStream] = []
        """Exchanges that are not over, or were not let go of yet."""

    def make_stream(self, stream_id: int) -> layer.CommandGenerator[None]:
        """As the library's own."""
        yield from super().make_stream(stream_id)
        self._kept.append(self.streams[stream_id])

    def _handle_event(self, event: events.Event) -> layer.CommandGenerator[None]:
        yield from super()._handle_event(event)
        if self._kept:
            self._let_go()

    def _let_go(self) -> None:
        over = self.context.client.state is ConnectionState.CLOSED
        for stream in tuple(self._kept):
            if stream._paused is not None:  # a hook is under way
                continue
            if self.streams.get(stream.stream_id) is not stream:
                self._kept.remove(stream)
                vars(stream).clear()  # nothing comes to it any more: the library has dropped it
            elif over:
                self._kept.remove(stream)
                _empty(stream)
        if over and not self._kept and isinstance(ours := self.connections.get(self.context.client), Http1Connection):
            for message in (ours.request, ours.response):
                if message is not None:
                    message.data.content = None


def _empty(stream: HttpStream) -> None:
    """Of an exchange that broke, which the library does not drop, the bodies."""
    stream.request_body_buf.clear()  # type: ignore[no-untyped-call]
    for message in (stream.flow.request, stream.flow.response):
        if message is not None:
            message.data.content = None
