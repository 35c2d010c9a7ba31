"""The grammar of the slash command."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.commands import (
    Audit,
    Do,
    Drop,
    Read,
    Reset,
    Typed,
    Unknown,
    Verb,
    Write,
    all_commands,
    parse_command,
)
from bot.core.likeness import MAX_TYPED_CHARS
from bot.core.setting import SETTINGS, Setting

COMMANDS = st.sampled_from([*all_commands(), "workspace", "quota", "reply", "帮助", "all", "csv"])
TOKENS = st.sampled_from(
    ["<@U1|ann>", "<#C1|general>", "<https://x|x>", "<!here>", "&lt;", "&amp;lt;", "<", "|", "`"]
)
TEXTS = st.lists(st.one_of(COMMANDS, TOKENS, st.text(max_size=12)), max_size=6).map(" ".join)


def command(text: str) -> object:
    return parse_command(text).command


@given(TEXTS)
def test_whatever_is_typed_is_some_command(text: str) -> None:
    assert isinstance(parse_command(text), Typed)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.command)
def test_each_settings_words_show_set_and_drop_it(setting: Setting) -> None:
    words = setting.command
    assert command(words) == Read(setting)
    assert command(f"{words} a value") == Write(setting, "a value")
    assert command(f"{words.upper()}  -") == Drop(setting)
    assert command(f"{words} inherit") == Drop(setting)


def test_nothing_typed_asks_for_help() -> None:
    assert parse_command("  ") == Typed(Do(Verb.HELP))


def test_workspace_in_front_means_the_workspace() -> None:
    follow = SETTINGS["follow"]
    assert parse_command("workspace follow thread") == Typed(
        Write(follow, "thread"), for_workspace=True
    )
    assert parse_command("Workspace undo") == Typed(Do(Verb.UNDO), for_workspace=True)


def test_workspace_alone_shows_the_workspace() -> None:
    assert parse_command("workspace") == Typed(Do(Verb.SHOW), for_workspace=True)


def test_default_takes_a_value_away_but_is_the_name_of_an_app() -> None:
    assert command("follow default") == Drop(SETTINGS["follow"])
    assert command("app default") == Write(SETTINGS["app"], "default")
    assert command("app inherit") == Drop(SETTINGS["app"])


def test_the_longest_words_win() -> None:
    assert command("filter table {}") == Write(SETTINGS["structured_filter"], "{}")
    assert command("filter {}") == Write(SETTINGS["metadata_filter"], "{}")
    assert command("thoughts mode agent_format") == Write(
        SETTINGS["flow_stream_mode"], "agent_format"
    )


def test_spaces_and_lines_within_a_value_stay() -> None:
    assert command("params  city=New  York\n days=3 ") == Write(
        SETTINGS["biz_params"], "city=New  York\n days=3"
    )


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("帮助", Verb.HELP),
        ("状态", Verb.STATUS),
        ("查看", Verb.SHOW),
        ("用量", Verb.USAGE),
        ("撤销", Verb.UNDO),
        ("?", Verb.HELP),
    ],
)
def test_a_few_commands_have_chinese_names(text: str, verb: Verb) -> None:
    assert command(text) == Do(verb)


def test_verbs_hand_on_what_follows_them() -> None:
    assert command("usage 30 days csv") == Do(Verb.USAGE, "30 days csv")
    assert command("apps add Shop kind=agent") == Do(Verb.APPS, "add Shop kind=agent")
    assert command("help quota user turns") == Do(Verb.HELP, "quota user turns")


def test_audit_is_of_here_of_all_or_a_file() -> None:
    assert command("audit") == Audit("here")
    assert command("audit ALL") == Audit("all")
    assert command("audit csv") == Audit("csv")
    assert command("audit everything") == Unknown(
        "audit everything", ("audit", "audit all", "audit csv")
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("apps tset Shop", "apps test Shop"),
        ("apps ad Shop app_id=x\nkind=agent", "apps add Shop app_id=x kind=agent"),
        ("应用 lst", "apps list"),
        ("usage tody", "usage today"),
        ("usage 30 dyas csv", "usage 30 days csv"),
        ("用量 90 chanel", "usage 90 channel"),
        ("audit al", "audit all"),
        ("audit cvs", "audit csv"),
        ("memory separat", "memory separate"),
        ("memory ido <@U1|ann> private M1", "memory id @ann private M1"),
        ("follow thred", "follow thread"),
        ("follow inhert", "follow inherit"),
        ("who members gests", "who members guests"),
        ("help folow", "help follow"),
        ("workspace memory shard", "workspace memory shared"),
    ],
)
def test_a_misspelt_word_after_a_command_is_suggested_and_never_run(typed: str, meant: str) -> None:
    unknown = command(typed)
    assert isinstance(unknown, Unknown), typed
    assert unknown.suggestions == (meant,)
    assert not isinstance(command(meant), Unknown)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("apps xyzzy", Do(Verb.APPS, "xyzzy")),
        ("apps EDIT Shop kind=flow", Do(Verb.APPS, "EDIT Shop kind=flow")),
        ("usage 7 30", Do(Verb.USAGE, "7 30")),
        ("usage xyzzy", Do(Verb.USAGE, "xyzzy")),
        ("memory xyzzy", Write(SETTINGS["memory"], "xyzzy")),
        ("memory 开启", Write(SETTINGS["memory"], "开启")),
        ("help xyzzy", Do(Verb.HELP, "xyzzy")),
        ("help reply", Do(Verb.HELP, "reply")),
        ("tokens lst", Do(Verb.TOKENS, "lst")),
    ],
)
def test_what_can_be_read_or_looks_like_nothing_is_handed_on(text: str, wanted: object) -> None:
    assert command(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "apps ad Shop api_key=sk-0123456789abcdef",
        "ap add Shop api_key=sk-0123456789abcdef",
        "undo sk-0123456789abcdef",
        "memory sk-0123456789abcdef",
        "folow sk-0123456789abcdef",
    ],
)
def test_what_looks_like_a_key_is_not_said_again(text: str) -> None:
    found = command(text)
    if isinstance(found, Unknown):
        assert "sk-" not in f"{found.typed} {found.suggestions}"


def test_what_is_suggested_for_the_workspace_is_for_the_workspace() -> None:
    for text in ("workspace reset folow", "workspace folow thread", "workspace undo it"):
        unknown = command(text)
        assert isinstance(unknown, Unknown)
        assert all(meant.startswith("workspace ") for meant in unknown.suggestions)
    assert command("workspace workspce follow thread") == Unknown(
        "workspce follow thread", ("workspace follow thread",)
    )


def test_reset_takes_one_all_or_asks() -> None:
    assert command("reset") == Reset(None)
    assert command("reset all") == Reset("all")
    assert command("reset quota user turns") == Reset(SETTINGS["quota_user_turns"])


def test_reset_of_something_unknown_does_nothing_but_suggest() -> None:
    assert command("reset folow") == Unknown("reset folow", ("reset follow",))
    assert command("reset xyzzy") == Unknown("reset xyzzy", ("reset all",))
    assert command("reset follow now") == Unknown("reset follow now", ("reset follow",))


def test_a_verb_that_takes_no_words_is_not_run_with_some() -> None:
    assert command("undo everything") == Unknown("undo everything", ("undo",))


@pytest.mark.parametrize("verb", ["status", "new", "tokens"])
def test_what_is_of_a_place_or_a_person_is_not_answered_for_the_workspace(verb: str) -> None:
    assert command(f"workspace {verb}") == Unknown(f"workspace {verb}", (verb,))


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("config workspace", "workspace config"),
        ("show 工作区", "workspace show"),
        ("undo workspace", "workspace undo"),
        ("audit workspace", "workspace audit"),
        ("workspace config workspace", "workspace config"),
        ("status workspace", "status"),
        ("show kb", "kb"),
        ("show quota user turns", "quota user turns"),
        ("workspace show kb", "workspace kb"),
        ("show kb now", "show"),
        ("config kb", "config"),
    ],
)
def test_words_in_another_order_are_suggested_in_theirs(typed: str, meant: str) -> None:
    unknown = command(typed)
    assert isinstance(unknown, Unknown), typed
    assert unknown.suggestions == (meant,)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("apps delete Shop", "apps remove Shop"),
        ("apps RM Shop", "apps remove Shop"),
        ("apps new Shop app_id=x", "apps add Shop app_id=x"),
        ("应用 删除 Shop", "apps remove Shop"),
    ],
)
def test_another_word_for_what_apps_does_is_suggested_and_never_run(typed: str, meant: str) -> None:
    assert command(typed) == Unknown(typed.replace("应用", "apps"), (meant,))


def test_a_misspelt_command_is_suggested_with_its_value_and_never_run() -> None:
    assert command("folow thread") == Unknown("folow thread", ("follow thread",))
    assert command("workspace folow thread") == Unknown(
        "folow thread", ("workspace follow thread",)
    )
    assert command("quota usr turns 5") == Unknown(
        "quota usr turns 5",
        (
            "quota user turns",
            "quota user tokens",
            "quota channel turns",
            "quota channel tokens",
        ),
    )


def test_the_beginning_of_commands_suggests_them() -> None:
    unknown = command("reply")
    assert isinstance(unknown, Unknown)
    assert unknown.suggestions == ("reply sources", "reply steps")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("workspce follow thread", "workspace follow thread"),
        ("set follow thread", "follow thread"),
        ("workspace set follow thread", "workspace follow thread"),
    ],
)
def test_a_word_too_many_or_misspelt_before_a_setting_is_seen_through(
    typed: str, meant: str
) -> None:
    unknown = command(typed)
    assert isinstance(unknown, Unknown)
    assert unknown.suggestions == (meant,)


def test_nothing_like_any_command_suggests_nothing() -> None:
    assert command("xyzzy plugh") == Unknown("xyzzy plugh")


@given(st.text(min_size=200))
def test_unknown_text_is_repeated_only_in_part(text: str) -> None:
    unknown = command(f"xyzzy {text}")
    assert isinstance(unknown, Unknown)
    assert all(len(part) <= MAX_TYPED_CHARS + 20 for part in (unknown.typed, *unknown.suggestions))


def test_people_stay_ids_where_people_are_wanted() -> None:
    assert command("managers <@U1|ann> <@U2>") == Write(SETTINGS["managers"], "<@U1> <@U2>")
    assert command("params who=<@U1|ann>") == Write(SETTINGS["biz_params"], "who=@ann")


def test_control_characters_are_not_part_of_what_was_typed() -> None:
    assert command("follow\x00 thread\x07") == Write(SETTINGS["follow"], "thread")


@pytest.mark.parametrize("word", ["tokens", "Token", "tokenz", "令牌"])
def test_what_follows_the_word_for_tokens_is_never_taken_for_another_command(word: str) -> None:
    assert command(f"{word} secret") == Do(Verb.TOKENS, "secret")


def test_a_new_beginning_takes_no_further_words() -> None:
    assert command("new") == command("重新开始") == Do(Verb.NEW)
    assert isinstance(command("new thread"), Unknown)
