"""What the documents show and quote is what the bot says."""

import functools
import importlib
import io
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import SecretStr
from rich.console import Console
from rig import PATIENT

import bot.admin
import bot.core
from bot import demo, logs
from bot.__main__ import sentence
from bot.core.commands import (
    Audit,
    Do,
    Drop,
    NameMemory,
    Read,
    Reset,
    Unknown,
    Verb,
    Write,
    all_commands,
    parse_command,
)
from bot.core.language import Language, Phrase
from bot.core.setting import SETTINGS
from bot.errors import SlackTokenRefused
from bot.hint import hint
from bot.playground.dashscope.answers import Inquiry
from bot.playground.dashscope.guide import Guide
from bot.playground.dashscope.library import Library
from bot.playground.dashscope.pace import Pace
from bot.prompt import SLASH, Prompt
from bot.settings import Settings
from bot.stage import stage
from storage.errors import DatabaseBehind, DatabaseBusy, NotPermitted, StorageUnavailable

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```transcript\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = "…"
VOLATILE = {
    r"\d{4}-\d\d-\d\d \d\d:\d\d UTC": "TIME",
    r"\d{4}-\d\d-\d\d": "DAY",
    r"127\.0\.0\.1:\d+": "HOST:PORT",
    r"\d+( ms| 毫秒)": r"N\1",
    r"\d+\.\d+\.\d+": "VERSION",
    r"─+": "─",
}
"""What differs from run to run, and what stands for it."""
WIDTH = 100
README_WIDTH = 80
APPS_AT = "http://127.0.0.1:43210/api/v1"
"""Stands in the documents for where the stage's apps are."""


@functools.cache
def guide() -> Guide:
    """Return the playground's guide, which reads all documents when it is made."""
    return Guide(Library.read(ROOT))


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def steps(document: str) -> Iterator[tuple[str, str]]:
    """Yield each line that is typed in a document's transcripts, and what it is answered with."""
    for fence in FENCE.findall(document):
        for step in re.split(r"^> ", fence, flags=re.MULTILINE)[1:]:
            typed, _, answer = step.partition("\n")
            yield typed, answer


def plain(text: str) -> str:
    """Return text without what differs from run to run, and without blanks at line ends."""
    for pattern, stand_in in VOLATILE.items():
        text = re.sub(pattern, stand_in, text)
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def pattern_of(shown: str) -> re.Pattern[str]:
    """Return what an answer must look like where some of its lines may be left out."""
    lines = (
        r"(?:.*\n)*" if line == LEFT_OUT else re.escape(f"{line}\n") for line in shown.splitlines()
    )
    return re.compile("".join(lines))


def console(width: int) -> Console:
    return Console(file=io.StringIO(), width=width)


def written(to: Console) -> str:
    """Return what was drawn since it was asked last."""
    assert isinstance(to.file, io.StringIO)
    drawn = to.file.getvalue()
    to.file.seek(0)
    to.file.truncate()
    return drawn


@pytest.mark.slow
@pytest.mark.parametrize("name", ["docs/admin.md", "docs/admin.zh.md"])
async def test_every_transcript_is_what_the_bot_says(name: str) -> None:
    logs.configure("ERROR")
    to = console(WIDTH)
    wrong: list[str] = []
    async with stage(Settings.model_construct(), pace=Pace(), patience=PATIENT) as place:
        prompt = Prompt(place, console=to)
        for typed, shown in steps(text_of(name)):
            await prompt.take(typed.replace(APPS_AT, place.apps_at))
            said = plain(written(to))
            if not pattern_of(plain(shown)).fullmatch(f"{said}\n"):
                wrong.append(f"> {typed}\n{said}")
    assert not wrong, "these are answered otherwise:\n\n" + "\n\n".join(wrong)


async def test_the_app_of_the_playground_remembers_people_as_its_hint_says() -> None:
    logs.configure("ERROR")
    to = console(WIDTH)
    async with stage(Settings.model_construct(), pace=Pace(), patience=PATIENT) as place:
        (remembers,) = [line for line in hint(place).splitlines() if "remembers" in line]
        prompt = Prompt(place, console=to)
        for typed in re.findall(r"\[b\](.*?)\[/\]", remembers):
            written(to)
            await prompt.take(typed)
        said = written(to)
    assert "Hello, my name is Ann" in said, said


async def test_the_playground_uses_nobodys_account_but_the_apps() -> None:
    logs.configure("ERROR")
    own = Settings.model_construct(
        dashscope_api_key=SecretStr("sk-own"),
        dashscope_app_id="own",
        dashscope_base_url="http://127.0.0.1:9/api/v1",
        alibaba_cloud_access_key_id=SecretStr("own"),
        alibaba_cloud_access_key_secret=SecretStr("own"),
        bailian_workspace_id="llm-own",
        bailian_endpoint="http://127.0.0.1:9",
        public_url="https://bot.example.com",
    )
    to = console(WIDTH)
    async with stage(own, pace=Pace(), patience=PATIENT) as place:
        assert "remembers" not in hint(place)
        await Prompt(place, console=to).take("/dashscope memory")
    assert "Long-term memory is not set up" in written(to)


async def test_the_readmes_transcript_is_what_the_demo_shows() -> None:
    logs.configure("ERROR")
    (shown,) = FENCE.findall(text_of("README.md"))
    to = console(README_WIDTH)
    async with stage(Settings.model_construct(), pace=Pace(), patience=PATIENT) as place:
        await demo.perform(place, demo.SCRIPT[:2], console=to)
    assert plain(written(to)) == plain(shown)


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def phrases(value: object) -> Iterator[Phrase]:
    """Yield the phrases of a value, those in its mappings and tuples included."""
    match value:
        case Phrase():
            yield value
        case Mapping():
            yield from phrases(tuple(value.values()))
        case tuple():
            for part in value:
                yield from phrases(part)
        case _:
            pass


def sentences(language: Language = Language.EN) -> Iterator[str]:
    """Yield every sentence of the bot, `…` in the place of values."""
    for package in (bot.admin, bot.core):
        for module in modules(package):
            for phrase in phrases(tuple(vars(module).values())):
                said = phrase.zh if language is Language.ZH else phrase.en
                yield re.sub(r"\{[^}]*\}", LEFT_OUT, said).replace("`", "")


