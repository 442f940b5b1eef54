"""The host names that a server accepts.

A page of another site can make its own name mean this machine (DNS rebinding) and would then read what is served here, if
the server did not check the name in the request.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([0-9]{0,5}))?", re.ASCII | re.IGNORECASE)


def host_of(authority: str) -> str | None:
    """The host of `host[:port]` as `plain` writes it; None for what is no such text. Any port: it may be forwarded.

    >>> host_of("LOCALHOST.:8000"), host_of("[0:0::1]"), host_of("::1"), host_of("a b")
    ('localhost', '::1', None, None)
    """
    match = _AUTHORITY.fullmatch(authority.strip(" \t"))
    if match is None or int(match[2] or 0) > 65535:
        return None
    bracketed, host = match[1].startswith("["), plain(match[1].strip("[]"))
    return host if host and bracketed == (":" in match[1]) else None


def plain(host: str) -> str:
    """One spelling of a name or address: lower case, no dot at the end, addresses short, IPv4 within IPv6 as IPv4."""
    host = host.lower().removesuffix(".")
    try:
        address = ip_address(host.split("%")[0])  # without the zone, which no browser sends
    except ValueError:
        return host
    return str(address.ipv4_mapped or address) if isinstance(address, IPv6Address) else str(address)
