"""Places by their names, where it must be clear whose direct messages are meant."""

from collections.abc import Sequence

from bot.admin import marks, replies, scopes
from bot.core.language import Language, Phrase

MAX_PLACES = 20
"""More are counted, and not named."""

_DIRECT = Phrase("direct messages of {user}", "{user} 的私信")


def named(scope: str, *, language: Language) -> str:
    """Return the name of a place; of direct messages, with whose they are."""
    user_id = scopes.user_of(scope)
    if user_id is not None:
        return _DIRECT.say(language, user=marks.user(user_id))
    return replies.place(scope, language=language)


def all_named(places: Sequence[str], *, language: Language) -> str:
    """Return the names of the first places, and how many more there are."""
    names = [named(scope, language=language) for scope in places[:MAX_PLACES]]
    if len(places) > MAX_PLACES:
        names.append(replies.MORE_PLACES.say(language, count=len(places) - MAX_PLACES))
    return ", ".join(names)
