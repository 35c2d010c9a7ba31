"""Addresses that secrets and people's words are sent to: TLS, or this very machine."""

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an API is reached.

    Attributes:
        origin: Scheme, host and port, without a trailing slash.
        host: As the Host header says it: with the port only when it is not the scheme's own.
    """

    origin: str
    host: str


def read_endpoint(address: str) -> Endpoint:
    """Return the endpoint an address names.

    Args:
        address: Such as `https://bailian.cn-beijing.aliyuncs.com`; a trailing slash is fine.

    Raises:
        ValueError: It is no address of a host alone, or names plain HTTP on another machine; the
            text says what is needed, without the address.
    """
    parts = _split(address.strip())
    if parts is None or not is_protected(address.strip()):
        raise ValueError("must be an https address (http only for this machine)")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must be an address without a path, such as https://example.com")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    if parts.port is not None and parts.port != _DEFAULT_PORTS[parts.scheme]:
        host = f"{host}:{parts.port}"
    return Endpoint(origin=f"{parts.scheme}://{host}", host=host)


def is_protected(address: str) -> bool:
    """Whether nobody on the way can read along: HTTPS, or HTTP that never leaves the machine."""
    parts = _split(address)
    if parts is None or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname))


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address, or None when it is none."""
    try:
        parts = urlsplit(address)
        _ = parts.port  # reading it is what finds a port that is none
    except ValueError:
        return None
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
