"""The apps a playground offers."""

from dataclasses import dataclass

from bot.core.question import AppKind
from bot.playground.dashscope.answers import Answers, echo, letter, talkative
from bot.playground.dashscope.guide import Guide
from bot.playground.dashscope.library import Library


@dataclass(frozen=True, slots=True)
class App:
    """One DashScope app with the switches of its console.

    Attributes:
        app_id: The id in the URL.
        answers: What it says.
        kind: What it was built as.
        published: An unpublished one refuses every request.
        workspace: The sub-workspace it lives in; empty for the default workspace.
        thinks: Deep thinking is on unless the request says otherwise (agents).
        shows_sources: Answers carry `<ref>` marks and `doc_references` (agents).
        streams: The speaking node's "streaming" and "response" switches are on (workflows).
        speaks: The type of the node that speaks in message_format (workflows).
        obeys_keywords: `!error`, `!cut` and the like in a prompt work; see the `keywords` module.
    """

    app_id: str
    answers: Answers
    kind: AppKind = AppKind.AGENT
    published: bool = True
    workspace: str = ""
    thinks: bool = False
    shows_sources: bool = True
    streams: bool = True
    speaks: str = "End"
    obeys_keywords: bool = False


def guide_app(app_id: str, *, library: Library) -> App:
    """Return the app people try things with: it answers from `library` and obeys keywords."""
    return App(app_id, answers=Guide(library), obeys_keywords=True)


def echo_app(app_id: str, *, kind: AppKind = AppKind.AGENT) -> App:
    """Return an app that says every prompt again."""
    return App(app_id, answers=echo, kind=kind)


def long_app(app_id: str, *, chars: int = 4000) -> App:
    """Return an app that talks at length, always the same; see `answers.talkative`."""
    return App(app_id, answers=talkative(chars))


def letter_app(app_id: str) -> App:
    """Return a workflow that writes letters; see `answers.letter`."""
    return App(app_id, answers=letter, kind=AppKind.WORKFLOW)
