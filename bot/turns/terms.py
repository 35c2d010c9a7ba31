"""What one take-up of a turn goes by: read once, before anything is shown or asked."""

from dataclasses import dataclass

from bot.core.language import Language
from bot.core.policy import Person
from bot.core.resolution import Effective
from bot.core.setting import History


@dataclass(frozen=True, slots=True)
class Terms:
    """What one take-up of a turn goes by.

    Attributes:
        effective: What was chosen for the place.
        person: Who asks; None when Slack does not tell.
        language: What the asker reads.
    """

    effective: Effective
    person: Person | None
    language: Language

    @property
    def keeps_session(self) -> bool:
        """Whether the conversation is carried by a session."""
        return self.effective.history is History.SESSION
