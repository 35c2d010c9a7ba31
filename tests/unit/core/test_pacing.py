"""Laws of the pace at which Slack is called."""

import heapq
import statistics
from collections.abc import Callable
from itertools import count, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.bucket import RECOVERY_S, Bucket, Budget
from bot.core.pacing import (
    BUDGETS,
    CHANNEL_POSTS,
    CHANNELS_KEPT,
    EDIT,
    EDITS,
    EXPIRY_S,
    INTERIM_GAP_S,
    POST,
    READ,
    TIER_2,
    TIER_3,
    Call,
    Pacing,
)
from bot.core.reply import Place, Urgency

SLACK_EDITS = Budget(per_s=50 / 60, burst=20)
SLACK_POSTS = Budget(per_s=1, burst=3)
ROUND_TRIP_S = 0.12
SLACK = 1e-3


def place(number: int, channel: str = "") -> Place:
    return Place("T1", channel or f"C{number}", f"{number}.0")


class Simulation:
    """Runs a Pacing in invented time and writes down what it granted."""

    def __init__(self) -> None:
        self.pacing = Pacing()
        self.now = 0.0
        self.grants: list[tuple[float, Call]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._then: dict[Call, Callable[[], None]] = {}
        self._order = count()

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._order), what))

    def ask(
        self,
        where: Place,
        method: str,
        urgency: Urgency,
        then: Callable[[], None] = lambda: None,
    ) -> Call:
        call = self.pacing.ask(where, method=method, urgency=urgency, now=self.now)
        self._then[call] = then
        return call

    def run(self, until: float) -> None:
        while True:
            granted = self.pacing.grant(now=self.now)
            self.grants += [(self.now, call) for call in granted]
            for call in granted:
                self._then.pop(call)()
            if granted:
                continue
            following = self._next_at()
            if following is None or following >= until:
                self.now = until
                return
            assert following >= self.now
            self.now = following
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()

    def _next_at(self) -> float | None:
        moments = [at for at, _, _ in self._events[:1]]
        ready = self.pacing.next_at(now=self.now)
        return min(moments if ready is None else [*moments, ready], default=None)

    def flood(self, where: Place, *, stop_at: float) -> None:
        """Ask for interim edits again and again, each a round trip after the last grant."""

        def again() -> None:
            if self.now < stop_at:
                self.ask(where, EDIT, Urgency.INTERIM, lambda: self.at(self.now + 0.12, again))

        again()

    def times(self, method: str, urgency: Urgency | None = None) -> list[float]:
        return [at for at, c in self.grants if c.method == method and urgency in {None, c.urgency}]


def kept_within(budget: Budget, times: list[float]) -> bool:
    """No window holds more calls than its burst and its refill."""
    return all(
        j - i + 1 <= budget.burst + budget.per_s * (times[j] - times[i]) + SLACK
        for i in range(len(times))
        for j in range(i, len(times))
    )


def refusals(budget: Budget, times: list[float]) -> int:
    """What Slack would refuse."""
    level, last, refused = budget.burst, 0.0, 0
    for at in times:
        level, last = min(budget.burst, level + (at - last) * budget.per_s), at
        if level >= 1 - SLACK:
            level -= 1
        else:
            refused += 1
    return refused


asks = st.lists(
    st.tuples(
        st.floats(0, 60),
        st.integers(0, 5),
        st.sampled_from([POST, EDIT, "chat.delete", "conversations.replies", "made.up"]),
        st.sampled_from(Urgency),
    ),
    max_size=80,
)
rests = st.lists(
    st.tuples(st.floats(0, 60), st.sampled_from([POST, EDIT]), st.floats(1, 30)), max_size=3
)


