"""What is said about quotas."""

from datetime import timedelta

import pytest

from bot.core import quota_texts
from bot.core.language import Language
from bot.core.resolution import Quota

EN, ZH = Language.EN, Language.ZH


@pytest.mark.parametrize(
    ("quota", "said"),
    [
        (Quota("user", "turns", 20, "workspace"), "Your quota of 20 questions a day is used up."),
        (Quota("user", "turns", 1, "workspace"), "Your quota of one question a day is used up."),
        (
            Quota("user", "tokens", 5_000, "channel"),
            "Your quota of 5,000 tokens a day in this channel is used up.",
        ),
        (
            Quota("channel", "turns", 20, "channel"),
            "This channel's quota of 20 questions a day is used up.",
        ),
    ],
)
def test_a_spent_quota_is_named_with_whose_it_is_how_much_and_when_it_begins_anew(
    quota: Quota, said: str
) -> None:
    left = timedelta(hours=5, minutes=12)
    sentence = quota_texts.spent(quota, resets_in=left, language=EN)
    assert sentence == f"{said} It begins anew at 00:00 UTC (in 5 h 12 min)."
    assert "5 小时 12 分钟" in quota_texts.spent(quota, resets_in=left, language=ZH)


def test_a_quota_near_its_end_tells_what_is_left() -> None:
    quota = Quota("user", "tokens", 5_000, "workspace")
    note = quota_texts.near(quota, used=4_500, resets_in=timedelta(seconds=1), language=EN)
    assert note == (
        "Your quota of 5,000 tokens a day: 4,500 used, 500 left until 00:00 UTC (in 1 min)."
    )
    beyond = quota_texts.near(quota, used=9_000, resets_in=timedelta(days=1), language=EN)
    assert "9,000 used, 0 left until 00:00 UTC (in 24 h 0 min)" in beyond
