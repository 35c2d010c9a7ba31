"""What blocks say: their visible text, their buttons, and whom they would ping."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from bot.playground.slack.payload import Json, as_list, as_object, as_text, objects

# Tokens Slack turns into notifications (docs page "formatting message text"). They are taken as
# live inside code as well: what Slack does there is documented nowhere.
_MASS = re.compile(r"<!(?:here|channel|everyone|subteam\^[A-Z0-9]+)(?:\|[^<>]*)?>")
_USER = re.compile(r"<@[UW][A-Z0-9]+(?:\|[^<>]*)?>")
_BARE = re.compile(r"(?<![\w@])@(?:here|channel|everyone)\b")

# Objects that hold text themselves: read letter by letter, or written as a token.
_PLAIN = frozenset({"plain_text", "text", "raw_text", "link"})
_TOKEN_OF = {
    "markdown": ("text", "{}"),
    "emoji": ("name", ":{}:"),
    "user": ("user_id", "<@{}>"),
    "usergroup": ("usergroup_id", "<!subteam^{}>"),
    "broadcast": ("range", "<!{}>"),
}
_INTERACTIVE = frozenset(
    {
        "button",
        "checkboxes",
        "datepicker",
        "feedback_buttons",
        "icon_button",
        "overflow",
        "radio_buttons",
        "static_select",
        "users_select",
        "conversations_select",
        "channels_select",
        "external_select",
        "multi_static_select",
        "multi_users_select",
        "multi_conversations_select",
        "multi_channels_select",
        "multi_external_select",
        "plain_text_input",
        "number_input",
        "url_text_input",
        "email_text_input",
        "timepicker",
        "datetimepicker",
        "rich_text_input",
    }
)


class Reading(Enum):
    """How Slack reads a piece of text."""

    PLAIN = "plain"  # shown letter by letter
    TOKENS = "tokens"  # <…> tokens are live
    NAMES = "names"  # bare @here and the like are live as well


@dataclass(frozen=True, slots=True)
class Piece:
    """One text within blocks."""

    text: str
    reading: Reading
    is_label: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """A token that would notify people.

    Attributes:
        token: As written.
        is_mass: It names a group instead of one person.
    """

    token: str
    is_mass: bool


def pieces(value: Json, *, is_label: bool = False) -> Iterator[Piece]:
    """Yield every text of a block, in order of reading.

    Args:
        value: A block, an element or a text object.
        is_label: The text belongs to a button or an input rather than to the message's words.
    """
    kind = as_text(value.get("type"))
    if piece := _own_piece(value, kind=kind):
        yield Piece(piece.text, piece.reading, is_label)
        return
    is_label = is_label or kind in _INTERACTIVE
    for child in value.values():
        yield from _pieces_within(child, is_label=is_label)


def _pieces_within(value: object, *, is_label: bool) -> Iterator[Piece]:
    if isinstance(value, dict):
        yield from pieces(as_object(value), is_label=is_label)
    for child in as_list(value):
        yield from _pieces_within(child, is_label=is_label)


def _own_piece(value: Json, *, kind: str) -> Piece | None:
    text = as_text(value.get("text"))
    if kind in _PLAIN:
        return Piece(text or as_text(value.get("url")), Reading.PLAIN)
    if kind in _TOKEN_OF:
        name, template = _TOKEN_OF[kind]
        return Piece(template.format(as_text(value.get(name))), Reading.TOKENS)
    if kind == "mrkdwn":
        return Piece(text, Reading.TOKENS if value.get("verbatim") is True else Reading.NAMES)
    return None


def visible_text_of(blocks: Iterable[Json], *, text: str) -> str:
    """Return what a reader sees: the blocks' words, or the text when there are no blocks.

    Button labels are left out; see `buttons`.
    """
    shown = [_block_text(block) for block in blocks]
    return "\n".join(part for part in shown if part) if shown else text


def _block_text(block: Json) -> str:
    glue = "" if block.get("type") == "rich_text" else "\n"
    return glue.join(piece.text for piece in pieces(block) if not piece.is_label)


def text_size(blocks: Iterable[Json], *, in_bytes: bool) -> int:
    """Return how much text the blocks carry, in characters or in UTF-8 bytes."""
    texts = (piece.text for block in blocks for piece in pieces(block))
    return sum(len(text.encode()) if in_bytes else len(text) for text in texts)


def mentions(blocks: Iterable[Json], *, text: str, link_names: bool) -> tuple[Mention, ...]:
    """Return every live mention of a message, in its blocks and in its notification text.

    Args:
        blocks: The message's blocks.
        text: The message's `text`, which notifications show even beside blocks.
        link_names: The call asked Slack to link bare names.
    """
    found = list(_mentions_of(Piece(text, Reading.NAMES if link_names else Reading.TOKENS)))
    for block in blocks:
        for piece in pieces(block):
            found += _mentions_of(piece)
    return tuple(found)


def _mentions_of(piece: Piece) -> Iterator[Mention]:
    if piece.reading is Reading.PLAIN:
        return
    for pattern, is_mass in ((_MASS, True), (_USER, False)):
        yield from (Mention(match.group(), is_mass) for match in pattern.finditer(piece.text))
    if piece.reading is Reading.NAMES:
        yield from (Mention(match.group(), is_mass=True) for match in _BARE.finditer(piece.text))


@dataclass(frozen=True, slots=True)
class Control:
    """Something a person can press.

    Attributes:
        block_id: The block it stands in.
        element: The element as the app wrote it.
    """

    block_id: str
    element: Json

    @property
    def action_id(self) -> str:
        """The app's name for it."""
        return as_text(self.element.get("action_id"))

    @property
    def label(self) -> str:
        """What stands on a button."""
        return as_text(as_object(self.element.get("text")).get("text"))


def controls(blocks: Iterable[Json]) -> tuple[Control, ...]:
    """Return everything with an action_id, in order of reading."""
    return tuple(control for block in blocks for control in _controls_of(block))


def _controls_of(block: Json) -> Iterator[Control]:
    block_id = as_text(block.get("block_id"))
    single = (as_object(block.get("accessory")), as_object(block.get("element")))
    for element in (*objects(block.get("elements")), *single):
        if "action_id" in element:
            yield Control(block_id, element)