def simulate(
    calls: list[tuple[float, int, str, Urgency]], throttled: list[tuple[float, str, float]]
) -> Simulation:
    simulation = Simulation()
    for when, number, method, urgency in calls:
        simulation.at(
            when,
            lambda n=number, m=method, u=urgency: (
                simulation.ask(place(n % 3, f"C{n % 2}"), m, u) and None
            ),
        )
    for when, method, seconds in throttled:
        simulation.at(
            when,
            lambda m=method, s=seconds: simulation.pacing.throttle(
                m, channel_id="C0", retry_after_s=s, now=simulation.now
            ),
        )
    simulation.run(2_000)
    return simulation


@given(asks, rests)
def test_no_window_holds_more_calls_than_burst_and_refill(
    calls: list[tuple[float, int, str, Urgency]], throttled: list[tuple[float, str, float]]
) -> None:
    simulation = simulate(calls, throttled)
    for method in (POST, EDIT, "conversations.replies", "made.up"):
        assert kept_within(BUDGETS.get(method, TIER_2), simulation.times(method))
    for channel in ("C0", "C1"):
        posts = [
            at for at, c in simulation.grants if c.method == POST and c.place.channel_id == channel
        ]
        assert kept_within(CHANNEL_POSTS, posts)


@given(asks, rests)
def test_nobody_is_left_waiting_for_ever(
    calls: list[tuple[float, int, str, Urgency]], throttled: list[tuple[float, str, float]]
) -> None:
    assert len(simulate(calls, throttled).grants) == len(calls)


@given(asks, rests)
def test_no_call_goes_before_a_rest_has_passed(
    calls: list[tuple[float, int, str, Urgency]], throttled: list[tuple[float, str, float]]
) -> None:
    simulation = simulate(calls, throttled)
    for since, method, seconds in throttled:
        early = [t for t in simulation.times(method) if since + SLACK < t < since + seconds - SLACK]
        assert early == []


@given(st.lists(st.sampled_from(Urgency), min_size=1, max_size=40))
def test_the_more_urgent_goes_first(urgencies: list[Urgency]) -> None:
    simulation = Simulation()
    for _ in range(int(EDITS.burst)):
        simulation.ask(place(99), EDIT, Urgency.FINAL)
    simulation.run(0.001)
    simulation.grants.clear()
    for number, urgency in enumerate(urgencies):
        simulation.ask(place(number), EDIT, urgency)
    simulation.run(5_000)
    order = [(c.urgency, c.number) for _, c in simulation.grants]
    assert order == sorted(order)
    assert len(order) == len(urgencies)


@given(st.integers(1, 15), st.floats(0, 90))
def test_finals_never_wait_behind_interim_edits(replies: int, interim_s: float) -> None:
    simulation = Simulation()
    for number in range(replies):
        simulation.flood(place(number), stop_at=interim_s)
    simulation.run(interim_s)
    asked = [simulation.ask(place(n), EDIT, Urgency.FINAL) for n in range(replies)]
    granted = simulation.pacing.grant(now=simulation.now)
    assert granted[:replies] == tuple(asked)


@given(st.integers(1, 60))
def test_no_final_starves_however_many_interim_edits_ask(finals: int) -> None:
    simulation = Simulation()
    for number in range(20):
        simulation.flood(place(1_000 + number), stop_at=300)
    simulation.run(30)
    for number in range(finals):
        simulation.ask(place(number), EDIT, Urgency.FINAL)
    simulation.run(30 + finals / EDITS.per_s + SLACK)
    order = [c.place for _, c in simulation.grants if c.urgency is Urgency.FINAL]
    assert order == [place(n) for n in range(finals)]


def test_a_reply_alone_shows_an_edit_a_second_and_is_never_refused() -> None:
    simulation = Simulation()
    simulation.ask(place(1), POST, Urgency.FIRST_WORDS)
    simulation.run(1.2)
    simulation.ask(place(1), EDIT, Urgency.FIRST_WORDS)
    simulation.run(1.3)
    assert simulation.times(EDIT) == [1.2]
    simulation.flood(place(1), stop_at=60)
    simulation.run(60)
    simulation.ask(place(1), EDIT, Urgency.FINAL)
    simulation.run(61)
    times = simulation.times(EDIT)
    gaps = [b - a for a, b in pairwise(at for at in times if at < 60)]
    assert len(times) >= 50
    assert min(gaps) >= INTERIM_GAP_S - SLACK
    assert max(gaps[:30]) <= INTERIM_GAP_S + SLACK
    assert refusals(SLACK_EDITS, times) == 0
    assert simulation.times(EDIT, Urgency.FINAL) == [60]


