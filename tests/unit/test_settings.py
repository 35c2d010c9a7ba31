"""The operator's settings."""

import re
from pathlib import Path

import pytest

from bot.core.question import AppKind
from bot.errors import SettingsError
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
VARIABLES = {name.upper() for name in Settings.model_fields}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*VARIABLES, "DASHSCOPE_HTTP_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_defaults_need_no_environment() -> None:
    settings = Settings.read()
    assert settings.database_url == "sqlite+aiosqlite:///data/bot.db"
    assert (settings.host, settings.port) == ("127.0.0.1", 3000)
    assert settings.dashscope_app_kind is AppKind.AGENT
    assert settings.dashscope_base_url.endswith("/api/v1")


def test_every_problem_is_named_by_its_variable_and_no_value_is_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PORT", "many-secret")
    monkeypatch.setenv("DATABASE_URL", "mysql://root:secret@host/db")
    monkeypatch.setenv("DASHSCOPE_BASE_URL", "https://example.com/secret")
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    said = " ".join(caught.value.problems)
    assert {p.split(":")[0] for p in caught.value.problems} == {
        "PORT",
        "DATABASE_URL",
        "DASHSCOPE_BASE_URL",
    }
    assert "secret" not in said


def test_run_names_everything_that_is_missing() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.read().require_for_run()
    assert [p.split()[0] for p in caught.value.problems] == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
        "DASHSCOPE_API_KEY",
        "DASHSCOPE_APP_ID",
    ]


def test_an_app_token_stands_in_for_the_signing_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DASHSCOPE_API_KEY", "DASHSCOPE_APP_ID"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-x")
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-x")
    settings = Settings.read()
    settings.require_for_run()
    assert settings.uses_socket_mode
    assert settings.app_profile().app_id == "x"


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET", "ENCRYPTION_KEYS"}, []),
        ({"SLACK_CLIENT_ID", "SLACK_CLIENT_SECRET"}, ["ENCRYPTION_KEYS"]),
        ({"SLACK_CLIENT_ID", "ENCRYPTION_KEYS"}, ["SLACK_CLIENT_SECRET"]),
        ({"SLACK_CLIENT_SECRET", "ENCRYPTION_KEYS"}, ["SLACK_CLIENT_ID"]),
        ({"SLACK_BOT_TOKEN", "SLACK_CLIENT_ID"}, []),  # installs are off, the rest works
    ],
)
def test_a_client_of_the_slack_app_stands_in_for_a_token(
    given: set[str], missing: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*given, "SLACK_SIGNING_SECRET", "DASHSCOPE_API_KEY", "DASHSCOPE_APP_ID"):
        monkeypatch.setenv(name, "xoxb- and long enough for a key of any kind")
    monkeypatch.setenv("DASHSCOPE_APP_ID", "x")
    settings = Settings.read()
    if not missing:
        settings.require_for_run()
        return
    with pytest.raises(SettingsError) as caught:
        settings.require_for_run()
    assert [p.split()[0] for p in caught.value.problems] == missing
    with pytest.raises(SettingsError) as again:
        Settings.read(for_run=True)
    assert again.value.problems == caught.value.problems


def test_the_vendors_own_variable_for_the_endpoint_is_read_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DASHSCOPE_HTTP_BASE_URL", "https://dashscope.aliyuncs.com/api/v1/")
    assert Settings.read().dashscope_base_url == "https://dashscope.aliyuncs.com/api/v1"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "")
    assert not Settings.read().uses_socket_mode


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://bot.example.com/", "https://bot.example.com"),
        ("https://example.com/bot", "https://example.com/bot"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("", None),
    ],
)
def test_the_public_address_is_read_without_its_last_slash(
    monkeypatch: pytest.MonkeyPatch, given: str, read: str | None
) -> None:
    monkeypatch.setenv("PUBLIC_URL", given)
    assert Settings.read().public_url == read


@pytest.mark.parametrize(
    "given",
    ["http://bot.example.com", "bot.example.com", "https://", "https://a@b", "https://a/?b", "x"],
)
def test_a_public_address_others_could_read_along_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("PUBLIC_URL", given)
    with pytest.raises(SettingsError, match="PUBLIC_URL: must be an https address"):
        Settings.read()


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("SLACK_BOT_TOKEN", "xapp-hush", "must be a bot token, xoxb-…; xapp-…, an app-level token"),
        ("SLACK_APP_TOKEN", "xoxb-hush", "must be an app-level token, xapp-…; xoxb-…, a bot token"),
        ("SLACK_BOT_TOKEN", "xoxp-hush", "xoxp-…, a user's token, was found"),
        ("SLACK_BOT_TOKEN", "xoxe.xoxb-hush", "xoxe…, a token that expires, was found"),
        ("SLACK_APP_TOKEN", "sk-hush", "sk-…, an API key, was found"),
        ("SLACK_APP_TOKEN", "hush", "must be an app-level token, xapp-…"),
        ("SLACK_API_URL", "hush", "must be an https address"),
        ("ADMIN_USERS", "U1,hush", "must be ids such as U012AB3CD, not names"),
        ("ADMIN_USERS", "U1,@hush", "must be ids such as U012AB3CD, not names"),
        ("DATABASE_URL", "postgresql://bot:hush@host:port/bot", "the port is no number"),
        ("DATABASE_URL", "postgresql://bot:hu@sh:hush@host/bot", "write `@` as `%40`"),
        ("DATABASE_URL", "postgresql://bot:hu@hush@host:5432/bot", "write `@` as `%40`"),
    ],
)
def test_a_value_of_another_kind_is_told_what_was_wanted_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str, said: str
) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    (line,) = caught.value.problems
    assert line.startswith(f"{name}: ")
    assert said in line
    assert "hush" not in line


