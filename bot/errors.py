"""Everything that can go wrong, in one tree.

    BotError
    ├── SettingsError           settings are missing or wrong; every problem at once
    ├── TooEarly                a change arrived before the message it changes
    ├── BadValue                what somebody typed is no value of the setting
    ├── UnknownApp              the app chosen here is not registered
    ├── DashScopeError          the app did not answer
    │   ├── Misconfigured       key, region, workspace or app id is wrong, or the app is unpublished
    │   ├── AccountProblem      unpaid, overdue or out of quota: only the account's owner can help
    │   ├── ContentBlocked      content safety refused the question or the answer
    │   ├── RequestRefused      DashScope found the request itself wrong
    │   │   ├── SessionLost     the session named in it has expired or is unknown
    │   │   ├── MemoryGone      the memory, or the fact in it, does not exist (any more)
    │   │   ├── FileRefused     the file cannot be given to an app to read
    │   │   └── FileUnreachable DashScope could not download a file the question links to
    │   ├── Throttled           too many requests; may be asked again later
    │   ├── UpstreamFailed      DashScope or a node of the app broke
    │   ├── UpstreamTimeout     no byte for too long, or the answer's deadline passed
    │   ├── UpstreamUnreachable no connection, or it ended before the first event
    │   └── UpstreamGarbled     an answer that is not DashScope's wire format
    └── SlackError              a Web API call did not do what was asked
        ├── SlackThrottled      429: the method must rest for `retry_after_s`
        ├── SlackUnavailable    5xx, timeout or reset: the call may or may not have happened
        ├── MessageGone         the message cannot be edited any more
        ├── ChannelClosed       nothing can be posted in this channel any more
        ├── MessageTooLong      Slack counted more than it takes
        ├── SlackTokenRefused   the token is revoked, or a scope is missing
        └── SlackRefused        any other refusal

Attributes are data; the text is built from them and is for the log, never for a reader.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol


class BotError(Exception):
    """The root of the tree."""


class SettingsError(BotError):
    """Settings are missing or wrong.

    Attributes:
        problems: One sentence each, starting with the variable's name.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class TooEarly(BotError):
    """A change arrived before the message it changes; Slack must deliver it again."""


class Wording(Protocol):
    """A sentence in every language the bot speaks; a `bot.core.language.Phrase` is one."""

    def say(self, language: Any, **values: object) -> str:
        """Return the sentence in one language, with its values put in."""
        ...


class BadValue(BotError):
    """What somebody typed is no value of the setting.

    Attributes:
        phrase: Why, for the one who typed it.
        values: What stands in the sentence: `phrase.say(language, **values)`. They may hold what
            was typed, so they are never logged and never stand in the error's own text.
    """

    def __init__(self, phrase: Wording, **values: object) -> None:
        self.phrase = phrase
        self.values: Mapping[str, object] = values
        super().__init__("a typed value was refused")


class UnknownApp(BotError):
    """The app chosen here is not registered (any more).

    Attributes:
        name: What the setting calls it.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__("the chosen app is not registered")


class DashScopeError(BotError):
    """The app did not answer, or stopped in the middle.

    Attributes:
        code: DashScope's own error code, such as `Throttling.RateQuota`; empty when none came.
        status: The HTTP status, of the response or of the stream's `:HTTP_STATUS` comment; None
            when no response came.
        request_id: DashScope's id of the request, for its support.
        retry_after_s: Seconds the gateway asked to wait, when it said so.
        detail: What the vendor wrote. It may hold parts of the question: for debug logs only.
    """

    def __init__(
        self,
        detail: str = "",
        *,
        code: str = "",
        status: int | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.detail = detail
        self.code = code
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s
        super().__init__(f"{type(self).__name__} code={code or '-'} status={status or '-'}")


class Misconfigured(DashScopeError):
    """Key, region, workspace or app id is wrong, or the app is unpublished."""


class AccountProblem(DashScopeError):
    """Unpaid, overdue or out of quota: only the account's owner can help."""


class ContentBlocked(DashScopeError):
    """Content safety refused the question or the answer; text already shown must be taken back."""


class RequestRefused(DashScopeError):
    """DashScope found the request itself wrong."""


class SessionLost(RequestRefused):
    """The session named in the request has expired or is unknown; asking without it is safe."""


class MemoryGone(RequestRefused):
    """The memory named in the request, or the fact in it, does not exist (any more)."""


class FileRefused(RequestRefused):
    """The file cannot be given to an app to read: its name, size or content will not do."""


class FileUnreachable(RequestRefused):
    """DashScope could not download a file the question links to."""


class Throttled(DashScopeError):
    """Too many requests; may be asked again later."""


class UpstreamFailed(DashScopeError):
    """DashScope or a node of the app broke."""


class UpstreamTimeout(DashScopeError):
    """No byte for too long, or the answer's deadline passed."""


class UpstreamUnreachable(DashScopeError):
    """No connection, or it ended before the first event."""


class UpstreamGarbled(DashScopeError):
    """An answer that is not DashScope's wire format."""


class SlackError(BotError):
    """A Web API call did not do what was asked.

    Attributes:
        method: The Web API method, such as `chat.update`.
        code: Slack's error code, such as `is_archived`; the failure's own name, such as
            `ServerDisconnectedError`, when no answer came; empty when neither is known.
        status: The HTTP status; None when no response came.
    """

    def __init__(self, *, method: str, code: str = "", status: int | None = None) -> None:
        self.method = method
        self.code = code
        self.status = status
        super().__init__(f"{method} code={code or '-'} status={status or '-'}")


class SlackThrottled(SlackError):
    """429, or `ratelimited` under a 200: the method must rest.

    Attributes:
        retry_after_s: Seconds, from Slack's Retry-After.
    """

    def __init__(
        self, *, method: str, retry_after_s: float, code: str = "", status: int | None = None
    ) -> None:
        super().__init__(method=method, code=code, status=status)
        self.retry_after_s = retry_after_s


class SlackUnavailable(SlackError):
    """5xx, timeout or reset: the call may or may not have happened."""


class MessageGone(SlackError):
    """The message was deleted or cannot be edited any more."""


class ChannelClosed(SlackError):
    """Archived, deleted, or the bot was removed: nothing can be posted there any more."""


class MessageTooLong(SlackError):
    """Slack counted more than it takes in one message."""


class SlackTokenRefused(SlackError):
    """The token is revoked or lacks a scope."""


class SlackRefused(SlackError):
    """Any other refusal."""
