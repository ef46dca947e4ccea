"""Which kind of place a host is."""

from __future__ import annotations

import pytest

from gateway.channels.destinations import Destinations
from policies.request import Channel


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("www.dropbox.com", Channel.CLOUD),
        ("dropbox.com", Channel.CLOUD),
        ("notdropbox.com", Channel.WEBSITE),
        ("dropbox.com.evil.example", Channel.WEBSITE),
        ("mail.google.com", Channel.WEBMAIL),
        ("drive.google.com", Channel.CLOUD),
        ("www.google.com", Channel.WEBSITE),
        ("web.whatsapp.com", Channel.MESSENGER),
        ("files.speicher.example", Channel.CLOUD),
        ("mail.speicher.example", Channel.WEBMAIL),
        ("gmx.de", Channel.WEBSITE),
        ("", Channel.WEBSITE),
        ("192.0.2.7", Channel.WEBSITE),
    ],
)
def test_the_longest_known_ending_counts_and_the_settings_first(host: str, kind: Channel) -> None:
    ours = {"speicher.example": Channel.CLOUD, "mail.speicher.example": Channel.WEBMAIL, "gmx.de": Channel.WEBSITE}
    assert Destinations(ours).kind(host) is kind
