"""What one take-up of a turn goes by: read once, before anything is shown or asked."""

from dataclasses import dataclass

from bot.core.language import Language
from bot.core.policy import Person
from bot.core.resolution import Effective
from bot.core.setting import History
from bot.turns.asker import Asker


@dataclass(frozen=True, slots=True)
class Terms:
    """What one take-up of a turn goes by.

    Attributes:
        effective: What was chosen for the place.
        asker: Who asks.
        language: What the asker reads.
    """

    effective: Effective
    asker: Asker
    language: Language

    @property
    def person(self) -> Person | None:
        """Who asks; None when Slack does not tell."""
        return self.asker.person

    @property
    def keeps_session(self) -> bool:
        """Whether the conversation is carried by a session."""
        effective = self.effective
        return effective.history is History.SESSION and effective.app.kind.keeps_sessions
