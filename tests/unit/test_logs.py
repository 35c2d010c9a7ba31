"""What gets into the log, and what never does."""

import ast
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog

from bot.logs import ALLOWED, configure

ROOT = Path(__file__).parents[2]
SECRETS = ("xoxb-token", "sk-key", "what the user wrote")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**config)


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, object]]]:
    def read() -> list[dict[str, object]]:
        return [json.loads(line) for line in capsys.readouterr().err.splitlines()]

    return read


def test_a_line_is_json_with_its_event_level_and_time(
    lines: Callable[[], list[dict[str, object]]],
) -> None:
    configure("INFO", console=False)
    structlog.get_logger("x").info("turn.finished", outcome="answered", turn_id=7)
    (line,) = lines()
    assert (line["event"], line["level"]) == ("turn.finished", "info")
    assert (line["outcome"], line["turn_id"]) == ("answered", 7)
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize("secret", SECRETS)
def test_fields_nobody_allowed_do_not_get_out(
    secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", console=False)
    structlog.get_logger("x").info("turn.finished", text=secret, token=secret, prompt=secret)
    assert secret not in capsys.readouterr().err


@pytest.mark.parametrize("secret", SECRETS)
def test_what_libraries_say_is_reduced_to_where_they_said_it(
    secret: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", console=False)
    logging.getLogger("slack_bolt.App").warning("unhandled request %s", {"text": secret})
    logging.getLogger("aiohttp.server").error("boom %s", secret, exc_info=ValueError(secret))
    said = capsys.readouterr().err
    assert secret not in said
    assert "aiohttp.server" in said
    assert "ValueError" in said


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("console", [False, True])
def test_an_exception_is_told_by_its_class_and_place_without_its_words(
    secret: str, console: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", console=console)
    try:
        int(secret)
    except ValueError:
        structlog.get_logger("x").exception("turn.postponed")
    said = capsys.readouterr().err
    assert secret not in said
    assert "ValueError" in said
    assert "test_logs.py" in said


def test_below_the_level_nothing_is_said(lines: Callable[[], list[dict[str, object]]]) -> None:
    configure("WARNING", console=False)
    structlog.get_logger("x").info("turn.finished")
    assert lines() == []


def test_debug_still_keeps_the_libraries_that_print_bodies_quiet(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure("DEBUG", console=False)
    logging.getLogger("slack_sdk.web").debug("body %s", "what the user wrote")
    logging.getLogger("httpx").info("body %s", "what the user wrote")
    assert capsys.readouterr().err == ""


def logged_fields() -> set[str]:
    """Return the keyword of every field that a log call in the source names."""
    calls = (
        node
        for folder in ("bot", "storage")
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    )
    return {
        keyword.arg
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id == "log"
        for keyword in call.keywords
        if keyword.arg is not None
    }


def test_every_field_the_source_logs_is_allowed() -> None:
    fields = logged_fields()
    assert len(fields) > 20
    assert fields - {"exc_info"} <= ALLOWED


def test_no_allowed_field_is_named_like_content() -> None:
    assert not ALLOWED & {"text", "prompt", "answer", "token", "api_key", "body", "payload", "name"}
