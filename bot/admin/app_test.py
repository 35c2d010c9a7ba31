"""Trying an app out, and what came of it in words an admin can act on."""

import asyncio
import time
from collections.abc import Callable

from bot.admin import app_texts as texts
from bot.admin import marks
from bot.admin.ports import Prober
from bot.admin.replies import typeable
from bot.core.api_fields import KIND_NAMES
from bot.core.app_addresses import host_of, region_of
from bot.core.failures import plain_code
from bot.core.language import Language, Phrase, together
from bot.core.question import AppKind, AppProfile
from bot.core.setting import DEFAULT_APP
from bot.errors import (
    AccountProblem,
    ContentBlocked,
    DashScopeError,
    Misconfigured,
    RequestRefused,
    Throttled,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)

PROBE_S = 10.0
"""How long an app may take for the smallest question; our own bound."""
_MAX_CODE_CHARS = 80

_VERDICTS: tuple[tuple[type[DashScopeError], Phrase], ...] = (
    (AccountProblem, texts.UNPAID),
    (ContentBlocked, texts.BLOCKED),
    (Throttled, texts.THROTTLED),
    (UpstreamTimeout, texts.TOO_SLOW),
    (UpstreamUnreachable, texts.UNREACHABLE),
    (UpstreamGarbled, texts.GARBLED),
    (RequestRefused, texts.REFUSED),
    (UpstreamFailed, texts.BROKE),
)
_KEY_CODES = ("invalidapikey", "incorrectapikey")
_UNPUBLISHED_CODES = ("flownotpublished", "appnotpublished")


async def try_out(
    app: AppProfile,
    *,
    prober: Prober,
    language: Language,
    within_s: float = PROBE_S,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Ask an app the smallest question, which costs a few tokens, and tell in Markdown how it went.

    What the vendor wrote is left out: only its code and the request's id are shown.

    Args:
        app: With its key.
        prober: Asks.
        language: Of the answer.
        within_s: How long it may take.
        clock: Monotonic seconds.
    """
    started_at = clock()
    try:
        async with asyncio.timeout(within_s):
            tells_of_nodes = await prober.probe(app)
    except TimeoutError:
        return verdict(UpstreamTimeout(), app=app, language=language, within_s=within_s)
    except DashScopeError as error:
        return verdict(error, app=app, language=language, within_s=within_s)
    ms = round((clock() - started_at) * 1000)
    if tells_of_nodes and app.kind is AppKind.AGENT:
        return _odd_kind(app, ms=ms, language=language)
    return texts.WORKS.say(language, name=marks.code(app.name), ms=ms)


def verdict(
    error: DashScopeError, *, app: AppProfile, language: Language, within_s: float = PROBE_S
) -> str:
    """Return what an error of a test means for whoever set the app up, in Markdown."""
    region = texts.REGIONS.get(region_of(app.base_url))
    host = marks.code(host_of(app.base_url))
    said = _phrase(error).say(
        language,
        name=marks.code(app.name),
        kind=KIND_NAMES[app.kind].say(language),
        where=f"{region.say(language)}, {host}" if region else host,
        workspace=marks.code_or_dash(app.workspace),
        seconds=f"{within_s:g}",
    )
    return f"{said} {_reference(error, language=language)}".strip()


def _odd_kind(app: AppProfile, *, ms: int, language: Language) -> str:
    """Say that an agent tells of nodes, and who corrects its kind; the API has no call for it."""
    found = texts.LOOKS_LIKE_WORKFLOW.say(language, name=marks.code(app.name), ms=ms)
    if app.name == DEFAULT_APP:
        way = texts.CORRECT_DEFAULT_KIND.say(language)
    else:
        command = typeable("apps", "edit", app.name, "kind=workflow")
        way = texts.CORRECT_KIND.say(language, command=command)
    return together((found, way), language=language)


def _phrase(error: DashScopeError) -> Phrase:
    if isinstance(error, Misconfigured):
        return _what_is_wrong(error)
    return next((phrase for kind, phrase in _VERDICTS if isinstance(error, kind)), texts.BROKE)


def _what_is_wrong(error: Misconfigured) -> Phrase:
    """Tell the reasons of one class apart (Model Studio's "Error codes")."""
    code = plain_code(error.code)
    if code.startswith(_UNPUBLISHED_CODES):
        return texts.NOT_PUBLISHED
    if code.startswith(_KEY_CODES) or (error.status == 401 and not code):
        return texts.KEY_REFUSED
    if error.status is not None and 300 <= error.status < 400:
        return texts.REDIRECTED
    return texts.APP_UNKNOWN


def _reference(error: DashScopeError, *, language: Language) -> str:
    """Return what the vendor's support asks for; empty when the vendor never answered."""
    if not error.code and not error.request_id:
        return ""
    return texts.REFERENCE.say(
        language,
        code=marks.code_or_dash(error.code, most_chars=_MAX_CODE_CHARS),
        request_id=marks.code_or_dash(error.request_id, most_chars=_MAX_CODE_CHARS),
    )
