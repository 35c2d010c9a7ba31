"""A form that was submitted, and refusing it as a whole."""

from dataclasses import dataclass, field

from bot.admin.office import Office
from bot.core.language import Language, Phrase
from bot.core.screens import Caller, Errors, Values


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody submitted.

    Attributes:
        office: The services.
        caller: Who, as Slack vouches.
        language: What they read.
        values: What was entered; it may hold a key.
    """

    office: Office
    caller: Caller
    language: Language
    values: Values = field(repr=False)


def refusal(submission: Submission, phrase: Phrase, **values: object) -> Errors:
    """Refuse a submission with one sentence, which stands under its first question."""
    first = next(iter(submission.values), "")
    return Errors({first: phrase.say(submission.language, **values)})
