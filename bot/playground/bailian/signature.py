"""Whether a call was signed by who it says, just now, and for the first time.

The signature is worked out again from what came over the wire, by the vendor's description and not
by the bot's own code: two that share a mistake would agree. (Source: "V3 request body and signature
mechanism", Alibaba Cloud SDK documentation.)
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.playground.bailian.refusals import (
    INCOMPLETE,
    MISMATCH,
    NO_SUCH_KEY,
    REPLAYED,
    STALE,
    WRONG_DATE,
    Refusal,
)

_AUTHORIZATION = re.compile(
    r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([a-z0-9;-]+),Signature=([0-9a-f]{64})"
)
_MUST_BE_SIGNED = frozenset(
    {
        "host",
        "x-acs-action",
        "x-acs-version",
        "x-acs-date",
        "x-acs-signature-nonce",
        "x-acs-content-sha256",
    }
)
_MUST_BE_SIGNED_IF_SENT = ("x-acs-", "content-type")
_LARGEST_SKEW = timedelta(minutes=15)
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came.

    Attributes:
        method: In capitals.
        path: Up to the question mark, as it was sent.
        query: Behind it, as it was sent; empty without one.
        headers: Names in lower case.
        body: Its bytes.
    """

    method: str
    path: str
    query: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Doorkeeper:
    """Knows the keys, and every nonce of the last half hour.

    Args:
        keys: Secrets by the id of their AccessKey.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self._keys = dict(keys)
        self._used: dict[str, datetime] = {}

    def check(self, call: Call, *, now: datetime) -> Refusal | None:
        """Say why a call may not come in; None when it may. Its nonce is used up then."""
        found = _AUTHORIZATION.fullmatch(call.headers.get("authorization", ""))
        if found is None:
            return INCOMPLETE
        key_id, signed, signature = found.groups()
        names = signed.split(";")
        if not _covers(names, call.headers):
            return INCOMPLETE
        secret = self._keys.get(key_id)
        if secret is None:
            return NO_SUCH_KEY
        refusal = _judge_date(call.headers["x-acs-date"], now=now)
        if refusal is not None:
            return refusal
        if not hmac.compare_digest(signature, _signature(call, names=names, secret=secret)):
            return MISMATCH
        return self._use(call.headers["x-acs-signature-nonce"], now=now)

    def _use(self, nonce: str, *, now: datetime) -> Refusal | None:
        """Use a nonce up; one is remembered for longer than its call could be dated."""
        kept = {one: at for one, at in self._used.items() if now - at <= 2 * _LARGEST_SKEW}
        self._used = kept
        if nonce in kept:
            return REPLAYED
        kept[nonce] = now
        return None


def _covers(names: list[str], headers: Mapping[str, str]) -> bool:
    """Whether all that must be signed is, once, in order, and was sent."""
    needed = _MUST_BE_SIGNED | {
        name for name in headers if name.startswith(_MUST_BE_SIGNED_IF_SENT)
    }
    return names == sorted(set(names)) and needed <= set(names) and set(names) <= set(headers)


def _judge_date(text: str, *, now: datetime) -> Refusal | None:
    try:
        at = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return WRONG_DATE
    return STALE if abs(now - at) > _LARGEST_SKEW else None


def _signature(call: Call, *, names: list[str], secret: str) -> str:
    hashed_body = hashlib.sha256(call.body).hexdigest()
    if call.headers["x-acs-content-sha256"] != hashed_body:
        return ""
    header_lines = [f"{name}:{call.headers[name].strip()}" for name in names]
    lines = [call.method, _normal_path(call.path), _normal_query(call.query)]
    lines += [*header_lines, "", ";".join(names), hashed_body]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = "ACS3-HMAC-SHA256\n" + digest
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _normal_path(path: str) -> str:
    return "/".join(map(_normal, path.split("/")))


def _normal_query(query: str) -> str:
    """Return the query sorted by names as they are meant, with each part encoded anew."""
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    pairs.sort(key=lambda pair: (decoded(pair[0]), decoded(pair[2])))
    return "&".join(f"{_normal(name)}={_normal(value)}" for name, _, value in pairs)


def _normal(text: str) -> str:
    """Return percent-encoded text encoded anew; a plus is a plus, not a space."""
    return "".join(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in decoded(text))


def decoded(text: str) -> bytes:
    """Return the bytes of percent-encoded text."""
    raw = text.encode()
    found = bytearray()
    index = 0
    while index < len(raw):
        code = raw[index + 1 : index + 3]
        if raw[index] == ord("%") and re.fullmatch(rb"[0-9A-Fa-f]{2}", code):
            found.append(int(code, 16))
            index += 3
        else:
            found.append(raw[index])
            index += 1
    return bytes(found)
