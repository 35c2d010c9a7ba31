"""Text -> the words it is found by: English stems and Chinese bigrams."""

import re
from collections import Counter
from collections.abc import Iterator

MIN_STEM_CHARS = 3

_NOT = re.compile(r"\w+n['’]t\b", re.IGNORECASE)
_LATIN = re.compile(r"[A-Za-z][A-Za-z0-9_]*|\d+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_STOP = frozenset(
    _LATIN.findall(
        "a about again all also an and any are as at be been but by can could did do does doing "
        "done explain for from give had has have hello hey hi how i if in into is it its just "
        "know let like may me mean might more must my need of on one or our out please say see "
        "shall should show so some tell than thank thanks that the their them then there these "
        "they thing this those to try understand up us want was way we were what when where which "
        "while who why will with without work would you your "
        "d ll m re s ve"  # behind an apostrophe
    )
)
_STOP_HAN = re.compile(r"[的了吗呢是在有和与或怎么样什么如何请问一下我你您它他们这那个些]+")


def has_chinese(text: str) -> bool:
    """Whether any Chinese character is in it."""
    return _HAN.search(text) is not None


def count_words(text: str) -> Counter[str]:
    """Return the words that carry meaning and how often each occurs."""
    return Counter(_words(text))


def _words(text: str) -> Iterator[str]:
    for match in _LATIN.finditer(_NOT.sub("not", text)):
        whole = match[0].lower()
        parts = whole.split("_") if "_" in whole else []
        yield from (_stem(word) for word in (whole, *parts) if word and word not in _STOP)
    for match in _HAN.finditer(text):
        for run in _STOP_HAN.split(match[0]):
            yield from _bigrams(run)


def _bigrams(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    for start in range(len(run) - 1):
        yield run[start : start + 2]


def _stem(word: str) -> str:
    """Return one form for a word's plural, past and -ing: crude, but the same crude everywhere."""
    stem = word
    if stem.endswith("ies"):
        stem = f"{stem[:-3]}y"
    elif stem.endswith("s") and not stem.endswith(("ss", "us", "is")):
        stem = stem[:-1]
    if stem == "setting":  # one is no more of "to set" than a building is of "to build"
        return stem
    for suffix in ("ing", "ed"):
        if stem.endswith(suffix) and len(stem) - len(suffix) >= MIN_STEM_CHARS:
            stem = stem[: -len(suffix)]
            break
    if len(stem) > MIN_STEM_CHARS and stem.endswith("e"):
        stem = stem[:-1]
    doubled = len(stem) > MIN_STEM_CHARS and stem[-1] == stem[-2]
    return stem[:-1] if doubled else stem