GUIDES = {Language.EN: "docs/admin.md", Language.ZH: "docs/admin.zh.md"}
"""The guide for admins in each language."""
REFUSALS = {Language.EN: "## A command was refused", Language.ZH: "## 命令被拒绝了怎么办？"}
"""What stands over the tables of refusals."""


def quoted(language: Language) -> Iterator[str]:
    """Yield the first column of the tables of refusals."""
    _, _, part = text_of(GUIDES[language]).partition(REFUSALS[language])
    for row in part.splitlines():
        if row.startswith("| ") and not row.startswith(("| the bot says", "| 机器人说")):
            yield row.split("|")[1].strip()


@pytest.mark.parametrize("language", Language)
def test_every_refusal_that_is_explained_is_one_of_the_bots(language: Language) -> None:
    known = tuple(sentences(language))
    explained = [words.replace("`", "") for words in quoted(language)]
    assert explained
    assert not [words for words in explained if not any(words in one for one in known)]


def test_both_guides_explain_the_same_refusals() -> None:
    said = {language: tuple(sentences(language)) for language in Language}
    explained = {
        language: [
            {at for at, one in enumerate(said[language]) if words.replace("`", "") in one}
            for words in quoted(language)
        ]
        for language in Language
    }
    pairs = zip(*explained.values(), strict=True)
    assert all(english & chinese for english, chinese in pairs)


def complaints() -> Iterator[str]:
    """Yield what `run` and `db` say on stderr before they end."""
    for error in (
        SlackTokenRefused(method="auth.test", code=LEFT_OUT),
        DatabaseBehind(current=None, head=LEFT_OUT),
        DatabaseBusy(LEFT_OUT),
        NotPermitted(LEFT_OUT),
        StorageUnavailable(LEFT_OUT),
    ):
        yield sentence(error).replace("`", "")


def symptoms() -> Iterator[str]:
    """Yield what the operator's tables quote, which is not what stands in code."""
    for row in text_of("docs/operations.md").splitlines():
        if row.startswith("| "):
            yield from re.findall(r'(?<!=)"([^"`]+)"', row)


@pytest.mark.parametrize("words", tuple(symptoms()))
def test_every_symptom_that_is_quoted_to_operators_is_said_so(words: str) -> None:
    pattern = re.compile(".*".join(map(re.escape, words.split(LEFT_OUT))))
    assert any(map(pattern.search, (*sentences(), *complaints())))


@pytest.mark.parametrize(
    ("guide", "heading"),
    [("docs/admin.md", "## Which settings are there?"), ("docs/admin.zh.md", "## 有哪些设置？")],
)
def test_every_setting_is_in_the_table_of_settings(guide: str, heading: str) -> None:
    _, _, part = text_of(guide).partition(heading)
    table = part.partition("\n## ")[0]
    missing = [
        setting.command
        for setting in SETTINGS.values()
        if f"| `{setting.command}` |" not in table and not setting.command.startswith("quota ")
    ]
    assert not missing


def commands_to_show() -> Iterator[str]:
    """Yield what can be typed, in its words; quotas are alike, so that one stands for all."""
    yield from (words for words in all_commands() if not words.startswith("quota "))
    yield from ("quota user turns", "apps add", "apps edit", "apps test", "apps remove")
    yield from ("usage csv", "audit all", "audit csv", "workspace config")


