"""An answer under way: events with their session, usage and request id."""

import contextlib
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.core.question import AppKind
from bot.playground.bailian.bank import MemoryBank, UnknownMemory
from bot.playground.dashscope.answers import Round, Said
from bot.playground.dashscope.apps import App
from bot.playground.dashscope.ask import Ask
from bot.playground.dashscope.faults import Fault
from bot.playground.dashscope.moments import JsonObject, Moment, agent_moments
from bot.playground.dashscope.nodes import flow_moments, speaker
from bot.playground.dashscope.sessions import Session

CHARS_PER_TOKEN = 2

_REF = re.compile(r"<ref>.*?</ref>")


@dataclass(frozen=True, slots=True)
class OpenMemory:
    """The long-term memory of whoever asks.

    Attributes:
        bank: Where it is kept.
        memory_id: Which one.
        facts: What was in it when the question came.
    """

    bank: MemoryBank
    memory_id: str
    facts: tuple[str, ...]

    def remember(self, prompt: str) -> None:
        """Keep what a question tells of whoever asks; one deleted meanwhile keeps nothing."""
        with contextlib.suppress(UnknownMemory):
            self.bank.remember(self.memory_id, prompt)


@dataclass(frozen=True, slots=True)
class Generation:
    """An answer, ready to be sent.

    Attributes:
        app: Who answers.
        ask: What was asked.
        said: What it says.
        session: Where the round is remembered; its id stands in every event, or at least in the
            last.
        request_id: Stands in every event, too.
        history_chars: What the model had to read besides the prompt.
        fault: What goes wrong on the way.
        memory: Where facts about whoever asks are kept.
        first_session_id: Stands in every event but the last; None is the session's own.
    """

    app: App
    ask: Ask
    said: Said
    session: Session
    request_id: str
    history_chars: int
    fault: Fault | None
    memory: OpenMemory | None = None
    first_session_id: str | None = None

    def remember(self) -> None:
        """Add the round to its session. Call it once, when the first word goes out.

        A reader who hangs up does not stop the model: the whole answer is remembered.
        """
        self.session.rounds.append(Round(self.ask.prompt, self.said.text))
        if self.memory is not None:
            self.memory.remember(self.ask.prompt)

    def moments(self, *, piece_chars: int) -> Iterator[Moment]:
        """Yield what the stream's events say."""
        app = self.app
        said = self.said if app.shows_sources else _without_sources(self.said)
        if app.kind is AppKind.AGENT:
            asked = self.ask.enable_thinking
            thinks = app.thinks if asked is None else asked
            return agent_moments(said, self.ask, thinks=thinks, piece_chars=piece_chars)
        said = _without_sources(said)
        return flow_moments(
            said,
            self.ask,
            streams=app.streams,
            piece_chars=piece_chars,
            speaking=speaker(app.speaks),
        )

    def whole(self) -> Moment:
        """Return the one answer of a request that does not stream."""
        ask = replace(self.ask, incremental=False)
        longest = max(len(self.said.text), len(self.said.thought), 1)
        *_, last = replace(self, ask=ask).moments(piece_chars=longest)
        return last

    def payload(self, moment: Moment) -> JsonObject:
        """Return an event's JSON. While the answer runs, `finish_reason` is the string "null"."""
        own_id = self.session.session_id
        output: JsonObject = {
            **moment.output,
            "session_id": own_id if moment.last else self.first_session_id or own_id,
            "finish_reason": "stop" if moment.last else "null",
        }
        usage = self._usage(moment.chars) if moment.usage else {}
        return {"output": output, "usage": usage, "request_id": self.request_id}

    def _usage(self, chars: int) -> JsonObject:
        read = len(self.ask.prompt) + self.history_chars
        model = {
            "input_tokens": math.ceil(read / CHARS_PER_TOKEN),
            "output_tokens": math.ceil(chars / CHARS_PER_TOKEN),
            "model_id": self.ask.model_id,
        }
        return {"models": [model]}


def _without_sources(said: Said) -> Said:
    return replace(said, text=_REF.sub("", said.text), references=())