def test_a_long_answer_alone_settles_at_what_comes_back() -> None:
    simulation = Simulation()
    simulation.flood(place(1), stop_at=600)
    simulation.run(600)
    assert refusals(SLACK_EDITS, simulation.times(EDIT)) == 0
    assert len([t for t in simulation.times(EDIT) if t > 300]) == pytest.approx(250, abs=2)


def test_replies_share_what_is_left_over_in_turn() -> None:
    simulation = Simulation()
    for number in range(8):
        simulation.flood(place(number), stop_at=120)
    simulation.run(120)
    shares = [sum(c.place == place(n) for _, c in simulation.grants) for n in range(8)]
    assert max(shares) - min(shares) <= 1
    assert sum(shares) == pytest.approx(120 * EDITS.per_s + EDITS.burst - 10, abs=2)


def test_the_reader_whose_text_is_oldest_goes_first_whoever_asked_first() -> None:
    simulation = Simulation()
    stale, fresh = place(1), place(2)
    simulation.ask(stale, EDIT, Urgency.FIRST_WORDS)
    simulation.run(3)
    simulation.ask(fresh, EDIT, Urgency.FIRST_WORDS)
    for _ in range(int(EDITS.burst)):
        simulation.ask(place(99), EDIT, Urgency.FINAL)
    simulation.run(5)
    simulation.ask(fresh, EDIT, Urgency.INTERIM)
    simulation.run(6)
    simulation.ask(stale, EDIT, Urgency.INTERIM)
    simulation.run(60)
    assert [c.place for _, c in simulation.grants][-2:] == [stale, fresh]


def test_a_newcomer_shows_first_words_at_once_while_others_write() -> None:
    simulation = Simulation()
    for number in range(4):
        simulation.flood(place(number), stop_at=100)
    simulation.run(90)
    simulation.ask(place(50), EDIT, Urgency.FIRST_WORDS)
    simulation.run(90.01)
    assert simulation.times(EDIT, Urgency.FIRST_WORDS) == [90]


def test_a_crowd_is_acknowledged_at_once_and_finished_without_a_refusal() -> None:
    simulation = Simulation()
    finals: dict[Place, float] = {}

    def begin(where: Place) -> None:
        simulation.ask(where, POST, Urgency.FIRST_WORDS)
        simulation.at(1.2, lambda: words(where))

    def words(where: Place) -> None:
        simulation.ask(where, EDIT, Urgency.FIRST_WORDS, lambda: simulation.flood(where, stop_at=9))

    def finish(where: Place) -> None:
        finals[where] = simulation.now - 9

    def end(where: Place) -> None:
        simulation.ask(where, EDIT, Urgency.FINAL, lambda: finish(where))

    for number in range(32):
        simulation.at(0, lambda n=number: begin(place(n)))
        simulation.at(9, lambda n=number: end(place(n)))
    simulation.run(60)
    assert max(simulation.times(POST)) < 2 - ROUND_TRIP_S
    assert len(finals) == 32
    assert statistics.median(finals.values()) < 2 - ROUND_TRIP_S
    assert max(finals.values()) < 25
    assert refusals(SLACK_EDITS, simulation.times(EDIT)) == 0


