"""Where hosts that people type lie. None that is private is connected to, unless it is allowed.

Who connects does it to the addresses that were looked at: asked again, a name may lie elsewhere.
"""

import ipaddress
import socket

from django.conf import settings
from django.utils.translation import gettext as _

NAT64 = ipaddress.ip_network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Forbidden(Exception):
    """The address is one that we may not connect to; nothing was sent."""


def addresses_of(host: str, port: int) -> list[Address]:
    """Every address of the host, asked once; raises Forbidden when one is private, OSError without any."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from error
    # A link-local address comes with its interface behind a percent sign.
    addresses = [ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    if not is_allowed(host) and not all(is_public(address) for address in addresses):
        raise Forbidden(
            _("%(host)s is a private address: name it in OUTBOUND_PRIVATE_HOSTS to allow it.")
            % {"host": host}
        )
    return list(dict.fromkeys(addresses))


def is_public(address: Address) -> bool:
    """Whether it is one of the internet's, also when it carries another address inside."""
    if isinstance(address, ipaddress.IPv6Address):
        inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in NAT64:
            inside.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        if any(one is not None and not is_public(one) for one in inside):
            return False
        if address.ipv4_mapped:
            return True
    return address.is_global and not address.is_multicast


def is_allowed(host: str) -> bool:
    """Whether it may be private, and be spoken to without TLS."""
    return host.strip("[]").casefold() in {
        one.strip("[] ").casefold() for one in settings.OUTBOUND_PRIVATE_HOSTS
    }
