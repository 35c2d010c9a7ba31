"""What the bot shows and asks outside its answers: notices, forms and their submissions.

Plain values only. The Slack edge turns a `Notice` into an ephemeral message and a `Form` into a
modal; whoever makes them keeps within the bounds below, all of which are Slack's ("Block Kit",
"Views", "Composition objects").
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.core.policy import ChannelInfo, Person

MAX_NOTICE_CHARS = 11_000
"""One markdown block takes 12,000; the rest is left to what the edge adds."""
MAX_FORM_PARTS = 100
"""Blocks in one view."""
MAX_TITLE_CHARS = 24
"""A view's title, submit and close."""
MAX_STATE_CHARS = 2900
"""A view's private_metadata takes 3,000; the rest is left to what the edge adds."""
MAX_PROSE_CHARS = 3000
"""The text of a section."""
MAX_LABEL_CHARS = 150
"""Slack takes 2,000 in labels and hints; longer than this nobody reads."""
MAX_PLACEHOLDER_CHARS = 150
"""A placeholder."""
MAX_OPTION_CHARS = 75
"""The text of an option of a select."""
MAX_OPTIONS = 100
"""Options in one select."""
MAX_INPUT_CHARS = 3000
"""The longest `max_length` of a text input."""
MAX_BUTTON_VALUE_CHARS = 2000
"""A button's value."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who typed or pressed something, and where.

    Attributes:
        team_id: The workspace whose settings are meant.
        channel_id: Where it happened; `D…` in direct messages.
        user_id: Who.
        user_team_id: That user's home workspace, when Slack told it.
        channel_name: As Slack told it; may be empty.
        thread_ts: The thread it happened in; empty outside threads, and for commands, which Slack
            does not take in threads.
    """

    team_id: str
    channel_id: str
    user_id: str
    user_team_id: str = ""
    channel_name: str = ""
    thread_ts: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a notice.

    Attributes:
        action: What it does; Slack knows it as `admin:<action>`.
        label: What stands on it.
        value: Comes back when it is pressed, and anybody may forge it: an id, never a permission.
        style: Its colour; empty for the plain one.
        confirm: The question asked before the press counts; empty for none.
    """

    action: str
    label: str
    value: str
    style: Literal["", "primary", "danger"] = ""
    confirm: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A reply that only the caller sees.

    Attributes:
        text: Markdown, at most `MAX_NOTICE_CHARS`.
        buttons: Under it, at most 25 (Slack's actions block).
    """

    text: str
    buttons: tuple[Button, ...] = ()


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of a select.

    Attributes:
        value: Comes back when it is chosen; never empty, at most 150 characters.
        label: At most `MAX_OPTION_CHARS`.
    """

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Input:
    """One question of a form.

    Attributes:
        key: Unique in its form; what was entered comes back under it, and so do its errors.
        label: At most `MAX_LABEL_CHARS`.
        kind: The control. A checkbox has exactly one option, and is ticked when `value` names it.
        value: What it holds at first: a text, the value of one option, or a tuple of option values
            or user ids for `multi_select`, `users` and `checkbox`.
        hint: Under the control.
        placeholder: Inside the empty control.
        options: Of `select`, `multi_select` and `checkbox`: 1 to `MAX_OPTIONS`.
        is_optional: Whether it may stay empty.
        max_chars: The longest text a line or lines take; None for Slack's own bound.
    """

    key: str
    label: str
    kind: Literal["line", "lines", "select", "multi_select", "users", "checkbox"]
    value: str | tuple[str, ...] = ""
    hint: str = ""
    placeholder: str = ""
    options: tuple[Option, ...] = ()
    is_optional: bool = True
    max_chars: int | None = None


@dataclass(frozen=True, slots=True)
class Prose:
    """Words between the questions of a form.

    Attributes:
        text: In mrkdwn, at most `MAX_PROSE_CHARS`.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Form:
    """A modal.

    Attributes:
        callback: What it is for; Slack knows it as `admin:<callback>`.
        title: At most `MAX_TITLE_CHARS`.
        submit: The button that sends it, within the same bound; empty for a form that only tells.
        parts: From top to bottom, 1 to `MAX_FORM_PARTS`.
        state: Comes back with the submission, and anybody may forge it; at most `MAX_STATE_CHARS`.
        close: The button that leaves it; empty for Slack's own word.
        edition: Tells forms apart that follow each other on one screen: Slack may keep what
            was entered into an input that it takes for the one before.
    """

    callback: str
    title: str
    submit: str
    parts: tuple[Input | Prose, ...]
    state: str
    close: str = ""
    edition: int = 0


Values = Mapping[str, str | tuple[str, ...]]
"""What was entered, by the inputs' keys; blank is "" or ()."""


@dataclass(frozen=True, slots=True)
class Closed:
    """A submission was taken, and its form is gone.

    Attributes:
        notice: Told to the caller in the place the form was opened from; None says nothing.
    """

    notice: Notice | None


@dataclass(frozen=True, slots=True)
class Errors:
    """A submission was refused; its form stays as it is.

    Attributes:
        by_key: One sentence for each input that is wrong; at least one.
    """

    by_key: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Replaced:
    """A submission was refused, and another form stands in the place of its own.

    Attributes:
        form: The one to show now.
    """

    form: Form


@dataclass(frozen=True, slots=True)
class Taken:
    """A submission was taken, its form is gone, and what it asks for takes longer than a form may.

    Attributes:
        finish: Does it, and tells the caller what came of it; raises as answering a command does.
    """

    finish: Callable[["Screen"], Awaitable[None]]


Submitted = Closed | Errors | Replaced | Taken


class OpenForm(Protocol):
    """A form that somebody looks at."""

    async def become(self, form: Form) -> None:
        """Show another form in its place.

        Raises:
            SlackError: It was closed, or Slack did not take the form.
        """
        ...


class Screen(Protocol):
    """Where the answer to one command or one press goes. Every method raises SlackError."""

    async def show(self, notice: Notice, *, replace: bool = False) -> None:
        """Show a notice to the caller alone; `replace` puts it in the former one's place."""
        ...

    async def open(self, form: Form) -> OpenForm:
        """Open a form; only within 3 s of the command or press, and only once."""
        ...

    async def send_file(self, name: str, content: bytes, *, comment: str, title: str) -> None:
        """Send a file to the caller's direct messages."""
        ...


class Directory(Protocol):
    """Who is who and what is where in a workspace."""

    async def person(self, team_id: str, user_id: str, *, fresh: bool) -> Person | None:
        """Return who a user is; None when that cannot be known for lack of a scope.

        Raises:
            SlackError: Only when `fresh`: Slack could not say within 1.5 s.
        """
        ...

    async def channel(self, team_id: str, channel_id: str) -> ChannelInfo | None:
        """Return what a channel is; None when the bot cannot see it."""
        ...
