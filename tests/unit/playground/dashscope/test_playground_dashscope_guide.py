"""The app that answers from the project's documentation."""

import re
from pathlib import Path

import pytest

from bot.core.language import Language
from bot.core.recap import with_recap
from bot.playground.dashscope.answers import Inquiry, Round, Said
from bot.playground.dashscope.guide import Guide
from bot.playground.dashscope.library import Library
from bot.playground.dashscope.quotes import CODE_LINES, PROSE_CHARS, quote
from bot.playground.dashscope.sections import Section, split
from bot.playground.dashscope.topics import find_topic
from bot.playground.dashscope.words import count_words

README = """\
# A bot

[![build](https://img.example/b.svg)](https://ci.example) It answers questions in Slack.

<!-- nothing to see -->

## Backups

Stop the bot before a backup on SQLite, then copy the file `data/bot.db`. On PostgreSQL use
`pg_dump`, which needs no stop. See [operations](docs/operations.md) and [the manual](https://x.example).

Restoring works the other way round:

```sh
# not a heading
cp backup.db data/bot.db
```

## Settings

| variable | what it is |
|---|---|
| `DATABASE_URL` | Where turns are stored. |
| `ENCRYPTION_KEYS` | Keys that encrypt tokens. |
| `PORT` | Where HTTP listens. |
"""

