"""When a thread's DashScope session can still carry the conversation."""

IDLE_LIMIT_S = 3600.0
"""A session dies one hour after its last request (Model Studio, application API, `session_id`)."""
IDLE_MARGIN_S = 300.0
"""Our clock and the service's need not agree, and the request takes time to get there."""
ROUNDS_LIMIT = 50
"""A session holds at most 50 rounds (the same page)."""
ROUNDS_MARGIN = 5
"""A question that failed in its answer, or was edited, may count there; here it does not."""


def is_usable(*, app_key: str, asked_app_key: str, rounds: int, idle_s: float) -> bool:
    """Return whether a session may be sent again.

    Args:
        app_key: The app the session belongs to.
        asked_app_key: The app that is asked now.
        rounds: Answers the session has carried so far.
        idle_s: Seconds since the question of the last of them.
    """
    return (
        app_key == asked_app_key
        and rounds < ROUNDS_LIMIT - ROUNDS_MARGIN
        and idle_s < IDLE_LIMIT_S - IDLE_MARGIN_S
    )
