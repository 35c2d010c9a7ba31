"""bytes -> server-sent events."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event: `status` is the number of a `:HTTP_STATUS/nnn` comment or a `status:` line."""

    event: str
    data: str
    id: str | None = None
    status: int | None = None
