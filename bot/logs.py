"""What is logged, and what never is.

Lines are JSON (a readable console on a terminal), named `noun.past_verb`. Only the fields of
`ALLOWED` get out: a field nobody thought about is dropped, not printed. What libraries log is
reduced to who said something and where, because their texts may quote messages and tokens; with
LOG_LEVEL=DEBUG their words are shown too.
"""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any, cast

import structlog

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger", "where",
        # who and where, as ids
        "turn_id", "team_id", "channel_id", "thread_ts", "message_ts", "user_id", "worker",
        "command_id",
        # what came out
        "outcome", "reason", "error", "code", "status", "method", "request_id", "app",
        # how it went
        "first_words_ms", "total_ms", "elapsed_ms", "edits", "waits", "retries", "pages",
        "attempt", "attempts", "crashes", "delay_s", "retry_after_s", "grace_s", "count",
        "input_tokens", "output_tokens", "queued", "running", "events",
        # the process
        "database", "dialect", "revision", "head", "transport", "address", "version", "feature",
        "connections", "missing", "url", "workers", "urgency",
        # quotas
        "per", "limit", "unit",
    }
)  # fmt: skip

_FRAMES_SHOWN = 8
_CHATTY = (
    "aiosqlite", "alembic", "asyncio", "httpcore", "httpx", "matplotlib", "PIL", "slack_bolt",
    "slack_sdk",
)  # fmt: skip


def configure(level: str, *, console: bool | None = None) -> None:
    """Send everything to stderr through one chain of processors.

    Args:
        level: DEBUG, INFO, WARNING or ERROR.
        console: Readable lines instead of JSON; None asks whether stderr is a terminal.
    """
    readable = sys.stderr.isatty() if console is None else console
    last: Any = (
        structlog.dev.ConsoleRenderer(pad_event_to=22, exception_formatter=_no_traceback)
        if readable
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        say_where_it_broke,
        only_allowed,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[quote_no_library if level != "DEBUG" else _name_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in _CHATTY:
        # Even when we are asked for DEBUG: their debug lines hold whole bodies and tokens.
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def only_allowed(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every field that is not in `ALLOWED`; structlog's own bookkeeping stays."""
    return {key: value for key, value in event.items() if key in ALLOWED or key.startswith("_")}


def say_where_it_broke(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Turn an exception into its class and the places it passed, without its words."""
    info: Any = event.pop("exc_info", None)
    error: Any = sys.exc_info()[1] if info is True else info
    if isinstance(info, tuple):
        error = cast("tuple[Any, ...]", info)[1]
    if isinstance(error, BaseException):
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_SHOWN:]
        event["error"] = type(error).__name__
        event["where"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
    return event


def quote_no_library(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep who said something and where in its source; leave out the words."""
    record: logging.LogRecord = event["_record"]
    event["event"] = "library.warned"
    event["where"] = f"{record.module}:{record.lineno}"
    return _name_library(_logger, _method, event)


def _name_library(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    record: logging.LogRecord = event["_record"]
    event["logger"] = record.name
    return event


def _no_traceback(*_args: Any) -> None:
    """Print nothing: `say_where_it_broke` has already told it."""
