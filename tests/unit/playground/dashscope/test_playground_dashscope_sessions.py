"""What the playground's DashScope remembers."""

import re

from bot.playground.dashscope.answers import Round
from bot.playground.dashscope.sessions import IDLE_LIMIT_S, ROUNDS_LIMIT, Sessions


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_session_id_has_32_hexadecimal_digits_and_is_never_given_out_twice() -> None:
    sessions = Sessions(now=Clock())
    ids = {sessions.start("app").session_id for _ in range(50)}
    assert len(ids) == 50
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_a_session_lives_for_an_hour_after_its_last_use() -> None:
    clock = Clock()
    sessions = Sessions(now=clock)
    session = sessions.start("app")
    for _ in range(3):
        clock.now += IDLE_LIMIT_S - 1
        assert sessions.resume(session.session_id, app_id="app") is session
    clock.now += IDLE_LIMIT_S
    assert sessions.resume(session.session_id, app_id="app") is None


def test_a_session_ends_after_fifty_rounds() -> None:
    sessions = Sessions(now=Clock())
    session = sessions.start("app")
    session.rounds += [Round("?", "!")] * (ROUNDS_LIMIT - 1)
    assert sessions.resume(session.session_id, app_id="app") is session
    session.rounds.append(Round("?", "!"))
    assert sessions.resume(session.session_id, app_id="app") is None


def test_a_session_belongs_to_one_app() -> None:
    sessions = Sessions(now=Clock())
    session = sessions.start("mine")
    assert sessions.resume(session.session_id, app_id="yours") is None
    assert sessions.resume("f" * 32, app_id="mine") is None
    assert sessions.resume(session.session_id, app_id="mine") is session
