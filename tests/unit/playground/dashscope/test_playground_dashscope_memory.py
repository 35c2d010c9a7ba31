"""An agent of the playground remembers people it is asked about with a memory."""

import json
from typing import Any

import pytest

from bot.core.question import AppKind
from bot.playground.bailian import MemoryBank
from bot.playground.dashscope.answers import Inquiry, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.gateway import Call, Gateway
from bot.playground.dashscope.generation import Generation
from bot.playground.dashscope.guide import Guide
from bot.playground.dashscope.library import Library
from bot.playground.dashscope.refusals import LOST_MEMORIES, LOST_MEMORY, Refusal


def facts(inquiry: Inquiry) -> Said:
    return Said("; ".join(inquiry.facts) or "nothing")


@pytest.fixture
def bank() -> MemoryBank:
    return MemoryBank()


@pytest.fixture
def gateway(bank: MemoryBank) -> Gateway:
    apps = [App("A", answers=facts, kind=AppKind.AGENT)]
    gateway = Gateway(apps, api_keys=["sk"], now=lambda: 0.0)
    gateway.bank = bank
    return gateway


def asked(gateway: Gateway, prompt: str, *, memory_id: str | None) -> Refusal | Generation:
    told: dict[str, Any] = {"prompt": prompt} | ({"memory_id": memory_id} if memory_id else {})
    headers = {"authorization": "Bearer sk", "content-type": "application/json"}
    body = json.dumps({"input": told, "parameters": {}}).encode()
    return gateway.receive(Call("A", headers=headers, body=body, request_id="r"))


def answered(gateway: Gateway, prompt: str, *, memory_id: str | None) -> str:
    generation = asked(gateway, prompt, memory_id=memory_id)
    assert isinstance(generation, Generation)
    generation.remember()
    return generation.said.text


def test_what_is_told_with_a_memory_is_known_with_it_alone(
    gateway: Gateway, bank: MemoryBank
) -> None:
    mine, other = bank.create(), bank.create()
    assert answered(gateway, "My name is Ann.", memory_id=mine) == "nothing"
    assert answered(gateway, "Who am I?", memory_id=mine) == "My name is Ann."
    assert answered(gateway, "Who am I?", memory_id=other) == "nothing"
    assert answered(gateway, "Who am I?", memory_id=None) == "nothing"


def test_an_unknown_memory_is_refused(gateway: Gateway) -> None:
    assert asked(gateway, "hello", memory_id="m0") is LOST_MEMORY
    for refusal in LOST_MEMORIES.values():
        gateway.lost_memories = refusal
        assert asked(gateway, "hello", memory_id="m0") is refusal


def test_a_memory_deleted_meanwhile_keeps_nothing(gateway: Gateway, bank: MemoryBank) -> None:
    memory_id = bank.create()
    generation = asked(gateway, "My name is Ann.", memory_id=memory_id)
    assert isinstance(generation, Generation)
    bank.delete(memory_id)
    generation.remember()
    assert bank.memories == ()


@pytest.mark.parametrize("prompt", ["What is my name?", "what do you know about me", "我是谁？"])
def test_the_guide_says_what_it_knows_of_whoever_asks(prompt: str) -> None:
    guide = Guide(Library([]))
    assert "My name is Ann." in guide(Inquiry(prompt, facts=("My name is Ann.",))).text
    assert "My name is Ann." not in guide(Inquiry(prompt)).text
