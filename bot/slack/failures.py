"""Everything a Web API call can raise -> bot.errors.

The codes are those of the methods' pages on docs.slack.dev ("chat.postMessage", "chat.update",
"chat.delete", "conversations.replies", "users.info") and of the errors all methods share.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.errors import (
    ChannelClosed,
    MessageGone,
    MessageTooLong,
    SlackError,
    SlackRefused,
    SlackThrottled,
    SlackTokenRefused,
    SlackUnavailable,
)

RETRY_AFTER_S = 10.0
"""How long a method rests when a 429 does not say; Slack normally says."""
RETRY_AFTER_MOST_S = 900.0
"""A longer Retry-After is taken for a mistake on the way."""

THROTTLED = frozenset({"ratelimited", "rate_limited"})
UNAVAILABLE = frozenset(
    {
        "external_channel_migrating",
        "fatal_error",
        "internal_error",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    }
)
GONE = frozenset(
    {
        "cant_delete_message",
        "cant_update_message",
        "edit_window_closed",
        "message_not_found",
    }
)
CLOSED = frozenset(
    {
        "cannot_reply_to_message",  # the thread's root was deleted
        "channel_not_found",
        "ekm_access_denied",
        "is_archived",
        "is_inactive",
        "messages_tab_disabled",
        "not_in_channel",
        "thread_not_found",
    }
)
CLOSED_PREFIX = "restricted_action"
"""`restricted_action_read_only_channel` and its siblings: the workspace forbids posting here."""
TOO_LONG = frozenset({"msg_blocks_too_long", "msg_blocks_too_many", "msg_too_long"})
TOKEN_REFUSED = frozenset(
    {
        "access_denied",
        "account_inactive",
        "enterprise_is_restricted",
        "invalid_auth",
        "missing_scope",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "org_login_required",
        "team_access_not_granted",
        "token_expired",
        "token_revoked",
    }
)
_BY_CODE: tuple[tuple[frozenset[str], type[SlackError]], ...] = (
    (UNAVAILABLE, SlackUnavailable),
    (GONE, MessageGone),
    (CLOSED, ChannelClosed),
    (TOO_LONG, MessageTooLong),
    (TOKEN_REFUSED, SlackTokenRefused),
)


@contextmanager
def web_api_errors(method: str) -> Generator[None]:
    """Turn what one call of `method` raises into the most specific SlackError.

    Nothing else belongs inside. The cause is dropped on purpose: the SDK's texts quote responses,
    aiohttp's carry the request with its Authorization header, and neither may reach a log.

    Raises:
        SlackError: In its most specific form.
    """
    try:
        yield
    except SlackApiError as error:
        raise _from_response(cast("object", error.response), method=method) from None
    except SlackClientError as error:
        # The SDK found the call itself wrong and sent nothing.
        raise SlackRefused(method=method, code=type(error).__name__) from None
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        raise SlackUnavailable(method=method, code=type(error).__name__) from None
    except (AttributeError, UnicodeDecodeError):
        # The SDK trips over bodies that are no JSON object, such as a proxy's plain text.
        raise SlackUnavailable(method=method, code="not_json") from None


def _from_response(response: object, *, method: str) -> SlackError:
    """Judge a response: the SDK's own, or aiohttp's when its body could not be decoded."""
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    code = _code(getattr(response, "data", None))
    if status == 429 or code in THROTTLED:
        retry_after_s = _retry_after_s(getattr(response, "headers", {}))
        return SlackThrottled(method=method, retry_after_s=retry_after_s, code=code, status=status)
    if not code or (status is not None and status >= 500):
        return SlackUnavailable(method=method, code=code, status=status)
    return _class_of(code)(method=method, code=code, status=status)


def _class_of(code: str) -> type[SlackError]:
    if code.startswith(CLOSED_PREFIX):
        return ChannelClosed
    return next((kind for codes, kind in _BY_CODE if code in codes), SlackRefused)


def _code(body: object) -> str:
    if not isinstance(body, dict):
        return ""
    code = cast("dict[str, Any]", body).get("error")
    return code if isinstance(code, str) else ""


def _retry_after_s(headers: Mapping[str, str]) -> float:
    # The SDK hands on aiohttp's headers, whose names have no case.
    value = headers.get("Retry-After", "")
    if not value.isdecimal():
        return RETRY_AFTER_S
    return min(max(1.0, float(value)), RETRY_AFTER_MOST_S)
