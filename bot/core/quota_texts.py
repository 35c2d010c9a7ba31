"""What the bot says about a quota that is used up, or soon will be."""

from collections.abc import Mapping
from datetime import timedelta

from bot.core.language import Language, Phrase
from bot.core.resolution import Quota

_QUESTIONS = Phrase("{count:,} questions", "{count:,} 个问题")
_ONE_QUESTION = Phrase("one question", "1 个问题")
_TOKENS = Phrase("{count:,} tokens", "{count:,} 个 token")
_NAMES: Mapping[tuple[str, str], Phrase] = {
    ("user", "workspace"): Phrase("Your quota of {amount} a day", "您每天 {amount}的额度"),
    ("user", "channel"): Phrase(
        "Your quota of {amount} a day in this channel", "您在此频道每天 {amount}的额度"
    ),
    ("channel", "channel"): Phrase(
        "This channel's quota of {amount} a day", "此频道每天 {amount}的额度"
    ),
}
"""By whose use is counted, and where."""
_SPENT = Phrase(
    "{quota} is used up. It begins anew at 00:00 UTC (in {time}).",
    "{quota}已用完，将于 UTC 00:00 重新计算（{time}后）。",
)
_NEAR = Phrase(
    "{quota}: {used:,} used, {left:,} left until 00:00 UTC (in {time}).",
    "{quota}：已用 {used:,}，剩余 {left:,}，将于 UTC 00:00 重新计算（{time}后）。",
)
_HOURS = Phrase("{hours} h {minutes} min", "{hours} 小时 {minutes} 分钟")
_MINUTES = Phrase("{minutes} min", "{minutes} 分钟")


def spent(quota: Quota, *, resets_in: timedelta, language: Language) -> str:
    """Return the sentence for a question that a quota leaves no room for.

    Args:
        quota: Which is spent.
        resets_in: How long until it begins anew.
        language: The reader's.
    """
    name, time = _name(quota, language=language), _span(resets_in, language=language)
    return _SPENT.say(language, quota=name, time=time)


def near(quota: Quota, *, used: int, resets_in: timedelta, language: Language) -> str:
    """Return the note that tells how much of a quota is left.

    Args:
        quota: Which comes to its end.
        used: In its own unit, this answer included.
        resets_in: How long until it begins anew.
        language: The reader's.
    """
    return _NEAR.say(
        language,
        quota=_name(quota, language=language),
        used=used,
        left=max(0, quota.limit - used),
        time=_span(resets_in, language=language),
    )


def _name(quota: Quota, *, language: Language) -> str:
    """Say whose quota it is, and how much."""
    amount = _QUESTIONS if quota.unit == "turns" else _TOKENS
    if quota.unit == "turns" and quota.limit == 1:
        amount = _ONE_QUESTION
    said = amount.say(language, count=quota.limit)
    return _NAMES[quota.per, quota.across].say(language, amount=said)


def _span(span: timedelta, *, language: Language) -> str:
    """Say a time of at most a day; the last minute is a whole one."""
    hours, minutes = divmod(max(1, round(span.total_seconds() / 60)), 60)
    phrase = _HOURS if hours else _MINUTES
    return phrase.say(language, hours=hours, minutes=minutes)
