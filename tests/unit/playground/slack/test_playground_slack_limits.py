import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.playground.slack.faults import Fault, FaultKind, Faults
from bot.playground.slack.limits import DEFAULT_RATES, Limits, Meter, Rate
from bot.playground.slack.payload import RateLimitedError
from bot.playground.slack.web_api import METHODS


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def paid(meter: Meter, method: str, channel_id: str = "") -> bool:
    try:
        meter.pay(method, channel_id=channel_id)
    except RateLimitedError:
        return False
    return True


@given(
    pauses=st.lists(st.floats(0, 20), max_size=60),
    per_min=st.integers(1, 600),
    burst=st.integers(1, 40),
)
def test_no_more_calls_pass_than_the_burst_and_what_came_back_since(
    pauses: list[float], per_min: int, burst: int
) -> None:
    hand = Hand()
    meter = Meter(Limits(rates={"m": Rate(per_min, burst)}), clock=hand)
    passed = 0
    for pause in pauses:
        hand.now += pause
        passed += paid(meter, "m")
        assert passed <= burst + hand.now * per_min / 60 + 1e-6


@given(per_min=st.floats(0.5, 600), burst=st.integers(1, 40))
def test_a_call_passes_once_the_retry_after_of_a_refusal_is_over(
    per_min: float, burst: int
) -> None:
    hand = Hand()
    meter = Meter(Limits(rates={"m": Rate(per_min, burst)}), clock=hand)
    for _ in range(burst):
        meter.pay("m")
    with pytest.raises(RateLimitedError) as refused:
        meter.pay("m")
    assert refused.value.retry_after_s >= 1
    hand.now += refused.value.retry_after_s
    assert paid(meter, "m")


@pytest.mark.parametrize(
    ("method", "burst", "gap_s"),
    [("chat.update", 20, 1.2), ("conversations.list", 8, 3.0), ("users.info", 40, 0.6)],
)
def test_each_tier_refills_at_its_documented_floor(method: str, burst: int, gap_s: float) -> None:
    hand = Hand()
    meter = Meter(Limits(), clock=hand)
    assert sum(paid(meter, method) for _ in range(100)) == burst
    hand.now += gap_s * 0.99
    assert not paid(meter, method)
    hand.now += gap_s * 0.02
    assert paid(meter, method)


def test_a_long_rest_saves_up_no_more_than_the_burst() -> None:
    hand = Hand()
    meter = Meter(Limits(), clock=hand)
    assert paid(meter, "chat.update")
    hand.now += 86_400
    assert sum(paid(meter, "chat.update") for _ in range(100)) == 20


def test_posts_are_limited_in_each_channel_and_in_the_workspace() -> None:
    hand = Hand()
    meter = Meter(Limits(), clock=hand)
    assert [paid(meter, "chat.postMessage", "C1") for _ in range(4)] == [True] * 3 + [False]
    assert sum(paid(meter, "chat.postMessage", f"C{n}") for n in range(2, 100)) == 47
    hand.now += 1
    assert paid(meter, "chat.postMessage", "C1")


def test_refusals_are_counted_and_use_up_nothing() -> None:
    hand = Hand()
    meter = Meter(Limits(), clock=hand)
    for _ in range(120):
        paid(meter, "chat.update")
    assert meter.refused == {"chat.update": 100}
    hand.now += 1.3
    assert paid(meter, "chat.update")


def test_reading_may_be_limited_to_once_a_minute() -> None:
    meter = Meter(Limits(is_reading_scarce=True), clock=Hand())
    assert [paid(meter, "conversations.replies") for _ in range(2)] == [True, False]


def test_limits_can_be_lifted() -> None:
    meter = Meter(Limits(is_enforced=False), clock=Hand())
    assert all(paid(meter, "chat.update") for _ in range(500))


def test_every_method_has_a_rate() -> None:
    assert set(METHODS) <= set(DEFAULT_RATES)


def test_a_fault_strikes_its_method_as_often_as_it_was_asked_to() -> None:
    faults = Faults()
    faults.add(Fault("chat.update", FaultKind.ERROR, times=2, after=1))
    struck = [faults.take("chat.update") is not None for _ in range(4)]
    assert struck == [False, True, True, False]
    assert faults.take("chat.postMessage") is None


def test_an_endless_fault_on_everything_strikes_until_it_is_cleared() -> None:
    faults = Faults()
    faults.add(Fault("*", FaultKind.STATUS, times=None))
    assert all(faults.take(method) for method in METHODS)
    faults.clear()
    assert faults.take("chat.update") is None


def test_chance_is_repeatable_by_its_seed() -> None:
    def strikes(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add(Fault("*", FaultKind.STATUS, times=None, probability=0.5))
        return [faults.take("m") is not None for _ in range(64)]

    assert strikes(1) == strikes(1) != strikes(2)
    assert 0 < sum(strikes(1)) < 64
