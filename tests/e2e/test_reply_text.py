"""What readers see of a reply, in every version that ever stood in Slack."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from midway import ANSWER, SPOKEN, markdown_of
from rig import APP_ID, BOT, Rig, a_rig, is_growing, words

from bot.core import texts
from bot.playground.dashscope.answers import Inquiry, Reference, Said, scripted
from bot.playground.dashscope.apps import App, echo_app, long_app
from bot.playground.dashscope.pace import Pace
from bot.playground.slack.limits import Limits
from bot.playground.slack.message import Version, visible_text
from tests.unit.core.documents import reading

SECRET = "Nobody may read how the model thinks."
HOSTILE = """\
Hello <!channel>, <!here> and <!everyone>! Dear <@U0BEN>, <@U0ANN|Ann>, <!subteam^S1> and \
<!subteam^S1|@ops>: @channel is @here.<ref>[1]</ref> See <https://evil.example|https://bank.example>.

```python
print("<!channel>", "<@U0BEN>")
for word in "half a fence":
    print(word)
```

| who | what |
|---|---|
| <@U0BEN> | <!here><ref>[1][2]</ref> |

- `<!channel>` in a code span<ref>[2]</ref>
- *<!everyone>*

~~~
<!subteam^S1>
~~~
The end.<ref>[1]</ref>
"""
SAID = Said(
    HOSTILE,
    thought=SECRET,
    references=(
        Reference("guide.pdf", "The guide", "Read this.", doc_url="https://example.com/guide"),
        Reference("手册.docx", "手册", "请看。"),
    ),
)
HOSTILE_APP = App(APP_ID, answers=scripted({"go": SAID}), thinks=True)


def speak(rig: Rig, pace: Pace) -> None:
    """Set how fast answers come."""
    rig.dashscope.manner = replace(rig.dashscope.manner, pace=pace)


def seen_by_readers(rig: Rig) -> list[Version]:
    """Return every state in which a message of the bot ever stood."""
    return [v for v in rig.slack.workspace.versions if v.message and v.message.user == BOT]


def open_fences(markdown: str) -> list[str]:
    """Return the fences that nothing closes, as CommonMark reads them."""
    lines = markdown.split("\n")
    return [
        token.content
        for token in MarkdownIt("commonmark").parse(markdown)
        if token.type == "fence"
        and token.map
        and not (
            token.map[1] - token.map[0] > 1
            and lines[token.map[1] - 1].strip().startswith(token.markup)
        )
    ]


async def test_a_reply_starts_as_a_placeholder_and_every_version_is_the_one_before_plus_more(
    rig: Rig,
) -> None:
    speak(rig, replace(SPOKEN, first_token_s=1.0))
    async with rig.bot():
        thread = await rig.ask(ANSWER)
        await rig.finished()
    (message,) = rig.reply(thread)
    versions = [v.message for v in rig.slack.workspace.versions_of(message.channel_id, message.ts)]
    shown = [markdown_of(version) for version in versions if version]
    assert shown[0] == ""
    assert words([version for version in versions[:1] if version]) == texts.THINKING.en
    assert len(set(shown)) >= 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))
    assert shown[-1] == ANSWER


async def test_the_last_version_is_confirmed_whole_and_without_a_button(rig: Rig) -> None:
    speak(rig, SPOKEN)
    async with rig.bot():
        thread = await rig.ask(ANSWER)
        await rig.finished()
        (message,) = rig.reply(thread)
        last = rig.slack.journal.of("chat.update")[-1]
    assert last.outcome == "ok"
    assert last.arguments["ts"] == message.ts
    assert words([message]) == ANSWER
    versions = [v.message for v in rig.slack.workspace.versions_of(message.channel_id, message.ts)]
    assert [is_growing(version) for version in versions if version] == [
        *(True for _ in versions[1:]),
        False,
    ]


@pytest.mark.parametrize("app_under_test", [HOSTILE_APP])
async def test_no_version_pings_anybody_or_shows_what_is_not_for_readers(rig: Rig) -> None:
    speak(rig, Pace(chars_per_s=250, piece_chars=1))
    async with rig.bot():
        threads = [await rig.ask("go") for _ in range(4)]
        await rig.finished(4)
    versions = seen_by_readers(rig)
    assert len({version.text for version in versions}) >= 5
    for version in versions:
        assert version.message
        for text in (version.text, version.message.text):
            assert "<ref" not in text
            assert "</ref" not in text
            assert SECRET not in text
        assert not open_fences(markdown_of(version.message))
    assert rig.slack.workspace.pings == []
    for thread in threads:
        final = words(rig.reply(thread))
        assert "half a fence" in final
        assert "The end." in final


async def test_a_half_finished_code_block_is_closed_in_every_version(rig: Rig) -> None:
    code = "```python\n" + "print('half a fence')\n" * 40 + "```"
    speak(rig, Pace(chars_per_s=400, piece_chars=7))
    async with rig.bot():
        await rig.answer(code)
    shown = [markdown_of(v.message) for v in seen_by_readers(rig) if v.message]
    assert len({text for text in shown if text.startswith("```")}) >= 2
    assert not any(open_fences(text) for text in shown)


@pytest.mark.parametrize("app_under_test", [HOSTILE_APP])
async def test_sources_are_listed_under_the_answer_by_their_numbers(rig: Rig) -> None:
    async with rig.bot():
        answer = await rig.answer("go")
    said, _, listed = answer.partition("\n---\n")
    assert "The end.[1]" in said
    assert "[1] [2]" in said
    assert "[1] [guide.pdf](https://example.com/guide)" in listed
    assert "[2] 手册.docx" in listed


async def test_links_never_unfurl(rig: Rig) -> None:
    async with rig.bot():
        await rig.answer("see https://example.com/a and https://example.com/b.png")
    posts = rig.slack.journal.of("chat.postMessage")
    assert posts
    for post in posts:
        assert post.arguments["unfurl_links"] is False
        assert post.arguments["unfurl_media"] is False


def spoken(pages: Sequence[str]) -> list[object]:
    """Return what a reader sees of pages, with Slack's entity for `<` read as Slack reads it."""
    return list(reading([page.replace("&lt;", "<") for page in pages]))