@given(st.integers(0, 20), st.integers(0, 20), st.floats(0, 60))
def test_who_begins_outside_a_crowd_shows_first_words_at_once(
    talking: int, silent: int, began_at: float
) -> None:
    simulation = Simulation()
    for number in range(talking):
        simulation.flood(place(number), stop_at=100)
    for number in range(silent):
        simulation.ask(place(100 + number), POST, Urgency.FIRST_WORDS)
    simulation.run(began_at)
    crowded = simulation.pacing.is_crowded(now=simulation.now)
    simulation.ask(place(200), POST, Urgency.FIRST_WORDS)
    words = simulation.ask(place(200), EDIT, Urgency.FIRST_WORDS)
    assert crowded or words in simulation.pacing.grant(now=simulation.now)


def test_a_long_answer_alone_is_no_crowd_and_many_that_begin_together_are() -> None:
    simulation = Simulation()
    simulation.flood(place(0), stop_at=300)
    simulation.run(200)
    assert not simulation.pacing.is_crowded(now=simulation.now)
    pacing = Pacing()
    begun = 0
    while not pacing.is_crowded(now=0):
        pacing.ask(place(begun), method=POST, urgency=Urgency.FIRST_WORDS, now=0)
        begun += 1
    assert begun == EDITS.burst / 2
    for number in range(begun):
        pacing.ask(place(number), method=EDIT, urgency=Urgency.FINAL, now=0)
    pacing.grant(now=0)
    assert not pacing.is_crowded(now=0)


def test_while_edits_rest_whoever_begins_is_in_a_crowd() -> None:
    pacing = Pacing()
    pacing.throttle(EDIT, channel_id="C1", retry_after_s=30, now=0)
    assert pacing.is_crowded(now=10)


def test_posts_in_one_channel_keep_to_one_a_second() -> None:
    simulation = Simulation()
    for number in range(10):
        simulation.ask(place(number, "C1"), POST, Urgency.FIRST_WORDS)
    simulation.ask(place(99, "C2"), POST, Urgency.INTERIM)
    simulation.run(60)
    in_first = [at for at, c in simulation.grants if c.place.channel_id == "C1"]
    assert in_first[:4] == pytest.approx([0, 0, 0, 1 / 0.95])
    assert refusals(SLACK_POSTS, in_first) == 0
    assert [at for at, c in simulation.grants if c.place.channel_id == "C2"] == [0]


def test_after_a_429_the_burst_is_halved_and_grows_back() -> None:
    def at_once(now: float) -> int:
        pacing = Pacing()
        pacing.throttle(EDIT, channel_id="C1", retry_after_s=5, now=0)
        pacing.throttle(EDIT, channel_id="C1", retry_after_s=5, now=1)
        for number in range(40):
            pacing.ask(place(number), method=EDIT, urgency=Urgency.FINAL, now=now)
        return len(pacing.grant(now=now))

    assert at_once(5.9) == 0
    assert at_once(6) == 1
    assert at_once(30) == int(EDITS.burst / 2) + 1
    assert at_once(6 + RECOVERY_S) == EDITS.burst


def test_deleting_neither_rests_nor_spends_with_the_edits() -> None:
    pacing = Pacing()
    pacing.throttle("chat.delete", channel_id="C1", retry_after_s=30, now=0)
    assert pacing.rest_s("chat.delete", now=10) == 20
    assert pacing.rest_s(EDIT, now=10) == 0
    for number in range(99):
        pacing.ask(place(number), method="chat.delete", urgency=Urgency.FINAL, now=10)
    call = pacing.ask(place(1), method=EDIT, urgency=Urgency.INTERIM, now=10)
    assert pacing.grant(now=10) == (call,)


@pytest.mark.parametrize("granted_first", [True, False])
def test_a_withdrawn_call_costs_nothing(granted_first: bool) -> None:
    pacing = Pacing()
    for _ in range(200):
        call = pacing.ask(place(1), method=POST, urgency=Urgency.FINAL, now=0)
        if granted_first:
            assert pacing.grant(now=0) == (call,)
        pacing.withdraw(call, now=0)
    assert pacing.next_at(now=0) is None
    call = pacing.ask(place(1), method=POST, urgency=Urgency.FINAL, now=0)
    assert pacing.grant(now=0) == (call,)


