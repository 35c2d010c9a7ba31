"""The files of a question: made ready when it is taken up, and again after a crash."""

from bot.core import texts
from bot.core.file_refusals import sentences
from bot.core.files import FileNote
from bot.core.language import together
from bot.core.prepared import Prepared
from bot.core.question import Question
from bot.turns.ending import Ending
from bot.turns.terms import Terms
from bot.turns.world import World
from storage.records import Turn


class QuestionFiles:
    """The files of one turn's question.

    What was made ready is kept for this take-up, also when the question's words change.

    Args:
        turn: As taken.
        terms: What it goes by.
        world: The edges.

    Attributes:
        notes: The files, as far as they are known before Slack was asked.
    """

    def __init__(self, turn: Turn, *, terms: Terms, world: World) -> None:
        self._turn = turn
        self._terms = terms
        self._world = world
        self._prepared: Prepared | None = None
        self.notes: tuple[FileNote, ...] = ()

    @property
    def are_being_read(self) -> bool:
        """Whether there are files that are not ready yet."""
        return bool(self.notes) and self._prepared is None

    @property
    def has_texts(self) -> bool:
        """Whether the question holds the text of a file, which its asker need not have written."""
        return self._prepared is not None and bool(self._prepared.texts)

    async def get_ready(self) -> None:
        """Make the files ready, once; what cannot be had is told of by `told`.

        Cancelling leaves nothing behind; the next call begins anew.

        Raises:
            StorageError: Nobody knows the workspace's token.
        """
        if self.are_being_read:
            effective = self._terms.effective
            self._prepared = await self._world.files.prepare(
                self._turn.team_id, self.notes, app=effective.app, options=effective.options
            )

    def added_to(self, question: Question) -> Question:
        """Return a question with the files in it."""
        return self._prepared.added_to(question) if self._prepared is not None else question

    def told(self) -> str:
        """Return what the reader must know about files that were left out; may be empty."""
        refusals = self._prepared.refusals if self._prepared is not None else ()
        language = self._terms.language
        return together(sentences(refusals, language=language), language=language)

    def wording(self, text: str, *, words: str) -> str:
        """Return what is asked: the message, or a plain request where it says nothing.

        Args:
            text: The message as Slack sent it.
            words: What is left of it for the model.
        """
        return text if words or not self.notes else texts.LOOK_AT_FILES.say(self._terms.language)

    def nothing_to_ask(self, words: str) -> Ending | None:
        """Return an ending when there are no words, and none of the files can be used."""
        if words or self._prepared is None or not self._prepared.is_empty:
            return None
        return Ending("hinted", note=self.told(), language=self._terms.language)