OPERATIONS = """\
# Operations

## Rotating encryption keys

Put the new key first. The bot then:

1. encrypts with the first key,
2. decrypts with
   all of them.

## Restoring a backup on another machine

Copy the backup, run `db upgrade`, and start the bot there.

## 数据库备份

停止机器人之后,复制数据库文件即可完成备份。
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "decisions").mkdir(parents=True)
    (tmp_path / "docs" / "decisions" / "0001.md").write_text("# Why zebras\n\nZebras.\n", "utf-8")
    (tmp_path / "README.md").write_text(README, encoding="utf-8")
    (tmp_path / "docs" / "operations.md").write_text(OPERATIONS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def guide(folder: Path) -> Guide:
    return Guide(Library.read(folder))


def talk(guide: Guide, *prompts: str) -> Said:
    history: list[Round] = []
    said = Said("")
    for prompt in prompts:
        said = guide(Inquiry(prompt, history=tuple(history)))
        history.append(Round(prompt, said.text))
    return said


def test_a_document_becomes_sections_without_images_comments_and_dead_links() -> None:
    sections = split("README.md", README)
    assert [section.title for section in sections] == ["A bot", "Backups", "Settings"]
    text = "\n".join(section.text for section in sections)
    assert "img.example" not in text
    assert "nothing to see" not in text
    assert "docs/operations.md" not in text
    assert "[the manual](https://x.example)" in text
    assert "# not a heading" in text


def test_words_meet_in_their_other_forms() -> None:
    assert count_words("backups") == count_words("backup")
    assert count_words("replies") == count_words("reply")
    assert count_words("encrypted") == count_words("encrypting")
    assert count_words("settings") == count_words("setting") != count_words("set")
    assert count_words("Why doesn't it?") == count_words("not") == count_words("it can’t")
    assert "databas" in count_words("DATABASE_URL")
    assert count_words("什么是数据库?") == count_words("数据库")
    assert not count_words("What is it?")
    assert count_words("钱") == {"钱": 1}


def test_the_best_section_is_quoted_with_a_mark_and_a_reference(guide: Guide) -> None:
    said = talk(guide, "How do I rotate the encryption keys?")
    assert said.references[0].title == "Rotating encryption keys"
    assert said.references[0].doc_name == "docs/operations.md"
    assert "Put the new key first. The bot then<ref>[1]</ref>:" in said.text
    assert "2. decrypts with all of them." in said.text


def test_every_mark_has_its_reference_and_every_reference_its_mark(guide: Guide) -> None:
    for prompt in ("How do backups work?", "Which PORT?", "encryption keys", "备份数据库"):
        said = talk(guide, prompt)
        marks = {int(n) for n in re.findall(r"<ref>\[(\d+)\]</ref>", said.text)}
        assert marks == set(range(1, len(said.references) + 1))
        assert marks


def test_a_table_is_quoted_with_its_head_and_the_rows_that_matter(guide: Guide) -> None:
    said = talk(guide, "What is DATABASE_URL?")
    assert "| variable | what it is |\n|---|---|\n| `DATABASE_URL`" in said.text
    assert "PORT" not in said.text
    assert "**Settings**<ref>[1]</ref>" in said.text


def test_chinese_is_found_and_answered_in_chinese(guide: Guide) -> None:
    said = talk(guide, "怎么备份数据库?")
    assert said.references[0].title == "数据库备份"
    assert "没有找到" in talk(guide, "巴黎天气").text


def test_chinese_words_do_not_hide_the_others_from_an_english_library() -> None:
    library = Library(split("README.md", README))
    hits = library.search(count_words("DATABASE_URL 数据库地址应该写在哪里"), limit=1)
    assert [hit.section.title for hit in hits] == ["Settings"]


def test_it_says_so_when_the_documentation_does_not(guide: Guide) -> None:
    assert not talk(guide, "Does the machine dream of electric sheep at night?").references
    said = talk(guide, "What is the capital of France?")
    assert "I find nothing about that" in said.text
    assert said.references == ()
    assert "documentation does not cover" in said.thought


def test_why_something_was_decided_is_no_answer(guide: Guide) -> None:
    assert not talk(guide, "Why zebras?").references


def test_a_short_follow_up_inherits_the_topic(guide: Guide) -> None:
    said = talk(guide, "Hello!", "How does a backup on SQLite work?", "and on PostgreSQL?")
    assert said.references[0].title == "Backups"
    assert "pg_dump" in said.text


def test_more_of_the_same_goes_on_where_the_last_answer_ended(guide: Guide) -> None:
    asked = "How do I restore a backup?"
    first = talk(guide, asked)
    more = talk(guide, asked, "Tell me more")
    told = {one.title for one in first.references}
    assert not told & {one.title for one in more.references}
    end = talk(guide, asked, *["more"] * 5)
    assert end.text == f"That is all the documentation says about “{asked}”."


def test_a_follow_up_that_finds_nothing_with_its_topic_is_taken_by_itself(guide: Guide) -> None:
    history = (Round("What about zebras, giraffes, and their many colourful stripes?", "?"),)
    said = guide(Inquiry("and encryption keys?", history=history))
    assert said.references[0].title == "Rotating encryption keys"


def test_a_recap_is_neither_answered_nor_a_reason_to_change_the_language(guide: Guide) -> None:
    def recapped(question: str) -> str:
        recap = "> @Ann: 怎么备份数据库？\n> 助手: 停止机器人之后,复制数据库文件即可完成备份。"
        return with_recap(question, recap=recap, asker="Ann", language=Language.ZH)

    for prompt in ("How do I rotate the encryption keys?", "Hi!", "What is a zebra?"):
        assert talk(guide, recapped(prompt)) == talk(guide, prompt)
    said = talk(guide, recapped("How do I restore a backup?"), "What did I ask?")
    assert said.text == "You asked: “How do I restore a backup?”"


def test_a_keyword_is_no_topic_that_a_question_follows_up(guide: Guide) -> None:
    asked = "And how do I rotate it?"
    assert talk(guide, "!table of settings, variables and port", asked) == talk(guide, asked)


def test_without_history_a_follow_up_is_a_question_like_any_other() -> None:
    topic = find_topic("and on PostgreSQL?", history=())
    assert not topic.resumed
    assert topic.question == "and on PostgreSQL?"


def test_a_new_question_leaves_the_old_topic_behind() -> None:
    history = (Round("How does a backup on SQLite work?", "?"),)
    topic = find_topic("Which port does the server listen on?", history=history)
    assert not topic.resumed
    long = "If it runs in a container, which port does the server listen on from the outside?"
    assert not find_topic(long, history=history).resumed
    assert set(topic.words) == set(count_words("port server listen"))


def test_it_knows_what_was_asked_before(guide: Guide) -> None:
    assert talk(guide, "What did I ask?").text == "Nothing else yet, in this session."
    one = talk(guide, "How do backups work?", "what did I just ask?")
    assert one.text == "You asked: “How do backups work?”"
    two = talk(guide, "One?", "Two?", "What was my last question?")
    assert two.text.endswith("1. One?\n2. Two?")
    assert talk(guide, "备份?", "我刚才问了什么?").text.endswith("“备份?”")


@pytest.mark.parametrize(
    ("prompt", "begins"),
    [
        ("hi", "Hello!"),
        ("Good morning!", "Hello!"),
        ("你好", "你好"),
        ("Thanks a lot!", "You're welcome"),
        ("谢谢", "不客气"),
        ("Who are you?", "I am the playground's assistant"),
        ("你是谁?", "我是演示环境的助手"),
    ],
)
def test_it_is_polite(guide: Guide, prompt: str, begins: str) -> None:
    assert talk(guide, prompt).text.startswith(begins)


def section(text: str) -> Section:
    [only] = split("doc.md", f"# Title\n\n{text}")
    return only


def test_a_long_paragraph_is_quoted_from_its_best_sentence_on() -> None:
    text = "Nothing here matters much to you. " * 30 + "The needle is here. And then some."
    said = quote(section(text), words={"needl": 1.0}, number=3, titled=False)
    assert said == "The needle is here. And then some<ref>[3]</ref>."
    assert len(said) < PROSE_CHARS


def test_bullets_are_quoted_as_far_as_they_fit_and_steps_whole() -> None:
    bullets = "- a needle\n- hay\n- more\n  needle\n  - nested hay"
    said = quote(section(bullets), words={"needl": 1.0}, number=1, titled=True)
    assert said == "**Title**\n\n- a needle\n- more needle\n  - nested hay<ref>[1]</ref>"
    steps = "1. a needle\n2. hay"
    assert quote(section(steps), words={"needl": 1.0}, number=1, titled=False) == (
        "1. a needle\n2. hay<ref>[1]</ref>"
    )


def test_a_fence_inside_a_list_keeps_its_lines() -> None:
    steps = "1. Do:\n\n   ```\n   a\n   b\n   ```\n2. Done"
    assert "   ```\n   a\n   b\n   ```" in quote(section(steps), words={}, number=1, titled=False)


def test_a_long_fence_is_shortened_but_closed_and_never_carries_the_mark() -> None:
    lines = "\n".join(f"needle {n}" for n in range(100))
    said = quote(section(f"```\n{lines}\n```"), words={"needl": 1.0}, number=1, titled=False)
    assert said.startswith("**Title**<ref>[1]</ref>\n\n```\n")
    assert said.endswith("\n```")
    assert said.count("\n") <= CODE_LINES + 2


def test_an_empty_library_finds_nothing() -> None:
    assert Library([]).search({"word": 1.0}, limit=3) == []


def test_the_projects_own_documents_are_found() -> None:
    said = Guide(Library.of_project())(Inquiry("How do I set up DashScope and Slack?"))
    assert said.references


def test_a_transcript_of_the_bots_own_answers_is_no_source() -> None:
    (section,) = split("README.md", "# Title\n\nprose\n\n```transcript\nan echo\n```\n")
    assert section.text == "prose"