def test_a_reply_that_fell_silent_reserves_nothing() -> None:
    def first_words_at(now: float) -> int:
        pacing = Pacing()
        for number in range(14):
            pacing.ask(place(number), method=POST, urgency=Urgency.FIRST_WORDS, now=0)
        pacing.grant(now=0)
        for number in range(100, 109):
            pacing.ask(place(number), method=EDIT, urgency=Urgency.FIRST_WORDS, now=now)
        return len(pacing.grant(now=now))

    assert first_words_at(EXPIRY_S - 1) == 3
    assert first_words_at(EXPIRY_S + 1) == 9


@pytest.mark.parametrize(("last", "at_once"), [(Urgency.FIRST_WORDS, 0), (Urgency.FINAL, 4)])
def test_a_finished_reply_reserves_nothing(last: Urgency, at_once: int) -> None:
    pacing = Pacing()
    for number in range(14):
        pacing.ask(place(number), method=POST, urgency=Urgency.FIRST_WORDS, now=0)
        pacing.ask(place(number), method=POST, urgency=last, now=0)
    pacing.grant(now=0)
    pacing.grant(now=4)
    for number in range(10):
        pacing.ask(place(100 + number), method=EDIT, urgency=Urgency.FINAL, now=4)
    pacing.grant(now=4)
    for number in range(4):
        pacing.ask(place(200 + number), method=EDIT, urgency=Urgency.FIRST_WORDS, now=4)
    assert len(pacing.grant(now=4)) == at_once


WORKERS = 4
loads = st.lists(
    st.tuples(
        st.floats(0, 60),
        st.lists(st.none() | st.integers(0, 30), min_size=WORKERS - 1, max_size=WORKERS - 1),
        st.integers(0, 30),
    ),
    max_size=12,
)
"""When what changes: the turns of workers that come and go (None: not there), and of one that
stays."""


@given(loads)
def test_workers_whose_shares_make_one_together_spend_one_budget(
    changes: list[tuple[float, list[int | None], int]],
) -> None:
    fleet: dict[int, Pacing] = {0: Pacing()}
    joined = 0
    granted: list[float] = []

    def work(until: float) -> None:
        while (now := clock[0]) < until:
            for pacing in fleet.values():
                pacing.ask(place(0), method=EDIT, urgency=Urgency.FINAL, now=now)
                granted.extend(now for _ in pacing.grant(now=now))
            clock[0] = min(until, now + 0.5)

    clock = [0.0]
    for at, others, own in sorted(changes, key=lambda change: change[0]):
        work(at)
        turns = {0: own} | {n: t for n, t in enumerate(others, 1) if t is not None}
        joined += len(turns.keys() - fleet.keys())
        fleet = {number: fleet.get(number, Pacing(began_at=clock[0])) for number in turns}
        for number, pacing in fleet.items():
            share = (turns[number] + 1) / (sum(turns.values()) + len(turns))
            pacing.spend(share, now=clock[0])
    work(90)
    # A share is one call at least, and whoever joins begins with one.
    at_most = Budget(per_s=EDITS.per_s, burst=EDITS.burst + WORKERS + joined)
    assert kept_within(at_most, granted)


def at_once(pacing: Pacing, method: str, *, now: float) -> int:
    for number in range(40):
        pacing.ask(place(number), method=method, urgency=Urgency.FINAL, now=now)
    return len(pacing.grant(now=now))


def test_a_worker_that_joins_others_begins_with_one_call_and_fills_up_to_its_share() -> None:
    fresh, rested = Pacing(), Pacing()
    for pacing in (fresh, rested):
        pacing.spend(0.5, now=0)
    assert at_once(fresh, EDIT, now=0) == 1
    assert at_once(rested, EDIT, now=0) == 1
    assert rested.next_at(now=0) == pytest.approx(2 / EDITS.per_s)
    assert at_once(rested, EDIT, now=600) == EDITS.burst / 2


