"""What may be remembered, and what a memory may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.language import Language
from bot.core.memory import MemoryNode, content_problem, describe, description_problem


@given(st.text())
def test_any_text_becomes_a_description_that_is_taken(text: str) -> None:
    assert description_problem(describe(text)) is None


@given(st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=50))
def test_a_description_that_is_taken_stays_as_it_is(text: str) -> None:
    assert description_problem(text) is None
    assert describe(text) == text


@pytest.mark.parametrize("text", ["", "a" * 51, "a b", "a/b", "a&b", "²", "a\n"])
def test_other_descriptions_are_refused(text: str) -> None:
    assert description_problem(text) is not None


@pytest.mark.parametrize("text", ["a", "likes noodles & tea", "喜" * 200])
def test_one_to_two_hundred_characters_can_be_remembered(text: str) -> None:
    assert content_problem(text) is None


@pytest.mark.parametrize("text", ["", "  \n", "a" * 201])
def test_nothing_and_too_much_cannot(text: str) -> None:
    problem = content_problem(text)
    assert problem is not None
    assert problem.say(Language.EN) != problem.say(Language.ZH)


def test_a_fact_is_not_in_its_repr() -> None:
    assert "canary" not in repr(MemoryNode("n1", "canary words"))
