"""Forms that ask nothing: one that is about to be filled, and one that only tells."""

from collections.abc import Awaitable, Callable

from bot.admin import replies
from bot.admin.ports import Visit
from bot.core.language import Language, Phrase
from bot.core.screens import MAX_PROSE_CHARS, Form, Prose
from storage.errors import StorageError

CALLBACK = "none"
"""What these forms name; they have no button that could submit them."""

_ONE_MOMENT = Phrase("One moment…", "请稍候……")
_CLOSE = Phrase("Close", "关闭")


def opening_form(title: str, language: Language) -> Form:
    """Return the form that stands there until another one takes its place."""
    return telling_form(title, _ONE_MOMENT.say(language), language)


def telling_form(title: str, text: str, language: Language, *more: str) -> Form:
    """Return a form of nothing but words, in mrkdwn; each text is a paragraph of its own."""
    return Form(
        callback=CALLBACK,
        title=title,
        submit="",
        parts=tuple(Prose(part[:MAX_PROSE_CHARS]) for part in (text, *more)),
        state="",
        close=_CLOSE.say(language),
    )


async def open_filled(visit: Visit, title: str, fill: Callable[[], Awaitable[Form]]) -> None:
    """Open a form at once, for its trigger lives three seconds, and fill it when all is known.

    Args:
        visit: Whose screen it opens on.
        title: Of the form until it is filled, and of one that only tells what is in the way.
        fill: Returns the form; may raise Refused, whose sentence is shown instead of it.

    Raises:
        SlackError: Slack did not open the form, or it was closed meanwhile.
    """
    form = await visit.screen.open(opening_form(title, visit.language))
    try:
        shown = await fill()
    except replies.Refused as refused:
        shown = telling_form(title, refused.text, visit.language)
    except StorageError:
        trouble = replies.STORAGE_TROUBLE_READING.say(visit.language)
        shown = telling_form(title, trouble, visit.language)
    await form.become(shown)
