"""When a session may be sent again."""

from bot.core.sessions import (
    IDLE_LIMIT_S,
    IDLE_MARGIN_S,
    ROUNDS_LIMIT,
    ROUNDS_MARGIN,
    is_usable,
)


def usable(*, app_key: str = "a", rounds: int = 1, idle_s: float = 0.0) -> bool:
    return is_usable(app_key=app_key, asked_app_key="a", rounds=rounds, idle_s=idle_s)


def test_a_fresh_session_is_used_again() -> None:
    assert usable()


def test_a_session_of_another_app_is_worthless() -> None:
    assert not usable(app_key="b")


def test_a_session_is_dropped_before_its_hour_of_idleness_is_over() -> None:
    assert usable(idle_s=IDLE_LIMIT_S - IDLE_MARGIN_S - 1)
    assert not usable(idle_s=IDLE_LIMIT_S - IDLE_MARGIN_S)


def test_a_session_is_dropped_before_its_rounds_are_used_up() -> None:
    assert usable(rounds=ROUNDS_LIMIT - ROUNDS_MARGIN - 1)
    assert not usable(rounds=ROUNDS_LIMIT - ROUNDS_MARGIN)