@pytest.mark.parametrize("workers", [1, 2, 4, 12])
def test_a_reply_that_is_alone_is_in_no_crowd_however_many_workers_there_are(workers: int) -> None:
    pacing = Pacing()
    pacing.spend(1 / workers, now=600)
    assert not pacing.is_crowded(now=600)


def test_look_ups_are_not_shared_and_those_nobody_needs_leave_half() -> None:
    pacing = Pacing()
    pacing.spend(0.1, now=0)
    calls = [
        pacing.ask(place(number), method=READ, urgency=Urgency.INTERIM, now=0)
        for number in range(9)
    ]
    assert len(pacing.grant(now=0)) == TIER_3.burst / 2
    for call in calls[5:]:
        pacing.withdraw(call, now=0)
    assert at_once(pacing, READ, now=0) == TIER_3.burst / 2


def test_a_look_up_of_a_reply_that_was_just_posted_need_not_wait() -> None:
    pacing = Pacing()
    pacing.ask(place(1), method=POST, urgency=Urgency.FIRST_WORDS, now=0)
    pacing.grant(now=0)
    call = pacing.ask(place(1), method=READ, urgency=Urgency.INTERIM, now=0.1)
    assert pacing.grant(now=0.1) == (call,)


def test_a_share_that_falls_loses_tokens_and_one_that_rises_finds_none() -> None:
    pacing = Pacing()
    place_of_post = pacing.ask(place(0), method=POST, urgency=Urgency.FINAL, now=0)
    pacing.withdraw(pacing.ask(place(1), method=EDIT, urgency=Urgency.FINAL, now=0), now=0)
    edit = pacing.ask(place(1), method=EDIT, urgency=Urgency.FINAL, now=0)
    assert set(pacing.grant(now=0)) == {place_of_post, edit}
    pacing.spend(1 / 3, now=0)
    pacing.spend(1, now=0)
    assert at_once(pacing, EDIT, now=0) == EDITS.burst / 3


def test_a_rest_and_the_mistrust_after_it_outlast_a_change_of_share() -> None:
    pacing = Pacing()
    pacing.throttle(EDIT, channel_id="C1", retry_after_s=30, now=0)
    pacing.spend(0.5, now=10)
    assert pacing.rest_s(EDIT, now=10) == 20
    assert at_once(pacing, EDIT, now=29.9) == 0
    half = EDITS.burst / 2
    trusted = half / 2 + 60 * half / RECOVERY_S
    assert at_once(pacing, EDIT, now=90) == int(trusted)


def test_a_share_is_one_call_at_least() -> None:
    pacing = Pacing()
    pacing.spend(0.001, now=0)
    assert at_once(pacing, EDIT, now=0) == 1


def test_what_a_worker_had_not_spent_is_cut_to_its_share() -> None:
    pacing = Pacing()
    pacing.ask(place(0), method=EDIT, urgency=Urgency.FINAL, now=0)
    pacing.grant(now=0)
    pacing.spend(1 / 6, now=0)
    assert at_once(pacing, EDIT, now=0) == EDITS.burst / 6


def test_channels_that_are_quiet_are_forgotten() -> None:
    pacing = Pacing()
    for number in range(CHANNELS_KEPT * 4):
        pacing.ask(place(number), method=POST, urgency=Urgency.FINAL, now=number * 10.0)
        pacing.grant(now=number * 10.0)
    assert len(pacing._channels) <= CHANNELS_KEPT


def test_a_permit_given_back_while_the_method_rests_is_worth_nothing() -> None:
    bucket = Bucket(Budget(per_s=1.0, burst=5), now=0.0)
    bucket.take(now=0.0)
    bucket.rest(retry_after_s=10.0, now=0.0)
    before = bucket.level(now=1.0)
    bucket.give_back(now=1.0)
    assert bucket.level(now=1.0) == before
