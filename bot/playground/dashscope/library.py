"""Retrieval over the project's own documents."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.playground.dashscope.sections import Section, split
from bot.playground.dashscope.words import count_words, has_chinese

TITLE_WEIGHT = 3  # a word of the heading counts like three below it
SATURATION = 1.2  # k1 of Okapi BM25: how fast repeating a word stops helping
LENGTH_WEIGHT = 0.75  # b of Okapi BM25: how much a long section is held back
LEAST_COVERAGE = 0.4  # the share of a query's weight a section must hold to be an answer

PACKAGED = Path(__file__).parents[1] / "knowledge"
REPOSITORY = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Hit:
    """A section that fits a query.

    Attributes:
        section: The section.
        score: Okapi BM25; comparable within one search only.
        words: The query's words, each with its weight times its rarity.
        held: Those of them that stand in the section.
    """

    section: Section
    score: float
    words: Mapping[str, float]
    held: frozenset[str]

    def adds_to(self, other: "Hit") -> float:
        """Return the share of the query's weight that this section holds and the other lacks."""
        news = sum(self.words[word] for word in self.held - other.held)
        return news / sum(self.words.values())


class Library:
    """Sections, and how to find the right ones.

    Args:
        sections: In reading order.
    """

    def __init__(self, sections: Sequence[Section]) -> None:
        self._sections = tuple(sections)
        self._counts = [_count_section(section) for section in sections]
        lengths = [sum(counts.values()) for counts in self._counts]
        self._mean_length = sum(lengths) / len(lengths) if lengths else 1.0
        self._spread = Counter(word for counts in self._counts for word in counts)
        self._knows_chinese = any(has_chinese(section.text) for section in sections)

    @classmethod
    def of_project(cls) -> "Library":
        """Read the documents packed into the wheel, or those of the repository. Blocks."""
        return cls.read(PACKAGED if PACKAGED.is_dir() else REPOSITORY)

    @classmethod
    def read(cls, folder: Path) -> "Library":
        """Read `README.md` and `docs/*.md` in `folder`; missing ones are left out. Blocks.

        Why things were decided (`docs/decisions`) answers nobody who wants to use them.
        """
        paths = [folder / "README.md", *sorted((folder / "docs").glob("*.md"))]
        sections: list[Section] = []
        for path in paths:
            if path.is_file():
                name = path.relative_to(folder).as_posix()
                sections += split(name, path.read_text(encoding="utf-8"))
        return cls(sections)

    def search(
        self, query: Mapping[str, float], *, limit: int, coverage: float = LEAST_COVERAGE
    ) -> list[Hit]:
        """Return up to `limit` sections, the best first.

        Args:
            query: Words as `words.count_words` returns them, each with its weight.
            limit: At most so many.
            coverage: The share of the query's weight a section must hold, 0 to 1.

        Returns:
            Nothing when no section holds enough of the query: words no document knows weigh most.
        """
        understood = self._understood(query)
        words = {word: weight * self._rarity(word) for word, weight in understood.items()}
        least = coverage * sum(words.values())
        hits = sorted(self._hits(words, least), key=lambda hit: hit.score, reverse=True)
        return hits[:limit]

    def _understood(self, query: Mapping[str, float]) -> Mapping[str, float]:
        """Drop Chinese words when no document is Chinese: what is left may still be enough."""
        if self._knows_chinese:
            return query
        return {word: weight for word, weight in query.items() if not has_chinese(word)}

    def _hits(self, words: Mapping[str, float], least: float) -> Iterator[Hit]:
        for section, counts in zip(self._sections, self._counts, strict=True):
            held = frozenset(words) & counts.keys()
            weight = sum(words[word] for word in held)
            if weight and weight >= least:
                yield Hit(section, score=self._score(words, counts), words=words, held=held)

    def _score(self, words: Mapping[str, float], counts: Counter[str]) -> float:
        relative_length = counts.total() / self._mean_length
        held_back = SATURATION * (1 - LENGTH_WEIGHT + LENGTH_WEIGHT * relative_length)
        return sum(
            weight * counts[word] * (SATURATION + 1) / (counts[word] + held_back)
            for word, weight in words.items()
        )

    def _rarity(self, word: str) -> float:
        """Return the inverse document frequency, always above 0."""
        spread = self._spread[word]
        return math.log(1 + (len(self._sections) - spread + 0.5) / (spread + 0.5))


def _count_section(section: Section) -> Counter[str]:
    counts = count_words(section.text)
    for word, count in count_words(section.title).items():
        counts[word] += TITLE_WEIGHT * count
    return counts
