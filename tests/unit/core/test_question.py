"""What is asked of which app."""

from dataclasses import replace

from bot.core.question import AppKind, AppProfile

PROFILE = AppProfile("a", "APP", AppKind.AGENT, "https://x/api/v1", api_key="sk-secret")


def test_only_agents_and_dialog_workflows_keep_sessions() -> None:
    assert {kind for kind in AppKind if kind.keeps_sessions} == {
        AppKind.AGENT,
        AppKind.DIALOG_WORKFLOW,
    }


def test_a_profile_never_shows_its_key() -> None:
    assert "sk-secret" not in repr(PROFILE)


def test_the_same_app_in_another_place_is_another_app() -> None:
    assert PROFILE.key != replace(PROFILE, base_url="https://y/api/v1").key
    assert PROFILE.key != replace(PROFILE, workspace="llm-1").key
    assert PROFILE.key == replace(PROFILE, name="other name").key
