"""A form that was submitted, and refusing it as a whole."""

from dataclasses import dataclass, field

from bot.admin.office import Office
from bot.core.language import Language, Phrase
from bot.core.screens import Caller, Errors, Values

STALE_FORM = Phrase(
    "This form cannot be used any more; nothing was changed. Open it again.",
    "此表单已失效，未作任何更改。请重新打开。",
)


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody submitted.

    Attributes:
        office: The services.
        caller: Who, as Slack vouches.
        language: What they read.
        state: What the form carried; anybody may forge it.
        values: What was entered; it may hold a key.
        named_until: Who is named in it is looked up until then (the loop's clock); None when the
            form need not hurry.
    """

    office: Office
    caller: Caller
    language: Language
    state: str
    values: Values = field(repr=False)
    named_until: float | None = None

    def text(self, key: str) -> str:
        """Return what was typed into a line, without blanks around it; empty when nothing was."""
        entered = self.values.get(key, "")
        return entered.strip() if isinstance(entered, str) else ""

    def refused(self, phrase: Phrase) -> Errors:
        """Return its refusal with one sentence, which stands under its first question."""
        return self.refused_as(phrase.say(self.language))

    def refused_as(self, sentence: str) -> Errors:
        """Return its refusal, as `refused` does, with a sentence that is in its language."""
        return Errors({next(iter(self.values), ""): sentence})
