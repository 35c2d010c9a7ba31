"""What is asked of which DashScope app."""

from dataclasses import dataclass, field
from enum import Enum


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
    """

    name: str
    app_id: str
    kind: AppKind
    base_url: str
    api_key: str = field(repr=False)
    workspace: str = ""

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
    """

    app: AppProfile
    prompt: str
    session_id: str | None = None
