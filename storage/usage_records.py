"""What storage takes and gives about usage: limits, and sums of what was used."""

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True, slots=True)
class Limit:
    """What may be used of the bot in one UTC day.

    Attributes:
        per: Each person, or each channel.
        unit: What is counted. Tokens count when their turn has ended.
        limit: How much of it, at least 1.
        across: For a person, where it is counted: in all of the workspace, or in one channel.
    """

    per: Literal["user", "channel"]
    unit: Literal["turns", "tokens"]
    limit: int
    across: Literal["workspace", "channel"]


@dataclass(frozen=True, slots=True)
class Admission:
    """Whether a turn may be answered.

    Attributes:
        refused: The first limit that is spent; None when the turn may be answered.
        used: Each limit asked about, in that order, and what was used of it without this turn.
    """

    refused: Limit | None
    used: tuple[tuple[Limit, int], ...]


@dataclass(frozen=True, slots=True)
class ModelUse:
    """Tokens that one model used for a turn."""

    model_id: str
    input_tokens: int
    output_tokens: int


UsageKey = Literal["day", "user", "channel", "model", "app"]
"""What a report has a row for each of."""


@dataclass(frozen=True, slots=True)
class UsageRow:
    """One row of a report.

    Attributes:
        key: An ISO date, an id or a name; empty for turns of which no model is known.
        turns: Turns that were admitted and did not fail. One that used two models is in both
            their rows.
        input_tokens: Of those turns that have ended.
        output_tokens: The same.
    """

    key: str
    turns: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class UsageLine:
    """What one person used in one channel on one day, of one app and one model.

    Attributes:
        day: The UTC day.
        channel_id: The channel or DM.
        user_id: Who asked.
        app: The app's name then.
        model_id: Empty for turns of which no model is known: they run, or their app does not
            tell.
        turns: Turns that were admitted and did not fail. One that used two models is in both
            their lines.
        input_tokens: Of those turns that have ended.
        output_tokens: The same.
    """

    day: date
    channel_id: str
    user_id: str
    app: str
    model_id: str
    turns: int
    input_tokens: int
    output_tokens: int
