"""What the fuzzer begins with: recordings, requests, documents and commands."""

import json
from collections.abc import Iterator
from pathlib import Path

from bot.core.commands import all_commands

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures" / "dashscope"
MARKDOWN = (
    "# A\n\n- one\n  1. two\n\n> ```python\n> x = 1\n> ```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "**bold** _it_ ~~no~~ `code` [link](https://example.com) <https://example.com>",
    "<ref>[1]</ref> text<ref>[1][2]</ref> <!here> <@U12> <#C1|x> <https://x.example|bank>",
    "**注意：**下一步 🇩🇪 👩‍👩‍👧 é\r\n---\n    code\n~~~\nopen",
)
TYPED = (
    *("workspace kb a, b", 'params city="New York" days=3', 'more {"top_k": 3, "x": [1.5, null]}'),
    *("managers <@U1|ann> U2", "quota user turns 1,000", "workspace who admins", "reset kb"),
    *("params {“a”: “b”}", "filter table {}", "memory id <@U1> abc", "help\x00", "quota user off"),
)


def _streams() -> Iterator[bytes]:
    for path in sorted(FIXTURES.rglob("*.sse")):
        yield b"\x00" + path.read_bytes()
        yield b"\x01" + path.read_bytes()


def _bodies() -> Iterator[bytes]:
    for path in (*sorted(FIXTURES.rglob("*.sse")), *sorted(FIXTURES.rglob("error*"))):
        yield b"\x64" + path.read_bytes()


def _texts() -> Iterator[bytes]:
    for text in (*MARKDOWN, (ROOT / "README.md").read_text()[:4000]):
        yield b"\x00\x80" + text.encode()


def _values() -> Iterator[bytes]:
    for line in TYPED:
        yield line.partition(" ")[2].encode()
    for path in sorted((FIXTURES / "requests").glob("*.json")):
        yield path.read_bytes()[:3000]


def _queries() -> Iterator[bytes]:
    vectors = json.loads((FIXTURES / "requests/memory_openapi_signing_vectors.json").read_text())
    for vector in vectors if isinstance(vectors, list) else vectors.get("vectors", ()):
        query = vector.get("query", {})
        yield "\0".join(part for pair in query.items() for part in map(str, pair)).encode()


def seeds(law: str) -> list[bytes]:
    """Return what the fuzzer of a law begins with."""
    found = {
        "streams": _streams,
        "replies": _texts,
        "commands": lambda: map(str.encode, (*all_commands(), *TYPED)),
        "values": _values,
        "queries": _queries,
        "refusals": _bodies,
    }
    return list(found[law]())