@pytest.mark.parametrize("chars", [20_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=str)
async def test_nothing_of_a_long_answer_is_lost_doubled_or_reordered(
    tmp_path: Path, chars: int
) -> None:
    app = long_app(APP_ID, chars=chars)
    async with a_rig(tmp_path, app, limits=Limits(is_enforced=False)) as rig, rig.bot():
        thread = await rig.ask("talk")
        await rig.finished(within_s=240)
    replies = rig.reply(thread)
    said = app.answers(Inquiry("talk")).text
    assert len(said) == chars
    pages = [markdown_of(message) for message in replies]
    assert spoken(pages) == spoken([said])
    assert len(pages) > chars // 9_000
    assert not any(open_fences(page) for page in pages)
    assert not any(is_growing(message) for message in replies)
    assert all(len(visible_text(message).encode()) <= 11_340 for message in replies)


async def test_pages_already_left_behind_never_change(tmp_path: Path) -> None:
    app = long_app(APP_ID, chars=12_000)
    async with a_rig(tmp_path, app, limits=Limits(is_enforced=False)) as rig:
        speak(rig, Pace(chars_per_s=6_000))
        async with rig.bot():
            thread = await rig.ask("talk")
            await rig.finished()
    first, *others = rig.reply(thread)
    assert others
    second_at = rig.slack.workspace.versions_of(others[0].channel_id, others[0].ts)[0].at
    later = [
        markdown_of(version.message)
        for version in rig.slack.workspace.versions_of(first.channel_id, first.ts)
        if version.message and version.at >= second_at
    ]
    assert set(later) <= {markdown_of(first)}


async def test_an_answer_of_chinese_alone_fits_its_pages_too(tmp_path: Path) -> None:
    question = "".join(f"第{number}句话很长，不能丢字。" for number in range(1_000))
    limits = Limits(is_block_text_in_bytes=True)
    async with a_rig(tmp_path, echo_app(APP_ID), limits=limits) as rig, rig.bot():
        thread = await rig.ask(question)
        await rig.finished()
    assert "".join(markdown_of(message) for message in rig.reply(thread)) == question