@pytest.mark.parametrize("name", ["SLACK_API_URL", "DASHSCOPE_BASE_URL", "PUBLIC_URL"])
@pytest.mark.parametrize(
    "given",
    [
        "http://example.com/hush/api/v1",
        "https://user:hush@example.com/api/v1",
        "https://hush@example.com/api/v1",
        "https://example.com/?hush/api/v1",
        "https://example.com/#hush/api/v1",
        "https://example.com\\hush/api/v1",
        "https://example.com/hu sh/api/v1",
        "https://example.com:hush/api/v1",
        "http://10.0.0.1/hush/api/v1",
        "https:///hush/api/v1",
        "ftp://example.com/hush/api/v1",
    ],
)
def test_tokens_and_questions_go_to_a_protected_address_that_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, name: str, given: str
) -> None:
    monkeypatch.setenv(name, given)
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    (line,) = caught.value.problems
    assert line.startswith(f"{name}: must be an https address (http only for this machine)")
    assert "hu" not in line


@pytest.mark.parametrize("name", ["SLACK_API_URL", "DASHSCOPE_BASE_URL", "PUBLIC_URL"])
def test_this_machine_may_be_asked_without_tls(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:9/api/v1")
    assert str(getattr(Settings.read(), name.lower())).startswith("http://127.0.0.1:9/api/v1")


@pytest.mark.parametrize("given", ["https://slack.com/api", "https://slack.com/api/"])
def test_slacks_methods_are_put_behind_its_address(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv("SLACK_API_URL", given)
    assert Settings.read().slack_api_url == "https://slack.com/api/"


def test_lists_are_comma_separated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_USERS", "U1, U2,,")
    assert Settings.read().admin_users == ("U1", "U2")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("ENCRYPTION_KEY", "ENCRYPTION_KEYS"),
        ("SLACK_BOT_TOKN", "SLACK_BOT_TOKEN"),
        ("SLACK_TOKEN", "SLACK_BOT_TOKEN"),
        ("DASHSCOPE_KEY", "DASHSCOPE_API_KEY"),
        ("DATABASE_URI", "DATABASE_URL"),
    ],
)
@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_name_that_is_nearly_a_settings_is_told_until_that_setting_is_set(
    monkeypatch: pytest.MonkeyPatch, where: str, given: str, meant: str
) -> None:
    assert Settings.misspelt() == {}
    if where == "file":
        Path(".env").write_text(f"{given}=hush\nOTHER=hush\n{meant}=\n", encoding="utf-8")
    else:
        monkeypatch.setenv(given, "hush")
    assert Settings.misspelt() == {given: meant}
    monkeypatch.setenv(meant, "hush")
    assert given not in Settings.misspelt()


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-hush")
    monkeypatch.setenv("DATABASE_URL", "postgresql://bot:hush@host/bot")
    monkeypatch.setenv("ENCRYPTION_KEYS", "key-hush-" + "k" * 32)
    assert "hush" not in repr(Settings.read())


def test_keys_are_taken_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{'n' * 32}, {'o' * 40},")
    assert Settings.read().secret_keys == ("n" * 32, "o" * 40)


def test_a_short_key_is_one_line_that_does_not_repeat_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEYS", f"{'k' * 32},hush")
    with pytest.raises(SettingsError) as caught:
        Settings.read()
    (line,) = caught.value.problems
    assert line.startswith("ENCRYPTION_KEYS: each key must be ")
    assert "hush" not in line
    assert "k" * 32 not in line


def test_an_app_profile_needs_its_settings() -> None:
    with pytest.raises(SettingsError):
        Settings.read().app_profile()


def test_every_setting_has_a_description() -> None:
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_the_example_file_lists_exactly_the_settings() -> None:
    listed = re.findall(
        r"^#?\s?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE
    )
    assert set(listed) == VARIABLES
    assert len(listed) == len(set(listed))


def test_the_readme_lists_exactly_the_settings() -> None:
    table = (ROOT / "README.md").read_text().split("## Settings", 1)[1].split("\n## ", 1)[0]
    assert set(re.findall(r"^\| `([A-Z0-9_]+)`", table, re.MULTILINE)) == VARIABLES
