"""What is asked of which DashScope app."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.core.json_value import Json


class AppKind(Enum):
    """What the app was built as; the API cannot tell (there is no describe call)."""

    AGENT = "agent"
    WORKFLOW = "workflow"
    DIALOG_WORKFLOW = "dialog_workflow"
    ORCHESTRATION = "orchestration"

    @property
    def keeps_sessions(self) -> bool:
        """Whether a `session_id` carries the conversation (agents and dialog workflows)."""
        return self in {AppKind.AGENT, AppKind.DIALOG_WORKFLOW}

    @property
    def takes_messages(self) -> bool:
        """Whether the conversation may be sent as `messages` (agents and dialog workflows)."""
        return self in {AppKind.AGENT, AppKind.DIALOG_WORKFLOW}


@dataclass(frozen=True, slots=True)
class AppProfile:
    """A DashScope app and how to reach it.

    Attributes:
        name: What people call it in Slack.
        app_id: The id in the URL.
        kind: What it was built as.
        base_url: Ends in `/api/v1`, without a trailing slash.
        api_key: Never logged, never shown.
        workspace: `llm-…` when the app lives in a sub-workspace; empty otherwise.
        options: The request fields it is asked with unless a setting says otherwise, by the API's
            own names; `core.api_fields` knows where each goes.
        is_open: Whether everybody may choose it in direct messages.
        takes_tokens: Whether people's own tokens for plugins may be sent to its address.
    """

    name: str
    app_id: str
    kind: AppKind
    base_url: str
    api_key: str = field(repr=False)
    workspace: str = ""
    options: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    is_open: bool = False
    takes_tokens: bool = False

    @property
    def key(self) -> str:
        """What a session belongs to: the same app reached in the same place."""
        return f"{self.app_id}@{self.workspace or self.base_url}"


@dataclass(frozen=True, slots=True)
class Question:
    """One request to an app.

    Attributes:
        app: Who is asked.
        prompt: What the user wrote, ready for the model.
        session_id: The thread's session, when it has one that is still good.
        options: Request fields by the API's own names, all that apply: `app.options` are not added
            to them. Checked by `core.api_fields` when they were set.
        messages: The conversation so far and the question, as (role, content); when there are any,
            neither prompt nor session_id is sent. The last one's role is `user`.
        memory_id: The long-term memory of whoever asks; agents only.
        tokens: What the asker's tools are opened with, by tool id; never logged, never shown.
    """

    app: AppProfile
    prompt: str
    session_id: str | None = None
    options: Mapping[str, Json] = field(default_factory=dict[str, Json], hash=False)
    messages: tuple[tuple[str, str], ...] = ()
    memory_id: str | None = None
    tokens: Mapping[str, str] = field(default_factory=dict[str, str], repr=False, hash=False)
