"""Every environment variable, read once."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import AfterValidator as After
from pydantic import AliasChoices, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from bot import setting_checks as checks
from bot.core.question import AppKind, AppProfile
from bot.core.studio_workspace import StudioWorkspace
from bot.errors import SettingsError

SINGAPORE = "https://dashscope-intl.aliyuncs.com/api/v1"
"""The international endpoint; a key of another region is refused there with 401."""

LOOKALIKE = 0.8
"""How much of two names must be the same for one to be a slip of the other, by difflib's measure:
one letter in five may be wrong."""

Commas = BeforeValidator(checks.split_commas)


class Settings(BaseSettings):
    """The operator's settings; frozen, and secrets never show in its repr."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        populate_by_name=True,
    )

    slack_bot_token: Annotated[SecretStr, After(checks.bot_token)] | None = Field(
        None, description="Bot token (xoxb-…) of your Slack app."
    )
    slack_signing_secret: SecretStr | None = Field(
        None, description="Signing secret of your Slack app; needed over HTTP."
    )
    slack_app_token: Annotated[SecretStr, After(checks.app_token)] | None = Field(
        None, description="App-level token (xapp-…); when set, Socket Mode is used."
    )
    slack_client_id: str | None = Field(
        None, description="For installs in many workspaces, through /slack/install."
    )
    slack_client_secret: SecretStr | None = Field(
        None, description="Goes with it; ENCRYPTION_KEYS must be set too."
    )
    slack_api_url: Annotated[str, After(checks.slack_api_url)] = Field(
        "https://slack.com/api/", description="Slack's Web API."
    )

    dashscope_api_key: SecretStr | None = Field(
        None, description="API key (sk-…) of the region the app lives in."
    )
    dashscope_base_url: Annotated[str, After(checks.dashscope_base_url)] = Field(
        SINGAPORE,
        validation_alias=AliasChoices("DASHSCOPE_BASE_URL", "DASHSCOPE_HTTP_BASE_URL"),
        description="DashScope's endpoint, ending in /api/v1; DASHSCOPE_HTTP_BASE_URL is read too.",
    )
    dashscope_app_id: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_-]+$", description="The app that answers."
    )
    dashscope_app_kind: AppKind = Field(
        AppKind.AGENT, description="agent, workflow, dialog_workflow or orchestration."
    )
    dashscope_workspace: str = Field(
        "", description="Workspace id (llm-…) when the app lives in a sub-workspace."
    )

    alibaba_cloud_access_key_id: SecretStr | None = Field(
        None,
        description="AccessKey for long-term memory and session files; without it there are none.",
    )
    alibaba_cloud_access_key_secret: SecretStr | None = Field(
        None, description="The AccessKey's secret."
    )
    bailian_workspace_id: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$",
        description="Workspace (llm-…) of the memories and of the apps that use them; "
        "the console shows its id.",
    )
    bailian_endpoint: Annotated[str, After(checks.bailian_endpoint)] = Field(
        "https://bailian.cn-beijing.aliyuncs.com",
        description="Where memories are made, which must be in the app's region; "
        "Singapore's is https://bailian.ap-southeast-1.aliyuncs.com.",
    )

    database_url: Annotated[str, After(checks.database_url)] = Field(
        "sqlite+aiosqlite:///data/bot.db",
        repr=False,  # it may hold a password
        description="SQLite file for one process; postgresql+asyncpg://… for several.",
    )
    encryption_keys: Annotated[
        tuple[SecretStr, ...], NoDecode, Commas, After(checks.encryption_keys)
    ] = Field(
        (),
        description="Comma separated keys for secrets in the database; "
        "the first encrypts, all decrypt. "
        "Each has 32 characters or more: openssl rand -hex 32",
    )
    admin_users: Annotated[tuple[str, ...], NoDecode, Commas, After(checks.user_ids)] = Field(
        (),
        description="Comma separated Slack user ids that may configure the bot, "
        "besides owners and admins.",
    )

    host: str = Field("127.0.0.1", description="Where the HTTP server listens.")
    port: int = Field(3000, ge=0, le=65535, description="Its port; 0 takes any free one.")
    public_url: Annotated[str, After(checks.public_url)] | None = Field(
        None,
        description="The server's https address as the internet sees it: "
        "through it apps fetch images and documents.",
    )

    turns_at_once: int = Field(
        64, ge=1, le=1000, description="Answers one process works on at the same time."
    )
    answer_timeout_s: float = Field(
        600, ge=10, le=3600, description="Seconds after which an answer is cut."
    )
    grace_s: float = Field(
        20, ge=0, le=600, description="Seconds that answers may take to finish at SIGTERM."
    )
    retention_days: int = Field(
        30, ge=1, le=3650, description="Days after which finished turns and idle threads go."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="DEBUG, INFO, WARNING or ERROR."
    )

    @classmethod
    def read(cls, *, for_run: bool = False) -> Self:
        """Read the environment and `.env`.

        Args:
            for_run: Whether everything `run` needs must be there.

        Raises:
            SettingsError: Values are wrong or missing; every one of them is named.
        """
        try:
            settings = cls()  # type: ignore[call-arg] # values come from the environment
        except ValidationError as error:
            missing = _missing(_Given()) if for_run else ()
            raise SettingsError((*_problems(error), *missing)) from None
        if for_run:
            settings.require_for_run()
        return settings

    @classmethod
    def misspelt(cls) -> Mapping[str, str]:
        """Return names in the environment and `.env` that are none of ours, but nearly.

        Returns:
            What each was probably meant for: a setting that is not set.
        """
        given = {**EnvSettingsSource(cls).env_vars, **DotEnvSettingsSource(cls).env_vars}
        known = {*cls.model_fields, "dashscope_http_base_url"}
        close = {
            name: get_close_matches(name, known, n=1, cutoff=LOOKALIKE)
            for name in sorted(given.keys() - known)
        }
        return {
            name.upper(): meant.upper()
            for name, matches in close.items()
            for meant in matches
            if meant not in given
        }

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The encryption keys as `storage.vault` takes them, in the clear."""
        return tuple(key.get_secret_value() for key in self.encryption_keys)

    @property
    def uses_socket_mode(self) -> bool:
        """Whether Slack is reached through Socket Mode."""
        return self.slack_app_token is not None

    @property
    def missing_for_installs(self) -> tuple[str, ...]:
        """The variables without which there are no installs in many workspaces; else empty."""
        given = {
            "SLACK_CLIENT_ID": self.slack_client_id,
            "SLACK_CLIENT_SECRET": self.slack_client_secret,
            "ENCRYPTION_KEYS": self.encryption_keys,
        }
        return tuple(name for name, value in given.items() if not value)

    @property
    def missing_for_memory(self) -> tuple[str, ...]:
        """The variables without which the bot can make no memories; empty when it can."""
        names = (
            "alibaba_cloud_access_key_id",
            "alibaba_cloud_access_key_secret",
            "bailian_workspace_id",
        )
        return tuple(name.upper() for name in names if getattr(self, name) is None)

    @property
    def studio_workspace(self) -> StudioWorkspace:
        """Where memories and session files are kept, when there are keys for it."""
        return StudioWorkspace(self.bailian_endpoint, self.bailian_workspace_id or "")

    def require_for_run(self) -> None:
        """Check that everything `run` needs is there.

        Raises:
            SettingsError: Something is missing; every variable is named.
        """
        if missing := tuple(_missing(self)):
            raise SettingsError(missing)

    def app_profile(self) -> AppProfile:
        """Return the app that answers; call `require_for_run` first."""
        key, app_id = self.dashscope_api_key, self.dashscope_app_id
        if key is None or app_id is None:
            raise SettingsError(("DASHSCOPE_API_KEY and DASHSCOPE_APP_ID are missing",))
        return AppProfile(
            name="default",
            app_id=app_id,
            kind=self.dashscope_app_kind,
            base_url=self.dashscope_base_url,
            api_key=key.get_secret_value(),
            workspace=self.dashscope_workspace,
            takes_tokens=True,
        )


class _Given(BaseSettings):
    """What `run` cannot do without, right or wrong."""

    model_config = Settings.model_config

    slack_bot_token: SecretStr | None = None
    slack_signing_secret: SecretStr | None = None
    slack_app_token: SecretStr | None = None
    slack_client_id: str | None = None
    slack_client_secret: SecretStr | None = None
    encryption_keys: str | None = None
    dashscope_api_key: SecretStr | None = None
    dashscope_app_id: str | None = None


def _missing(given: Settings | _Given) -> Iterator[str]:
    """Name each variable without which `run` cannot start."""
    yield from _missing_of_slack(given)
    if given.slack_signing_secret is None and given.slack_app_token is None:
        yield "SLACK_SIGNING_SECRET is missing (or set SLACK_APP_TOKEN to use Socket Mode)"
    if given.dashscope_api_key is None:
        yield "DASHSCOPE_API_KEY is missing: the API key (sk-…) of your region"
    if given.dashscope_app_id is None:
        yield "DASHSCOPE_APP_ID is missing: the id of the app that answers"


def _missing_of_slack(given: Settings | _Given) -> Iterator[str]:
    """Name what the bot lacks to be in one workspace, or else to be installed in many."""
    if given.slack_bot_token is not None:
        return
    if given.slack_client_id is None and given.slack_client_secret is None:
        yield "SLACK_BOT_TOKEN is missing: the bot token (xoxb-…) of your Slack app"
    elif given.slack_client_id is None:
        yield "SLACK_CLIENT_ID is missing: it goes with SLACK_CLIENT_SECRET"
    elif given.slack_client_secret is None:
        yield "SLACK_CLIENT_SECRET is missing: it goes with SLACK_CLIENT_ID"
    elif not given.encryption_keys:
        yield "ENCRYPTION_KEYS is missing: the tokens of installations are kept with it"


def _problems(error: ValidationError) -> Iterator[str]:
    """Name each wrong variable; its value stays unsaid, it may be a secret."""
    for problem in error.errors(include_input=False, include_url=False):
        name = str(problem["loc"][0]).upper() if problem["loc"] else "settings"
        yield f"{name}: {problem['msg'].removeprefix('Value error, ')}"