def command_words(typed: str) -> str:
    """Return the words of what was typed without its values, in English."""
    match parse_command(typed).command:
        case Do(verb=Verb.APPS | Verb.USAGE as verb, rest=rest):
            return " ".join((verb, *rest.split()[:1]))
        case Do(verb=verb):
            return f"workspace {verb}" if parse_command(typed).for_workspace else verb
        case Audit(of=of):
            return "audit" if of == "here" else f"audit {of}"
        case Reset():
            return "reset"
        case Read(setting=setting) | Write(setting=setting) | Drop(setting=setting):
            return setting.command
        case NameMemory() | Unknown():
            return ""


@pytest.mark.parametrize("guide", GUIDES.values())
def test_every_command_is_shown_with_its_answer(guide: str) -> None:
    slash = f"{SLASH} "
    typed = (text for text, answer in steps(text_of(guide)) if answer.strip())
    shown = {command_words(text.removeprefix(slash)) for text in typed if text.startswith(slash)}
    assert not [words for words in commands_to_show() if words not in shown]


@pytest.mark.parametrize("guide", GUIDES.values())
def test_every_command_of_the_guide_for_admins_can_be_read(guide: str) -> None:
    typed = re.findall(r"`/dashscope ([^`]+)`", text_of(guide))
    assert len(typed) > 20
    unknown = [text for text in typed if isinstance(parse_command(text).command, Unknown)]
    assert not unknown


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Who may change settings?", "docs/questions.md"),
        ("How do I give an app its own key?", "docs/admin.md"),
        ("What can a workflow use?", "docs/admin.md"),
        ("How do I undo a change?", "docs/questions.md"),
        ("Can guests ask?", "docs/questions.md"),
        ("怎么限制用量?", "docs/admin.zh.md"),
        ("API Key 填在哪里?", "docs/admin.zh.md"),
    ],
)
def test_the_playgrounds_guide_answers_what_admins_ask(asked: str, found: str) -> None:
    said = guide()(Inquiry(asked))
    assert said.references[0].doc_name == found


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("How do I set it up?", "install the bot?"),
        ("How do I set up the bot?", "install the bot?"),
        ("How do I install it?", "install the bot?"),
        ("Which settings are there?", "Which settings are there"),
        ("How do I deploy it?", "on a server"),
        ("How do I deploy it with Docker?", "Docker?"),
        ("How do I get an API key?", "API key"),
        ("How do I connect it to Slack?", "connect it to Slack"),
        ("Can it read PDFs?", "read PDFs"),
        ("How do I back it up?", "back it up?"),
        ("How do I update it?", "update it?"),
        ("Why doesn't it answer?", "Why does the bot not answer?"),
        ("Why is it slow?", "Why is it slow"),
        ("How do I start over?", "start over?"),
        ("How do I add an app?", "add another app"),
        ("Which model do you use?", "Which model"),
        ("How do I change the language?", "change its language?"),
        ("How much does it cost?", "cost?"),
        ("Does it support Feishu?", "Feishu"),
        ("Where is my data stored?", "Where is my data stored?"),
        ("Can I use it with several workspaces?", "several workspaces?"),
        ("如何安装机器人？", "怎么安装机器人？"),
        ("怎么配置？", "怎么配置？"),
        ("怎么部署到服务器？", "怎么部署到服务器？"),
        ("它能读附件吗？", "能读附件"),
        ("能读 PDF 吗？", "PDF"),
        ("怎么备份？", "怎么备份数据库？"),
        ("为什么不回答？", "为什么不回答？"),
        ("支持哪些语言？", "支持哪些语言？"),
        ("它安全吗？", "它安全吗？"),
        ("数据保存在哪里？", "数据保存在哪里？"),
        ("机器人支持飞书吗？", "飞书"),
        ("多少钱？", "多少钱？"),
        ("用的是哪个模型？", "哪个模型？"),
        ("访客可以提问吗？", "访客"),
        ("能用于多个工作区吗？", "多个工作区"),
    ],
)
def test_first_questions_find_the_paragraph_about_them(asked: str, found: str) -> None:
    source = guide()(Inquiry(asked)).references[0]
    assert source.doc_name in {"docs/questions.md", "docs/questions.zh.md"}
    assert found in source.title


def test_what_the_documents_do_not_cover_is_not_answered_from_them() -> None:
    for asked in ("Who wrote you?", "What is the capital of France?"):
        assert not guide()(Inquiry(asked)).references
    for asked in ("What is it?", "What can it do?"):
        assert guide()(Inquiry(asked)).text.startswith("I am the playground's assistant")
