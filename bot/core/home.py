"""What the bot shows in its Home tab, which one person alone sees.

Plain values; whoever makes them keeps Slack's bounds ("Block Kit", "Views").
"""

from dataclasses import dataclass

from bot.core.screens import Button

MAX_HOME_PARTS = 100
"""Blocks in one view."""
MAX_HEADING_CHARS = 150
"""A header block."""
MAX_WORDS_CHARS = 3000
"""The text of a section."""
MAX_ROW_BUTTONS = 25
"""An actions block."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A title; plain text, at most `MAX_HEADING_CHARS`."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """The bot's own words, in mrkdwn, 1 to `MAX_WORDS_CHARS`."""

    text: str


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's or a model's words, which do nothing there; 1 to `MAX_WORDS_CHARS`."""

    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """Buttons beside each other, 1 to `MAX_ROW_BUTTONS`; at most 1,000 in one Home."""

    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Home:
    """A Home tab.

    Attributes:
        parts: From top to bottom, 1 to `MAX_HOME_PARTS`.
    """

    parts: tuple[Heading | Words | Quote | Row, ...]
