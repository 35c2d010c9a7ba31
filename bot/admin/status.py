"""`status`: which app answers here and why, what is left of quotas, and how everything is."""

import asyncio
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass

from bot.admin import replies, scopes
from bot.admin.app_texts import NEEDS_OWN_KEY
from bot.admin.choices import KeyHeldBack, closed_choice
from bot.admin.consequences import uncounted
from bot.admin.inviting import invitation
from bot.admin.marks import code
from bot.admin.memory_book import standing
from bot.admin.office import Office
from bot.admin.ports import Bot, Health, Visit
from bot.admin.quotas import used_today
from bot.core.api_fields import KIND_NAMES
from bot.core.app_addresses import host_of
from bot.core.language import Language, Phrase
from bot.core.quota import has_uncounted_tokens
from bot.core.resolution import Effective, Quota, resolve
from bot.core.screens import Caller, Notice
from bot.core.setting import Follow, History, Level
from bot.errors import UnknownApp
from storage.errors import SecretsLocked, SecretUnreadable

CHECKS_WITHIN_S = 2.5
"""Each vendor's check is done within two seconds; this bounds one that is not."""
MAX_SCOPES = 20

_TITLE = Phrase("**Status** of {place}", "{place} 的**状态**")
_ANSWERS = Phrase("**App:** {name} — {why}", "**应用**：{name}——{why}")
_WHY: Mapping[Level | None, Phrase] = {
    None: Phrase("nobody chose another one", "未另行选择"),
    Level.WORKSPACE: Phrase("the workspace's choice", "由工作区选择"),
    Level.CHANNEL: Phrase("this channel's choice", "由此频道选择"),
    Level.USER: Phrase("your own choice", "由您选择"),
}
_KIND = Phrase("**Kind:** {kind}", "**类型**：{kind}")
_REACHED = Phrase("**Reached at:** {host}{workspace}", "**地址**：{host}{workspace}")
_WORKSPACE = Phrase(", workspace {name}", "，业务空间 {name}")
_KEY_TROUBLE = Phrase(
    "Its API key is stored encrypted and cannot be opened: {why}.",
    "其 API Key 已加密保存，但无法打开：{why}。",
)
_LOCKED = Phrase("ENCRYPTION_KEYS is not set", "未设置 ENCRYPTION_KEYS")
_UNREADABLE = Phrase("none of ENCRYPTION_KEYS fits", "ENCRYPTION_KEYS 中没有匹配的密钥")
_HISTORY = Phrase("**History:** {rule}", "**对话历史**：{rule}")
_HISTORY_RULES: Mapping[History, Phrase] = {
    History.SESSION: Phrase(
        "one session for each thread; DashScope forgets it after an idle hour or 50 rounds",
        "每个消息列一个会话；空闲一小时或满 50 轮后由 DashScope 清除",
    ),
    History.MESSAGES: Phrase("the thread is sent along each time", "每次都附上消息列的内容"),
    History.OFF: Phrase("none, every question stands alone", "无，每个问题互不相关"),
}
_NO_SESSIONS = Phrase("none, this kind of app keeps no sessions", "无，此类应用不保留会话")
_FOLLOW = Phrase("**Answers to:** {rule}", "**回复范围**：{rule}")
_FOLLOW_RULES: Mapping[Follow, Phrase] = {
    Follow.MENTION: Phrase("mentions", "提及我的消息"),
    Follow.THREAD: Phrase(
        "mentions, and everything else in threads it takes part in",
        "提及我的消息，以及我参与的消息列中的其他消息",
    ),
}
_FOLLOW_DM = Phrase("every direct message", "每条私信")
_QUOTA_LEFT = Phrase(
    "**Left today:** {left:,} of {limit:,} {unit} ({whose})",
    "**今日剩余**：{limit:,} {unit}中的 {left:,}（{whose}）",
)
_NO_QUOTA = Phrase("**Left today:** no quota is set", "**今日剩余**：未设额度")
_TURNS = Phrase("questions", "个问题")
_TOKENS = Phrase("tokens", "个 token")
_WHOSE: Mapping[tuple[str, str], Phrase] = {
    ("user", "workspace"): Phrase("you, in the whole workspace", "您，整个工作区"),
    ("user", "channel"): Phrase("you, in this channel", "您，在此频道"),
    ("channel", "channel"): Phrase("this channel", "此频道"),
}
"""Of a quota, by whose use is counted, and where."""
_MEMORY = Phrase("**Memory:** {state}", "**长期记忆**：{state}")
_SLACK = Phrase("**Slack:** {health}", "**Slack**：{health}")
_DASHSCOPE = Phrase("**DashScope:** {health}", "**DashScope**：{health}")
_WELL = Phrase("works{took}", "正常{took}")
_REACHABLE = Phrase("can be reached{took}", "可以访问{took}")
_ILL = Phrase("does not answer as it should ({reason})", "未正常响应（{reason}）")
_SILENT = Phrase("cannot be reached, or is not well", "无法访问或运行异常")
_UNSURE = Phrase("unknown", "未知")
_TOOK = Phrase(" ({ms} ms)", "（{ms} 毫秒）")
_VERSION = Phrase("**Version:** {version}", "**版本**：{version}")
_ENCRYPTED = Phrase("**Secrets at rest:** encrypted", "**机密存储**：已加密")
_NOT_ENCRYPTED = Phrase(
    "**Secrets at rest:** off, ENCRYPTION_KEYS is not set; apps cannot have keys of their own",
    "**机密存储**：已关闭（未设置 ENCRYPTION_KEYS），应用不能有自己的密钥",
)
_ALL_SCOPES = Phrase("**Slack scopes:** all there", "**Slack 权限**：齐全")
_MISSING = Phrase("**Missing Slack scopes:**", "**缺少的 Slack 权限**：")


