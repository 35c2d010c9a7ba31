"""Forms: one that asks, one that only tells, and one that is open before it can be filled."""

from collections.abc import Awaitable, Callable, Iterable

from bot.admin import replies
from bot.admin.ports import Visit
from bot.core.language import Language, Phrase
from bot.core.screens import MAX_PROSE_CHARS, Form, Input, Prose
from storage.errors import StorageError

CALLBACK = "none"
"""What forms name that only tell; they have no button that could submit them."""

SAVE = Phrase("Save", "保存")
_CANCEL = Phrase("Cancel", "取消")
_ONE_MOMENT = Phrase("One moment…", "请稍候……")
_CLOSE = Phrase("Close", "关闭")


def asking_form(
    callback: str,
    title: Phrase,
    parts: Iterable[Input | Prose],
    *,
    language: Language,
    state: str = "",
    submit: Phrase = SAVE,
) -> Form:
    """Return a form with questions, a button that sends it and one that leaves it."""
    return Form(
        callback=callback,
        title=title.say(language),
        submit=submit.say(language),
        parts=tuple(parts),
        state=state,
        close=_CANCEL.say(language),
    )


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
    waiting = telling_form(title, _ONE_MOMENT.say(visit.language), visit.language)
    form = await visit.screen.open(waiting)
    try:
        shown = await fill()
    except replies.Refused as refused:
        shown = telling_form(title, refused.text, visit.language)
    except StorageError:
        trouble = replies.STORAGE_TROUBLE_READING.say(visit.language)
        shown = telling_form(title, trouble, visit.language)
    await form.become(shown)
