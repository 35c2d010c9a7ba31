"""Text that grows by deltas, or by ever longer wholes."""


class GrowingText:
    """One text on its way.

    Which of the two it is has to be known: a delta may look like a longer whole by chance ("ha",
    then "haha").
    """

    def __init__(self, *, incremental: bool) -> None:
        self._incremental = incremental
        self._parts: list[str] = []
        self.chars = 0
        """How long it is by now."""

    def add(self, text: str, *, last: bool = False) -> None:
        """Take the next delta, or the next whole.

        Args:
            text: May be empty, which adds nothing and erases nothing.
            last: It came with the end. A last delta that begins with everything so far is a whole:
                some apps repeat the full text there.
        """
        if not text:
            return
        if not self._incremental or (last and text.startswith(self.value)):
            self._parts.clear()
            self.chars = 0
        self._parts.append(text)
        self.chars += len(text)

    @property
    def value(self) -> str:
        """The text so far; joined when it is asked for, not with each delta."""
        if len(self._parts) > 1:
            self._parts[:] = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""
