"""What a run of many replies looked like to their readers."""

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.playground.dashscope.pace import Pace
from bot.playground.slack.message import Version

STEP_S = 0.05
_WORD = re.compile(r"\bw(\d{5})\b")
_WORD_CHARS = 7  # "w00001 "
_WORDS_PER_PARAGRAPH = 60


@dataclass(frozen=True, slots=True)
class Text:
    """An answer of numbered words, so that any part of it can be found again.

    Attributes:
        words: How many.
    """

    words: int

    @classmethod
    def of(cls, chars: int) -> "Text":
        """Return one of about so many characters."""
        return cls(chars // _WORD_CHARS)

    @property
    def text(self) -> str:
        """The answer."""
        return "".join(
            f"w{number:05d}" + ("\n\n" if number % _WORDS_PER_PARAGRAPH == 0 else " ")
            for number in range(1, self.words + 1)
        ).rstrip()

    def chars_until(self, word: int) -> int:
        """Return how many characters come before the end of a word."""
        return max(0, word * _WORD_CHARS + (word - 1) // _WORDS_PER_PARAGRAPH - 1)

    def is_in(self, shown: str) -> bool:
        """Tell whether every word is there, once and in order."""
        return [int(number) for number in _WORD.findall(shown)] == list(range(1, self.words + 1))


@dataclass(frozen=True, slots=True)
class Reading:
    """One reply as its reader saw it; times by the monotonic clock.

    Attributes:
        seen_s: From the question to the first message of any kind; None when there was none.
        words_s: From the question to the first words of the answer; None when there were none.
        stale_s: How old the newest word shown was, at every moment while the model wrote.
        final_s: From the last token to the last change; None when the answer is not whole.
    """

    seen_s: float | None
    words_s: float | None
    stale_s: Sequence[float]
    final_s: float | None


def read(
    versions: Sequence[Version], *, answer: Text, asked_at: float, began_at: float, pace: Pace
) -> Reading:
    """Look at one thread.

    Args:
        versions: Of the bot's messages there, in order.
        answer: What the model said.
        asked_at: When the question was written.
        began_at: When the model got it.
        pace: How the model spoke.
    """
    times, reached, shown = _growth(versions)
    due = [began_at + pace.due_s(answer.chars_until(word)) for word in range(answer.words + 1)]
    is_whole = answer.is_in(shown)
    words_at = next((at for at, word in zip(times, reached, strict=True) if word), None)
    return Reading(
        seen_s=times[0] - asked_at if times else None,
        words_s=words_at - asked_at if words_at is not None else None,
        stale_s=_staleness(times, reached, due=due),
        final_s=max(0.0, times[-1] - due[-1]) if is_whole else None,
    )


def _growth(versions: Sequence[Version]) -> tuple[list[float], list[int], str]:
    """Return when the thread changed, the last word shown from then on, and its final text."""
    times, reached = list[float](), list[int]()
    texts: dict[str, str] = {}
    shown = ""
    for version in versions:
        texts[version.ts] = version.text
        shown = "\n".join(texts[ts] for ts in sorted(texts))
        times.append(version.at)
        reached.append(max(map(int, _WORD.findall(shown)), default=0))
    return times, reached, shown


def _staleness(times: list[float], reached: list[int], *, due: list[float]) -> list[float]:
    """Sample from the first token to the last."""
    samples = list[float]()
    for step in range(int((due[-1] - due[0]) / STEP_S)):
        now = due[0] + step * STEP_S
        change = bisect.bisect_right(times, now) - 1
        word = reached[change] if change >= 0 else 0
        samples.append(max(0.0, now - due[word]))
    return samples
