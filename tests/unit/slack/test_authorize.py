"""Whose installation a payload came through, when it names more than one workspace."""

import pytest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext

from bot.slack.authorize import team_of


def a_context(*, installed_in: str | None, named: str | None) -> AsyncBoltContext:
    result = AuthorizeResult(enterprise_id=None, team_id=installed_in, bot_token="xoxb-1")
    return AsyncBoltContext({"authorize_result": result, "team_id": named})


@pytest.mark.parametrize(
    ("installed_in", "named", "team_id"),
    [
        ("T1", "T2", "T1"),  # a channel shared over Slack Connect names the other side
        ("T1", None, "T1"),
        (None, "T2", "T2"),
        (None, None, "T3"),
    ],
)
def test_every_delivery_of_a_message_belongs_to_the_workspace_that_installed_the_bot(
    installed_in: str | None, named: str | None, team_id: str
) -> None:
    context = a_context(installed_in=installed_in, named=named)
    assert team_of({"team_id": "T3"}, context=context) == team_id