async def show_status(office: Office, visit: Visit) -> Notice:
    """Return how the bot stands in this place.

    Raises:
        StorageError: The database did not answer.
    """
    caller, language = visit.caller, visit.language
    answering = await who_answers(office, caller, language=language)
    slack, dashscope = await asyncio.gather(
        _checked(office.vendors.slack(caller.team_id)),
        _checked(office.vendors.dashscope(answering.effective.app)),
    )
    bot = await office.bots.in_team(caller.team_id)
    memory = await standing(office, caller, answering.effective, language=language)
    place = replies.place(scopes.here(caller), language=language)
    lines = [
        *_about_app(answering, language=language),
        *_about_threads(answering.effective, caller, language=language),
        _MEMORY.say(language, state=memory),
        *await quota_lines(office, caller, answering.effective, language=language),
        _SLACK.say(language, health=_health(slack, well=_WELL, language=language)),
        # Nothing asks the app itself, which costs tokens.
        _DASHSCOPE.say(language, health=_health(dashscope, well=_REACHABLE, language=language)),
        _VERSION.say(language, version=code(office.version)),
        (_ENCRYPTED if office.storage.secrets.is_open else _NOT_ENCRYPTED).say(language),
        *_about_scopes(bot, language=language),
    ]
    title = _TITLE.say(language, place=place)
    invited = await invitation(office, visit, scope=scopes.here(caller))
    lines = [title, "", *(f"- {line}" for line in lines), *([f"\n{invited}"] if invited else [])]
    return Notice("\n".join(lines))


@dataclass(frozen=True, slots=True)
class Answering:
    """Who answers: what holds, and what keeps it from doing so, in words or empty."""

    effective: Effective
    trouble: str = ""


