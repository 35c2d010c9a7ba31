"""The messages of one reply: as Slack shows them, and as the database knows them."""

from bot.core.plan import Operation, applied
from bot.core.reply import Content, Mark, Place, Shown
from bot.turns.ports import Book
from storage.records import Turn

GONE = ""
"""Stands in the stored list for a message that was deleted, so that no mark is used twice."""
UNKNOWN = Content(text="\0", note="\0")
"""What a message of an earlier try shows: nobody knows, so it is edited whatever is wanted."""
MOVED_MARKS_FROM = 1_000_000
"""Marks of messages in the asker's direct messages, apart from those in the channel."""


class MessageList:
    """The messages of one reply, in order.

    The database has the list before a message is edited, and knows that one is about to be posted
    before it is. In the asker's direct messages it knows nothing: what is posted there is looked
    for instead.

    Args:
        turn: Whose reply it is, as taken.
        book: Where the list is kept.

    Attributes:
        place: Where they are.
        shown: As Slack confirmed them last.
        may_be_posted: Whether Slack may have one more than the list: look for it before a post.
        has_moved: Whether they are in the asker's direct messages.
    """

    def __init__(self, turn: Turn, *, book: Book) -> None:
        self._turn = turn
        self._book = book
        self._stored = list(turn.reply)
        self._is_saved = True
        self.place = Place(turn.team_id, turn.channel_id, turn.thread_ts)
        self.shown: tuple[Shown, ...] = tuple(Shown(ts, UNKNOWN) for ts in turn.reply if ts != GONE)
        self.may_be_posted = turn.posting
        self.has_moved = False

    @property
    def has_words(self) -> bool:
        """Whether text of the answer is confirmed to be seen; not what an earlier try left."""
        return any(message.content.text.strip("\0") for message in self.shown)

    @property
    def next_mark(self) -> Mark:
        """The mark of the message that is posted next."""
        return self._mark(len(self._stored))

    def mark_of(self, ts: str) -> Mark:
        """Return the mark of one of them."""
        return self._mark(self._stored.index(ts))

    def _mark(self, position: int) -> Mark:
        return Mark(self._turn.id, position + (MOVED_MARKS_FROM if self.has_moved else 0))

    async def announce(self) -> None:
        """Note that a message is about to be posted."""
        if not self.has_moved:
            await self._book.posting(self._turn)

    def add(self, ts: str, content: Content) -> None:
        """Take in a message that was posted, or found; `save` tells the database."""
        self._stored.append(ts)
        self.shown = (*self.shown, Shown(ts, content))
        self._is_saved = False
        self.was_not_posted()

    def was_not_posted(self) -> None:
        """Note that Slack has no message that is not in the list."""
        self.may_be_posted = self.has_moved

    def note(self, operation: Operation, *, ts: str) -> None:
        """Note that Slack confirmed an edit or a deletion."""
        self.shown = applied(self.shown, operation, ts=ts)

    async def save(self) -> None:
        """Store the list, unless the database knows it already."""
        if not self._is_saved and not self.has_moved:
            await self._book.posted(self._turn, self._stored)
        self._is_saved = True

    async def forget(self, ts: str) -> None:
        """Go on without one of them, and store that."""
        self.shown = tuple(message for message in self.shown if message.ts != ts)
        self._stored[self._stored.index(ts)] = GONE
        self._is_saved = False
        await self.save()

    def move_to(self, place: Place) -> None:
        """Begin anew in the asker's direct messages."""
        self.place = place
        self.shown = ()
        self._stored = []
        self.has_moved = self.may_be_posted = True
