"""What an app remembers.

"Multi-round conversation" in the vendor's guide: the server keeps the history under a `session_id`
of 32 hexadecimal digits, for an hour after the last request and for 50 rounds.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.playground.dashscope.answers import Round

IDLE_LIMIT_S = 3600.0
ROUNDS_LIMIT = 50
SESSIONS_LIMIT = 10_000


@dataclass(slots=True)
class Session:
    """One conversation with one app.

    Attributes:
        session_id: 32 hexadecimal digits.
        app_id: The only app that knows it.
        used_at: When it was last asked, by the injected clock.
        rounds: What was said, oldest first.
    """

    session_id: str
    app_id: str
    used_at: float
    rounds: list[Round] = field(default_factory=list[Round])


class Sessions:
    """Every live session of a server.

    Args:
        now: Seconds on any clock that never runs backwards.
    """

    def __init__(self, *, now: Callable[[], float]) -> None:
        self._now = now
        self._sessions: dict[str, Session] = {}

    def start(self, app_id: str, *, session_id: str | None = None) -> Session:
        """Return a new session; the one unused for longest makes room when there are too many.

        Args:
            app_id: The only app that knows it.
            session_id: What it is called; None makes a new name.
        """
        if len(self._sessions) >= SESSIONS_LIMIT:
            oldest = min(self._sessions.values(), key=lambda session: session.used_at)
            del self._sessions[oldest.session_id]
        session = Session(session_id or uuid.uuid4().hex, app_id=app_id, used_at=self._now())
        self._sessions[session.session_id] = session
        return session

    def resume(self, session_id: str, *, app_id: str) -> Session | None:
        """Return a session and mark it used.

        None: never given out, given out by another app, idle for an hour, or 50 rounds long.
        """
        session = self._sessions.get(session_id)
        if session is None or session.app_id != app_id:
            return None
        if self._over(session):
            del self._sessions[session_id]
            return None
        session.used_at = self._now()
        return session

    def _over(self, session: Session) -> bool:
        idle_s = self._now() - session.used_at
        return idle_s >= IDLE_LIMIT_S or len(session.rounds) >= ROUNDS_LIMIT
