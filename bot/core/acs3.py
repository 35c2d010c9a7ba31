"""ACS3-HMAC-SHA256, the signature of Alibaba Cloud's OpenAPI, for calls in the ROA style.

A call is written down in one canonical form, hashed, and signed with the AccessKey's secret. Both
sides write it down by themselves, so the address must go out in exactly the bytes that were signed:
a library that encodes a space as `+` breaks the signature. (Source: "V3 request body and signature
mechanism", Alibaba Cloud SDK documentation.)
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "ACS3-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AccessKey:
    """Who signs: an AccessKey pair of a RAM user, or a temporary one of STS.

    Attributes:
        key_id: Public; travels in every request.
        secret: Never travels, never logged, never shown.
        security_token: Belongs to temporary keys; empty for a permanent one.
    """

    key_id: str
    secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One call before it is signed.

    Attributes:
        action: The operation's name, such as `CreateMemory`.
        version: The API's version, a date.
        method: In capitals.
        host: As the Host header will say it, with the port when it is not the scheme's own.
        path: Encoded, such as `path_of` returns it.
        query: Names and values as they are meant, not encoded; they may be somebody's words.
        body: Its bytes; may be empty.
        content_type: Of the body; empty without one.
    """

    action: str
    version: str
    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, hash=False)
    body: bytes = field(default=b"", repr=False)
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Signed:
    """What to send, byte for byte.

    Attributes:
        target: Path and query.
        headers: All that were signed, and `Authorization`; names in lower case but for that one.
    """

    target: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False, hash=False)


def sign(request: ApiRequest, *, key: AccessKey, at: datetime, nonce: str) -> Signed:
    """Return a call ready to be sent.

    Args:
        request: What is called.
        key: Who calls.
        at: Now, aware. The other side takes 15 minutes of difference at most ("Common errors",
            InvalidTimeStamp.Expired).
        nonce: Never used before; random.
    """
    headers = headers_of(request, key=key, at=at, nonce=nonce)
    signature = hmac.new(
        key.secret.encode(), string_to_sign(request, headers=headers).encode(), hashlib.sha256
    ).hexdigest()
    authorization = (
        f"{ALGORITHM} Credential={key.key_id},"
        f"SignedHeaders={_names_of(headers)},Signature={signature}"
    )
    query = canonical_query(request.query)
    target = f"{request.path}?{query}" if query else request.path
    return Signed(target=target, headers={**headers, "Authorization": authorization})


def headers_of(
    request: ApiRequest, *, key: AccessKey, at: datetime, nonce: str
) -> Mapping[str, str]:
    """Return the headers of a call that its signature covers."""
    headers = {
        "host": request.host,
        "x-acs-action": request.action,
        "x-acs-version": request.version,
        "x-acs-date": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": nonce,
        "x-acs-content-sha256": hashlib.sha256(request.body).hexdigest(),
        "accept": "application/json",
    }
    if request.content_type:
        headers["content-type"] = request.content_type
    if key.security_token:
        headers["x-acs-security-token"] = key.security_token
    return headers


def string_to_sign(request: ApiRequest, *, headers: Mapping[str, str]) -> str:
    """Return the algorithm's name and the hash of the canonical form."""
    canonical = canonical_request(request, headers=headers)
    return f"{ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def canonical_request(request: ApiRequest, *, headers: Mapping[str, str]) -> str:
    """Return the one way to write a call down that both sides agree on.

    Args:
        request: What is called.
        headers: Those to be signed; names in lower case, `x-acs-content-sha256` among them.
    """
    lines = "".join(f"{name}:{headers[name].strip()}\n" for name in sorted(headers))
    return "\n".join(
        (
            request.method,
            request.path,
            canonical_query(request.query),
            lines,
            _names_of(headers),
            headers["x-acs-content-sha256"],
        )
    )


def canonical_query(query: Mapping[str, str]) -> str:
    """Return names and values encoded, sorted by name and joined; also the form of a form's body.

    Args:
        query: Not encoded; a half of a surrogate pair becomes a question mark.
    """
    return "&".join(f"{encoded(name)}={encoded(query[name])}" for name in sorted(query))


def path_of(*segments: str) -> str:
    """Return a path of encoded segments, with a slash before each.

    Raises:
        ValueError: A segment is empty, `.` or `..`: the path would lead somewhere else.
    """
    if any(segment in {"", ".", ".."} for segment in segments):
        raise ValueError("a path segment is missing")
    return "".join(f"/{encoded(segment)}" for segment in segments)


def encoded(text: str) -> str:
    """Return text in the percent-encoding of RFC 3986, of UTF-8.

    Only letters, digits and `-` `_` `.` `~` stay themselves; a space becomes `%20`.
    """
    return quote(text, safe="", errors="replace")


def _names_of(headers: Mapping[str, str]) -> str:
    return ";".join(sorted(headers))