async def who_answers(office: Office, caller: Caller, *, language: Language) -> Answering:
    """Return who answers a caller where they are.

    Raises:
        StorageError: The database did not answer.
    """
    choices, team_id, user_id = office.choices, caller.team_id, caller.user_id
    layers = await choices.layers(team_id, scopes.here(caller))
    try:
        app, counting = await choices.answering(team_id, layers, user_id=user_id)
        closed = closed_choice(layers, counting)
        trouble = replies.app_closed(closed, language=language) if closed else ""
        return Answering(resolve(counting, app=app), trouble)
    except UnknownApp as error:
        gone = replies.app_gone(error.name, language=language)
        return Answering(resolve(layers, app=choices.default_app), gone)
    except (SecretsLocked, SecretUnreadable) as error:
        app, layers = await choices.answering(team_id, layers, user_id=user_id, with_key=False)
        return Answering(resolve(layers, app=app), _key_trouble(error, language=language))


def _key_trouble(error: SecretsLocked | SecretUnreadable, *, language: Language) -> str:
    match error:
        case KeyHeldBack():
            return NEEDS_OWN_KEY.say(language)
        case SecretsLocked():
            return _KEY_TROUBLE.say(language, why=_LOCKED.say(language))
        case SecretUnreadable():
            return _KEY_TROUBLE.say(language, why=_UNREADABLE.say(language))


def _about_app(answering: Answering, *, language: Language) -> Iterator[str]:
    effective = answering.effective
    app, why = effective.app, _WHY[effective.origins.get("app")]
    yield _ANSWERS.say(language, name=code(app.name), why=why.say(language))
    if answering.trouble:
        yield answering.trouble
    yield _KIND.say(language, kind=KIND_NAMES[app.kind].say(language))
    host = code(host_of(app.base_url))
    workspace = _WORKSPACE.say(language, name=code(app.workspace)) if app.workspace else ""
    yield _REACHED.say(language, host=host, workspace=workspace)


def _about_threads(effective: Effective, caller: Caller, *, language: Language) -> Iterator[str]:
    rule = _HISTORY_RULES[effective.history]
    if effective.history is History.SESSION and not effective.app.kind.keeps_sessions:
        rule = _NO_SESSIONS
    yield _HISTORY.say(language, rule=rule.say(language))
    is_direct = scopes.is_direct(caller.channel_id)
    follow = _FOLLOW_DM if is_direct else _FOLLOW_RULES[effective.follow]
    yield _FOLLOW.say(language, rule=follow.say(language))


async def quota_lines(
    office: Office, caller: Caller, effective: Effective, *, language: Language
) -> list[str]:
    """Return what is left of each quota today, in Markdown, or that there is none.

    Raises:
        StorageError: The database did not answer.
    """
    used = await used_today(effective.quotas, caller=caller, office=office)
    lines = [_quota_line(quota, count, language=language) for quota, count in used]
    if has_uncounted_tokens(effective):
        lines.append(uncounted(language=language))
    return lines or [_NO_QUOTA.say(language)]


def _quota_line(quota: Quota, used: int, *, language: Language) -> str:
    return _QUOTA_LEFT.say(
        language,
        left=max(0, quota.limit - used),
        limit=quota.limit,
        unit=(_TURNS if quota.unit == "turns" else _TOKENS).say(language),
        whose=_WHOSE[quota.per, quota.across].say(language),
    )


async def _checked(check: Awaitable[Health]) -> Health:
    try:
        async with asyncio.timeout(CHECKS_WITHIN_S):
            return await check
    except TimeoutError:
        return Health(is_well=None)


def _health(health: Health, *, well: Phrase, language: Language) -> str:
    match health.is_well:
        case True:
            ms = health.elapsed_ms
            took = _TOOK.say(language, ms=ms) if ms is not None else ""
            return well.say(language, took=took)
        case False:
            phrase = _ILL if health.reason else _SILENT
            return phrase.say(language, reason=code(health.reason))
        case None:
            return _UNSURE.say(language)


def _about_scopes(bot: Bot, *, language: Language) -> Iterator[str]:
    if not bot.missing_scopes:
        yield _ALL_SCOPES.say(language)
        return
    yield _MISSING.say(language)
    for scope, loss in list(bot.missing_scopes.items())[:MAX_SCOPES]:
        yield f"{code(scope)}: {loss}"
