"""What an app on loopback remembers of people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.bailian import MemoryBank, UnknownMemory
from bot.playground.bailian.bank import FACT_LIMIT_CHARS, NODES_LIMIT, facts_in


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("I like noodles. What else is there?", ["I like noodles."]),
        ("My name is Ann! Call me Annie.", ["My name is Ann!", "Call me Annie."]),
        ("我喜欢面条。你呢？", ["我喜欢面条。"]),
        ("记住：周五发布", ["记住：周五发布"]),
        ("How do I deploy?", []),
        ("What is my name?", []),
        ("Deploy on Friday", []),
        ("", []),
    ],
)
def test_a_fact_is_a_sentence_in_which_somebody_tells_of_themselves(
    text: str, facts: list[str]
) -> None:
    assert list(facts_in(text)) == facts


@given(st.text())
def test_every_fact_can_be_kept_as_a_node(text: str) -> None:
    assert all(1 <= len(fact) <= FACT_LIMIT_CHARS and fact.strip() for fact in facts_in(text))


def test_what_was_told_is_recalled_once_and_in_order() -> None:
    bank = MemoryBank("llm-1")
    memory_id, other_id = bank.create(), bank.create()
    bank.remember(memory_id, "I like noodles. I am from Wuhan.")
    bank.remember(memory_id, "I like noodles.")
    assert bank.recall(memory_id) == ("I like noodles.", "I am from Wuhan.")
    assert bank.recall(other_id) == ()


def test_a_memory_nobody_made_is_refused_loudly() -> None:
    bank = MemoryBank("llm-1")
    for calling in (
        lambda: bank.remember("m0", "nothing to keep"),
        lambda: bank.recall("m0"),
        lambda: bank.delete("m0"),
    ):
        with pytest.raises(UnknownMemory) as caught:
            calling()
        assert caught.value.memory_id == "m0"


def test_a_deleted_memory_is_gone_with_its_facts() -> None:
    bank = MemoryBank("llm-1")
    memory_id = bank.create("d")
    bank.remember(memory_id, "I like noodles.")
    bank.delete(memory_id)
    assert bank.memories == ()
    with pytest.raises(UnknownMemory):
        bank.recall(memory_id)


def test_the_oldest_facts_are_forgotten_when_there_are_too_many() -> None:
    bank = MemoryBank("llm-1")
    memory_id = bank.create()
    for number in range(NODES_LIMIT + 1):
        bank.add(memory_id, str(number))
    assert bank.recall(memory_id) == tuple(map(str, range(1, NODES_LIMIT + 1)))
