"""How a mailbox's server is reached: with TLS that is verified, and never inside our own network.

Both have one exception, a host in OUTBOUND_PRIVATE_HOSTS.
"""

import imaplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from django.utils.translation import gettext as _

from tasktracker.lib.addresses import Forbidden, addresses_of, is_allowed

TIMEOUT = 15.0  # seconds until an answer


@dataclass(frozen=True)
class Access:
    """Where a mailbox is, and the proof that we may read it."""

    host: str
    port: int
    encryption: Literal["ssl", "starttls", "none"]
    username: str
    password: str = field(repr=False)


def client_of(access: Access) -> imaplib.IMAP4:
    """A connection that nobody has logged in to; raises Forbidden, IMAP4.error or OSError."""
    if access.encryption == "ssl":
        trust = ssl.create_default_context()
        return _TlsClient(access.host, access.port, ssl_context=trust, timeout=TIMEOUT)
    if access.encryption == "none" and not is_allowed(access.host):
        raise Forbidden(
            _(
                "%(host)s is asked without encryption: choose ssl or starttls, or name the host in"
                " OUTBOUND_PRIVATE_HOSTS."
            )
            % {"host": access.host}
        )
    client = _Client(access.host, access.port, timeout=TIMEOUT)
    if access.encryption == "starttls":
        try:
            client.starttls(ssl.create_default_context())
        except BaseException:
            with suppress(OSError):  # TLS that failed has closed it
                client.shutdown()
            raise
    return client


# imaplib has no other way to be told an address and yet to ask for the host's certificate.
class _Client(imaplib.IMAP4):
    def _create_socket(self, timeout: float) -> socket.socket:
        return _connected(self.host, self.port, timeout)


class _TlsClient(imaplib.IMAP4_SSL):
    def _create_socket(self, timeout: float) -> Any:
        plain = _connected(self.host, self.port, timeout)
        return self.ssl_context.wrap_socket(plain, server_hostname=self.host)


def _connected(host: str, port: int, timeout: float) -> socket.socket:
    """To one of the addresses that were looked at."""
    trouble: OSError = socket.gaierror(socket.EAI_NONAME, "no address")
    for address in addresses_of(host, port):
        try:
            return socket.create_connection((str(address), port), timeout)
        except OSError as error:
            trouble = error
    raise trouble
