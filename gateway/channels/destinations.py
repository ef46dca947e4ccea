"""Which kind of place a host is: a private cloud, a webmail, a messenger, or any other website.

Whatever the kind, the content is judged; the kind is what the record calls the way, and what rules may ask for.
"""

from __future__ import annotations

from collections.abc import Mapping

from policies.request import Channel

KINDS: Mapping[str, Channel] = {kind.value: kind for kind in (Channel.CLOUD, Channel.WEBMAIL, Channel.MESSENGER, Channel.WEBSITE)}
"""Word of the settings -> kind."""
KNOWN: Mapping[str, Channel] = {
    host: kind
    for kind, hosts in {
        Channel.CLOUD: "dropbox.com dropboxapi.com drive.google.com box.com boxcloud.com icloud.com icloud-content.com mega.nz mega.co.nz "
        "onedrive.live.com 1drv.ms pcloud.com wetransfer.com sync.com magentacloud.de strato-hidrive.de hidrive.com disk.yandex.ru",
        Channel.WEBMAIL: "mail.google.com outlook.live.com outlook.office.com mail.yahoo.com gmx.net gmx.de web.de mail.proton.me "
        "proton.me t-online.de mail.ru mail.yandex.ru posteo.de mailbox.org fastmail.com",
        Channel.MESSENGER: "web.whatsapp.com whatsapp.net web.telegram.org discord.com slack.com messenger.com teams.live.com "
        "web.threema.ch signal.org viber.com",
    }.items()
    for host in hosts.split()
}
"""Well-known services; everything below a name is of its kind, too."""


class Destinations:
    """The kind of every host: what the settings say first, then what is well known."""

    def __init__(self, ours: Mapping[str, Channel]) -> None:
        """`ours`: host or the end of a host name -> kind, as the installation's settings say."""
        self._kinds = {**KNOWN, **ours}

    def kind(self, host: str) -> Channel:
        """The kind of a host in lower case; the longest ending that is known counts."""
        rest = host
        while rest:
            if (kind := self._kinds.get(rest)) is not None:
                return kind
            rest = rest.partition(".")[2]
        return Channel.WEBSITE
