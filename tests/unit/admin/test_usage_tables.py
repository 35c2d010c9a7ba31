import re
from datetime import date, timedelta
from string import Formatter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.admin import usage_texts
from bot.admin.usage_tables import DAYS_MOST, ROWS_MOST, UsageReport, tables, title
from bot.core.language import Language, Phrase
from bot.core.resolution import Quota
from bot.core.screens import MAX_NOTICE_CHARS
from bot.core.usage_request import Extent
from storage.usage_records import UsageRow

SINCE, UNTIL = date(2026, 10, 23), date(2026, 11, 21)
EXTENT = Extent(SINCE, UNTIL)
COUNT = st.integers(0, 10**18)
PING = re.compile("<!(here|channel|everyone|subteam)", re.IGNORECASE)


def row(key: str, turns: int = 1, tokens: int = 10) -> UsageRow:
    return UsageRow(key=key, turns=turns, input_tokens=tokens, output_tokens=1)


def rows(keys: st.SearchStrategy[str]) -> st.SearchStrategy[list[UsageRow]]:
    return st.lists(st.builds(UsageRow, keys, COUNT, COUNT, COUNT), min_size=1, max_size=40)


def cells(markdown: str, head: str) -> list[list[str]]:
    """Return the rows of the table whose first column is called `head`."""
    (found,) = [part for part in markdown.split("\n\n") if part.startswith(f"| {head} |")]
    return [line.strip("| ").split(" | ") for line in found.splitlines()[2:]]


def test_every_sentence_has_the_same_places_for_values_in_both_languages() -> None:
    phrases = [value for value in vars(usage_texts).values() if isinstance(value, Phrase)]
    assert len(phrases) > 30
    for phrase in phrases:
        assert places(phrase.en) == places(phrase.zh)


def places(text: str) -> list[tuple[str, str]]:
    found = [(name, spec or "") for _, name, spec, _ in Formatter().parse(text) if name]
    return sorted(found)


def test_a_table_has_the_numbers_of_its_rows_and_their_sum() -> None:
    report = UsageReport(
        extent=EXTENT,
        by_day=[row("2026-11-20", 2, 1_000), row("2026-11-21", 3, 2_000)],
        by_model=[row("qwen-max", 5, 3_000)],
        by_user=[row("U1", 5, 3_000)],
        by_channel=[row("C1", 5, 3_000)],
        quotas=[(Quota("user", "turns", 20, "workspace"), 3)],
    )
    shown = tables(report, language=Language.EN)
    assert "**Usage of the whole workspace, 2026-10-23 to 2026-11-21 (UTC)**" in shown
    assert "Questions: 5. Input tokens: 3,000. Output tokens: 2." in shown
    assert [line[0] for line in cells(shown, "Day")] == ["2026-11-21", "2026-11-20"]
    assert cells(shown, "Model") == [["`qwen-max`", "5", "3,000", "1"]]
    assert cells(shown, "Person") == [["<@U1>", "5", "3,000", "1"]]
    assert cells(shown, "Channel") == [["<#C1>", "5", "3,000", "1"]]
    assert cells(shown, "Today's quota") == [["yours, questions", "3", "20"]]


def test_rows_left_out_are_counted_and_summed_in_the_last_one() -> None:
    days = [SINCE + timedelta(days=number) for number in range(DAYS_MOST + 4)]
    report = UsageReport(
        extent=EXTENT,
        by_day=[row(day.isoformat()) for day in days],
        by_model=[row(f"m{number}", 1, 100 - number) for number in range(ROWS_MOST + 2)],
    )
    shown = tables(report, language=Language.EN)
    by_day, by_model = cells(shown, "Day"), cells(shown, "Model")
    assert (len(by_day), len(by_model)) == (DAYS_MOST, ROWS_MOST)
    assert by_day[0][0] == days[-1].isoformat()
    assert by_day[-1] == ["5 more", "5", "50", "5"]
    assert by_model[0][0] == "`m0`"
    assert by_model[-1] == ["3 more", "3", str(91 + 90 + 89), "3"]


def test_direct_messages_are_one_row_whoever_wrote_them() -> None:
    channels = [row("D1", 1, 60), row("C1", 2, 100), row("D2", 3, 50)]
    report = UsageReport(EXTENT, by_day=[row("2026-11-21")], by_model=[], by_channel=channels)
    shown = tables(report, language=Language.EN)
    assert cells(shown, "Channel") == [
        ["direct messages", "4", "110", "2"],
        ["<#C1>", "2", "100", "1"],
    ]
    assert "D1" not in shown


def test_turns_without_a_model_are_told_in_words() -> None:
    report = UsageReport(EXTENT, by_day=[row("2026-11-21")], by_model=[row("", 1, 0)])
    assert cells(tables(report, language=Language.ZH), "模型")[0][0] == "模型未知"


@pytest.mark.parametrize("language", list(Language))
def test_nothing_used_is_said_in_one_sentence_beside_the_quotas(language: Language) -> None:
    quotas = [
        (Quota("user", "tokens", 1_000, "channel"), 0),
        (Quota("channel", "turns", 5, "channel"), 0),
    ]
    shown = tables(UsageReport(EXTENT, (), (), quotas=quotas), language=language)
    assert len(shown.split("\n\n")) == 3
    assert "1,000" in shown


@pytest.mark.parametrize(
    ("channel_id", "user_id", "expected"),
    [
        (None, None, "整个工作区的用量"),
        ("C1", None, "此频道的用量"),
        (None, "U1", "您的用量"),
        ("C1", "U1", "您在此频道的用量"),
    ],
)
def test_a_title_says_whose_usage_it_is(
    channel_id: str | None, user_id: str | None, expected: str
) -> None:
    extent = Extent(SINCE, UNTIL, channel_id, user_id)
    assert title(extent, language=Language.ZH).startswith(expected)


@given(
    by_model=rows(st.text(max_size=200) | st.sampled_from(["<!", "<!here>", "`<!channel>"])),
    by_user=rows(st.text(max_size=40) | st.from_regex("U[A-Z0-9]{10}", fullmatch=True)),
    by_channel=rows(st.text(max_size=40) | st.from_regex("[CD][A-Z0-9]{10}", fullmatch=True)),
    language=st.sampled_from(Language),
)
def test_whatever_things_are_called_tables_fit_a_notice_and_ping_nobody(
    by_model: list[UsageRow],
    by_user: list[UsageRow],
    by_channel: list[UsageRow],
    language: Language,
) -> None:
    by_day = [
        UsageRow((SINCE + timedelta(days=n)).isoformat(), 10**18, 10**18, 10**18)
        for n in range(400)
    ]
    quotas = [(Quota("user", "tokens", 10**18, "channel"), 10**18)] * 6
    report = UsageReport(EXTENT, by_day, by_model, by_user, by_channel, quotas)
    shown = tables(report, language=language)
    assert len(shown) <= MAX_NOTICE_CHARS - 500  # room for the sentences around it
    assert PING.search(shown) is None
