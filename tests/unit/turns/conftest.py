"""Edges for a turn."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from edges import Book, Slack


@pytest.fixture
def slack() -> Slack:
    """An empty workspace."""
    return Slack()


@pytest.fixture
def book() -> Book:
    """A record that works."""
    return Book()
