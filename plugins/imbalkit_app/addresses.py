"""Under which addresses other machines of the network find this one."""

from __future__ import annotations

import socket
from contextlib import closing
from ipaddress import ip_address

_OUTSIDE = "192.0.2.1"  # for documentation (RFC 5737): nothing is sent there, the system only names its own address


def lan_addresses() -> list[str]:
    """IPv4 addresses of this machine that are not its own loop, the one that leads outside first."""
    found = dict.fromkeys([*_towards_outside(), *_of_name()])
    return [address for address in found if not ip_address(address).is_loopback]


def host_name() -> str:
    """The machine's own name, without a domain; as an HTTP host it must be ASCII."""
    name = socket.gethostname().split(".")[0].lower()
    return name if name.isascii() and name else "localhost"


def is_loop(host: str) -> bool:
    """Whether a host means this machine alone, which browsers trust without https."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_any(host: str) -> bool:
    """Whether a host means every address of this machine."""
    return host in ("", "0.0.0.0", "::")


def _towards_outside() -> list[str]:
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect((_OUTSIDE, 9))
            return [probe.getsockname()[0]]
        except OSError:  # no network
            return []


def _of_name() -> list[str]:
    try:
        return [str(each[4][0]) for each in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)]
    except OSError:
        return []
