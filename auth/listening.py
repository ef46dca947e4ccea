"""The address that a process of ours listens on, as a member of its section of the configuration file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator


class Listening(BaseModel):
    """A section with a member `listen`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen: str
    """`address:port`, for example `127.0.0.1:8400`; an IPv6 address stands in brackets."""

    @field_validator("listen")
    @classmethod
    def _address_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdecimal() or int(port) > 65_535:
            raise ValueError("must be address:port, for example 127.0.0.1:8400")
        return value

    @property
    def listen_host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def listen_port(self) -> int:
        return int(self.listen.rpartition(":")[2])
