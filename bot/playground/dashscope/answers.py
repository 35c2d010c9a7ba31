"""What an app says: the words between a question and the wire, and the plain answering apps."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.playground.dashscope.sample import MAX_LONG_CHARS, long_text


@dataclass(frozen=True, slots=True)
class Round:
    """One question of a session and its answer."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question as an app sees it.

    Attributes:
        prompt: What is asked now.
        history: Earlier rounds, oldest first: the session's, or those the request brought along.
        variables: `biz_params` of the request.
        facts: What is remembered of whoever asks, oldest first.
    """

    prompt: str
    history: tuple[Round, ...] = ()
    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reference:
    """A document an answer quotes; `<ref>[n]</ref>` names the n-th of them, from 1.

    Attributes:
        doc_name: The document.
        title: The section.
        text: The section's whole text.
        doc_url: A link, or None as for every uploaded file.
    """

    doc_name: str
    title: str
    text: str
    doc_url: str | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """An answer before it is cut into events.

    Attributes:
        text: What the reader should see.
        thought: The model's reasoning; sent only when app and request want thoughts.
        drafts: Results of a workflow's earlier LLM nodes; no part of the answer.
        references: Sources, in the order of their numbers.
    """

    text: str
    thought: str = ""
    drafts: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()


Answers = Callable[[Inquiry], Said]


def echo(inquiry: Inquiry) -> Said:
    """Say the question again, unchanged."""
    return Said(inquiry.prompt)


def scripted(
    lines: Mapping[str, str | Said], *, otherwise: str = "I have no line for that."
) -> Answers:
    """Return an app that knows its lines by heart; `otherwise` answers every other prompt."""

    def answer(inquiry: Inquiry) -> Said:
        line = lines.get(inquiry.prompt, otherwise)
        return Said(line) if isinstance(line, str) else line

    return answer


def talkative(chars: int) -> Answers:
    """Return an app whose answers have `chars` characters, or as many as the prompt says."""

    def answer(inquiry: Inquiry) -> Said:
        wanted = re.search(r"\d+", inquiry.prompt)
        return Said(long_text(min(int(wanted[0]), MAX_LONG_CHARS) if wanted else chars))

    return answer


def letter(inquiry: Inquiry) -> Said:
    """Write a letter about the question, to and from whom the variables say."""
    customer = inquiry.variables.get("customer", "customer")
    sender = inquiry.variables.get("sender", "your support team")
    return Said(
        f"Dear {customer},\n\n"
        f"thank you for your message: “{inquiry.prompt.strip()}”. We look into it today.\n\n"
        f"Yours, {sender}",
        drafts=(f"A letter to {customer}, friendly and short.",),
    )
