"""What tokens and the ids of plugins may be."""

import pytest

from bot.core.plugin_tokens import MAX_TOKEN_CHARS, token_problem, tool_problem


@pytest.mark.parametrize("token", ["x", "Bearer abc.def-_~+/=", "令牌", "x" * MAX_TOKEN_CHARS])
def test_what_can_be_seen_on_one_line_is_a_token(token: str) -> None:
    assert token_problem(token) is None


@pytest.mark.parametrize("token", ["", " secret", "secret\n", "a\x00b", "x" * 2_001, "a\tb"])
def test_anything_else_is_refused_without_being_quoted(token: str) -> None:
    problem = token_problem(token)
    assert problem is not None
    assert "secret" not in problem.en + problem.zh


@pytest.mark.parametrize(("tool", "fits"), [("tool_1-a.b:c", True), ("a/b", False), ("", False)])
def test_the_id_of_a_plugin_is_one_word(tool: str, fits: bool) -> None:
    assert (tool_problem(tool) is None) is fits
