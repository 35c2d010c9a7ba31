"""What can be set, how it is typed, and how it is shown."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import shapes
from bot.core.json_value import MAX_TYPED_CHARS, Json
from bot.core.language import Language
from bot.core.pasted_keys import KEPT_OUT, holds_key
from bot.core.question import AppKind
from bot.core.setting import (
    SETTINGS,
    Follow,
    History,
    LanguageChoice,
    Level,
    MemoryUse,
    Setting,
    by_command,
    candidate_options,
    command_of,
)
from bot.core.setting_checks import MAX_INSTRUCTION_CHARS
from bot.core.shapes import NONE
from bot.errors import BadValue

AGENT, WORKFLOW = AppKind.AGENT, AppKind.WORKFLOW


def refusal(key: str, typed: str, language: Language = Language.EN) -> str:
    with pytest.raises(BadValue) as caught:
        SETTINGS[key].read(typed)
    return caught.value.phrase.say(language, **caught.value.values)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)
NAME = st.text(string.ascii_letters, min_size=1, max_size=20)
ID = st.text(string.ascii_letters + string.digits + "_-.:", min_size=1, max_size=128)
WORD = TEXT.filter(lambda text: SETTINGS["tags"].misfit([text]) is None)
PERSON = st.text(string.ascii_uppercase + string.digits, min_size=1, max_size=12).map("U{}".format)
SCALAR = TEXT | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9) | st.booleans()
FILLED = TEXT.filter(str.strip)


def some(of: st.SearchStrategy[Any], most: int = 5) -> st.SearchStrategy[Any]:
    return st.lists(of, min_size=1, max_size=most, unique=True)


def objects(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.dictionaries(FILLED, of, min_size=1, max_size=5)


def values_of(setting: Setting) -> st.SearchStrategy[Any]:
    by_key: dict[str, st.SearchStrategy[Any]] = {
        "app": st.text(string.ascii_letters + "_-é应用", min_size=1, max_size=32),
        "pipeline_ids": some(ID),
        "file_ids": some(ID),
        "tags": some(WORD),
        "metadata_filter": objects(FILLED | some(FILLED)),
        "structured_filter": objects(SCALAR),
        "biz_params": st.dictionaries(
            FILLED, SCALAR | st.lists(SCALAR, max_size=3), min_size=1, max_size=4
        ),
        "more": st.dictionaries(
            NAME.map("x_{}".format), SCALAR | st.none(), min_size=1, max_size=4
        ),
        "who": some(st.sampled_from([choice.value for choice in setting.choices])),
        "managers": some(PERSON),
        "system": FILLED.map(str.strip),
        "ask": some(st.text(string.ascii_letters + "_.-城市", min_size=1, max_size=64)),
        "plugins": some(ID),
    }
    match setting.shape:
        case "flag":
            return st.booleans()
        case "choice":
            return st.sampled_from([choice.value for choice in setting.choices])
        case "number":
            return st.integers(1, 10**12) | st.just("off")
        case _ if setting.can_be_none:
            return by_key[setting.key] | st.just(NONE)
        case _:
            return by_key[setting.key]


@pytest.mark.parametrize("key", SETTINGS)
@given(data=st.data())
def test_what_is_shown_can_be_typed_again(key: str, data: st.DataObject) -> None:
    setting = SETTINGS[key]
    value: Json = data.draw(
        values_of(setting).filter(lambda v: not setting.misfit(v) and not holds_key(v))
    )
    shown = setting.show(value)
    assert len(shown) <= MAX_TYPED_CHARS
    assert json.dumps(setting.read(shown)) == json.dumps(value)
    # No app is called like that.
    assert key == "app" or not setting.is_dropped_by(shown)


TYPED = TEXT | st.text(string.printable + "“”，、：") | st.text(alphabet='{}[]":,= ab1\n')


@pytest.mark.parametrize("key", SETTINGS)
@given(typed=TYPED)
def test_any_text_is_a_value_that_passes_or_is_refused_in_words(key: str, typed: str) -> None:
    setting = SETTINGS[key]
    try:
        value = setting.read(typed)
    except BadValue as error:
        sentences = [error.phrase.say(language, **error.values) for language in Language]
    else:
        sentences = [setting.show(value)]
        assert setting.misfit(value) is None
    assert all(sentences)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@pytest.mark.parametrize("key", SETTINGS)
@given(value=ANY, kind=st.sampled_from(AppKind))
def test_any_stored_json_can_be_judged_and_shown(key: str, value: Any, kind: AppKind) -> None:
    setting = SETTINGS[key]
    problem = setting.problem(value, kind=kind)
    assert problem is None or (problem.say(Language.EN) and problem.say(Language.ZH))
    assert setting.misfit(value) is None or problem is not None
    assert isinstance(setting.show(value), str)


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_every_setting_fits_slacks_modals_in_both_languages(setting: Setting) -> None:
    for phrase in (setting.label, setting.hint):
        assert 0 < len(phrase.en) <= 150
        assert 0 < len(phrase.zh) <= 150
    for choice in setting.choices:
        assert 0 < len(choice.label.en) <= 75
        assert 0 < len(choice.label.zh) <= 75


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.key)
def test_what_is_built_in_is_a_value_of_the_setting(setting: Setting) -> None:
    assert setting.default is None or setting.misfit(setting.default) is None
    assert setting.default is None or not setting.is_app_option


def test_commands_are_all_different_and_lead_to_their_setting() -> None:
    for setting in SETTINGS.values():
        words = setting.command.split()
        assert by_command(words) == (setting, len(words))
        assert by_command([*words, "value"]) == (setting, len(words))
        assert by_command([word.upper() for word in words]) == (setting, len(words))


@pytest.mark.parametrize("words", [[], ["nonsense"], ["quota"], ["quota", "user"], ["reply", "x"]])
def test_other_words_are_no_command(words: list[str]) -> None:
    assert by_command(words) is None


def test_of_two_commands_the_longer_is_meant() -> None:
    assert by_command(["filter", "table", "{}"]) == (SETTINGS["structured_filter"], 2)
    assert by_command(["filter", "{}", "table"]) == (SETTINGS["metadata_filter"], 1)


def test_where_each_setting_may_stand() -> None:
    at = {key for key, setting in SETTINGS.items() if Level.USER in setting.levels}
    assert at == {"app"}
    only = {key: setting.levels for key, setting in SETTINGS.items() if len(setting.levels) == 1}
    assert only == {"managers": {Level.CHANNEL}, "delegate": {Level.WORKSPACE}}


def test_the_enumerations_are_the_choices() -> None:
    for key, enum in (
        ("history", History),
        ("follow", Follow),
        ("memory", MemoryUse),
        ("language", LanguageChoice),
    ):
        assert [choice.value for choice in SETTINGS[key].choices] == [each.value for each in enum]


@pytest.mark.parametrize(
    "typed", ["ID1,ID2", "ID1 ID2", "ID1\nID2", " ID1 , ID2,\n ID1 ", "ID1，ID2", '"ID1";“ID2”']
)
def test_however_ids_are_typed_each_is_one_element_and_stands_once(typed: str) -> None:
    assert SETTINGS["pipeline_ids"].read(typed) == ["ID1", "ID2"]


@pytest.mark.parametrize("word", ["none", "OFF", "无", "inherit", "Default", "-", "继承"])
def test_a_word_that_stands_alone_is_no_word_among_others_but_in_quotation_marks(word: str) -> None:
    for key in ("pipeline_ids", "tags", "ask", "plugins"):
        assert f'in double quotes: `"{word}"`' in refusal(key, f"a, {word} b")
    assert SETTINGS["tags"].read(f'a "{word}"') == ["a", word]
    assert SETTINGS["tags"].read(f'"{word}"') == [word]


@pytest.mark.parametrize("typed", ["'two words'", "red ‘two words’"])
def test_single_quotation_marks_hold_no_words_together(typed: str) -> None:
    assert 'double quotes: `"two words"`' in refusal("tags", typed)
    assert SETTINGS["tags"].read("ann's") == ["ann's"]
    assert SETTINGS["tags"].read('"\'tis"') == ["'tis"]


@pytest.mark.parametrize("word", ["inherit", " Default ", "-", "默认"])
def test_an_instruction_is_no_word_that_takes_it_away(word: str) -> None:
    assert SETTINGS["system"].is_dropped_by(word)
    assert SETTINGS["system"].misfit(word.strip()) is not None


def test_five_ids_are_not_too_many() -> None:
    assert SETTINGS["file_ids"].read("a b c d e a") == ["a", "b", "c", "d", "e"]


def test_too_many_ids_are_refused_with_the_limit_and_how_many_there_are() -> None:
    assert "At most 5 are possible; 6 were given" in refusal("file_ids", "a b c d e f a")
    assert "5" in refusal("file_ids", "a b c d e f", Language.ZH)


@pytest.mark.parametrize("typed", ["{ID1}", "[ID1]", "ID/1", "<ID1>", "id é", "x" * 129])
def test_what_no_id_is_made_of_is_refused(typed: str) -> None:
    assert "An id is" in refusal("pipeline_ids", typed)


def test_a_tag_of_several_words_is_typed_in_quotation_marks() -> None:
    assert SETTINGS["tags"].read('"high end", phone “新 品”') == ["high end", "phone", "新 品"]
    assert "quotation mark" in refusal("tags", 'phone "high end')
    assert refusal("tags", '""')


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("city=Hangzhou", {"city": "Hangzhou"}),
        ('city="New York" days=3', {"city": "New York", "days": "3"}),
        ("city=“New York”", {"city": "New York"}),
        ("city = New York\n\nurl=https://x/?a=b", {"city": "New York", "url": "https://x/?a=b"}),
        ('city="New York"\nq="', {"city": "New York", "q": '"'}),
        ("empty=", {"empty": ""}),
        ('{"city": "Hangzhou", "days": 3}', {"city": "Hangzhou", "days": 3}),
    ],
)
def test_variables_are_typed_as_pairs_or_as_json(typed: str, value: Json) -> None:
    assert SETTINGS["biz_params"].read(typed) == value


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("Hangzhou", "name=value"),
        ("city=New York", "name=value"),
        ("city=Hangzhou, days=3", "name=value"),
        ("=Hangzhou", "name=value"),
        ("city=Hangzhou\nthree days", "name=value"),
        ("two words=1\nb=2", "name=value"),
        ("a=1 a=2", "`a` stands in it twice"),
        ('{"city"}', "Line 1, column 8"),
        ("user_defined_tokens=x", "secrets"),
        ('{"user_defined_tokens": {"T": {"user_token": "t"}}}', "secrets"),
    ],
)
def test_variables_of_another_form_are_refused(typed: str, why: str) -> None:
    assert why in refusal("biz_params", typed)


def test_json_mistakes_are_told_by_place() -> None:
    assert "Line 2, column 3" in refusal("metadata_filter", '{\n  author: "Ann"}')
    assert "第 2 行第 3 列" in refusal("more", "{\n  seed: 1}", Language.ZH)


@pytest.mark.parametrize("typed", ["on", "Yes", " TRUE ", "1", "开", "开启"])
def test_a_flag_is_switched_on(typed: str) -> None:
    assert SETTINGS["has_thoughts"].read(typed) is True


@pytest.mark.parametrize("typed", ["off", "No", "false", "0", "关"])
def test_a_flag_is_switched_off(typed: str) -> None:
    assert SETTINGS["delegate"].read(typed) is False


@pytest.mark.parametrize("typed", ["maybe", "2", "on off"])
def test_a_flag_is_nothing_else(typed: str) -> None:
    assert "`on` or `off`" in refusal("sources", typed)


@pytest.mark.parametrize(
    ("typed", "value"),
    [("100", 100), (" 1,000 ", 1000), ("1,000,000", 1_000_000), ("off", "off"), ("关闭", "off")],
)
def test_a_quota_is_a_number_or_off(typed: str, value: Json) -> None:
    assert SETTINGS["quota_user_turns"].read(typed) == value


@pytest.mark.parametrize("typed", ["0", "-1", "1.5", "1,00", "ten", "9" * 19, "1000000000001"])
def test_a_quota_is_nothing_else(typed: str) -> None:
    assert "whole number" in refusal("quota_channel_tokens", typed)


@pytest.mark.parametrize("typed", ["thread", " THREAD ", "Every message in its threads"])
def test_a_choice_is_typed_by_its_value_or_its_label(typed: str) -> None:
    assert SETTINGS["follow"].read(typed) == "thread"


def test_a_choice_that_is_none_is_answered_with_all_there_are() -> None:
    assert refusal("history", "sessions") == "Type one of: `session`, `messages`, `off`."
    assert "`external`" in refusal("who", "members strangers")


def test_who_may_ask_is_any_of_four_groups() -> None:
    assert SETTINGS["who"].read("Members, guests") == ["members", "guests"]


@pytest.mark.parametrize(
    "typed", ["<@U1> <@W2>", "<@U1|ann smith>,<@W2|bob>", "U1 W2", "<@U1><@W2> U1"]
)
def test_people_are_mentioned(typed: str) -> None:
    assert SETTINGS["managers"].read(typed) == ["U1", "W2"]


@pytest.mark.parametrize("typed", ["@ann", "<#C1>", "U1x", "ann", "<@U1", "<!channel>"])
def test_people_are_nothing_else(typed: str) -> None:
    assert "Mention people" in refusal("managers", typed)


@pytest.mark.parametrize("name", ["docs", "Docs-2_x", "帮助台", "default"])
def test_an_app_is_named(name: str) -> None:
    assert SETTINGS["app"].read(f" {name} ") == name


@pytest.mark.parametrize("name", ["two words", "x" * 33, "a/b", "<x>", "`x`"])
def test_what_no_app_can_be_called_is_refused(name: str) -> None:
    assert "32" in refusal("app", name)


@pytest.mark.parametrize("typed", ["", " \n", "x" * 3001])
@pytest.mark.parametrize("key", SETTINGS)
def test_nothing_and_too_much_are_refused_everywhere(key: str, typed: str) -> None:
    assert refusal(key, typed)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("{}", "object with something"),
        ("[1]", "object with something"),
        ('{"prompt": "x"}', "`prompt`: The bot fills this in"),
        ('{"incremental_output": false}', "`incremental_output`: The bot fills"),
        ('{"memory_id": "m"}', "`memory_id`: The bot fills"),
        ('{"rag_options": {"pipeline_ids": ["P"]}}', "`rag_options`: Name the fields inside"),
        ('{"user_defined_tokens": {}}', "`user_defined_tokens`: A tool's token is a secret"),
        ('{"pipeline_ids": ["P"]}', "`pipeline_ids`: it has a setting of its own"),
        ('{"history": []}', "`history`: Set `history messages` instead"),
        ('{"history": null}', "`history`: Set `history messages` instead"),
        ('{"follow": "thread"}', "`follow`: it has a setting of its own"),
        ('{"temperature": 3}', "`temperature`: A number from 0"),
        ('{"seed": {"a": null}}', "`seed`: A whole number"),
        ('{"prompt": null}', "`prompt`: The bot fills this in"),
        ('{"pipeline_ids": null}', "`pipeline_ids`: it has a setting of its own"),
        ('{"{a} b": null}', "`{a} b`: A field's name is"),
    ],
)
def test_further_fields_are_none_the_bot_needs_nor_ones_with_a_setting(
    typed: str, why: str
) -> None:
    assert why in refusal("more", typed)


def test_a_text_is_taken_as_it_is() -> None:
    assert shapes.READERS["text"](" as it is ") == "as it is"


def test_what_a_kind_of_app_cannot_use_is_a_problem_of_the_setting() -> None:
    ids, more, history = (SETTINGS[key] for key in ("pipeline_ids", "more", "history"))
    assert ids.problem(["P"], kind=AGENT) is None
    assert ids.problem(["P"], kind=WORKFLOW)
    assert more.problem({"new": 1}, kind=WORKFLOW) is None
    problem = more.problem({"new": 1, "seed": 1}, kind=WORKFLOW)
    assert problem
    assert problem.say(Language.EN).startswith("`seed`: Only for agent")
    assert history.problem("messages", kind=WORKFLOW)
    assert history.problem("messages", kind=AppKind.DIALOG_WORKFLOW) is None
    assert history.problem("off", kind=WORKFLOW) is None
    assert SETTINGS["follow"].problem("thread", kind=WORKFLOW) is None


def test_an_instruction_is_a_text_of_bounded_length_for_apps_that_take_messages() -> None:
    system = SETTINGS["system"]
    assert system.read("  Be brief.\nBe *kind*.  ") == "Be brief.\nBe *kind*."
    assert refusal("system", "  ")
    for typed in ("x" * 2 * MAX_INSTRUCTION_CHARS, "x" * (MAX_INSTRUCTION_CHARS + 1)):
        assert "1 to 1,000 characters" in refusal("system", typed)
    assert system.problem("Be brief.", kind=AGENT) is None
    assert system.problem("Be brief.", kind=WORKFLOW)


CAN_BE_NONE = [key for key, setting in SETTINGS.items() if setting.can_be_none]


def test_whatever_is_inherited_and_not_switched_off_otherwise_can_be_none() -> None:
    inherited = {key for key, setting in SETTINGS.items() if len(setting.levels) > 1}
    switched_otherwise = {
        "has_thoughts",
        *(k for k, s in SETTINGS.items() if s.default is not None),
    }
    assert set(CAN_BE_NONE) == inherited - switched_otherwise


@pytest.mark.parametrize("key", CAN_BE_NONE)
@pytest.mark.parametrize("typed", ["none", "off", " None ", "NO", "无", "关闭"])
def test_a_word_for_nothing_is_typed_to_have_none(key: str, typed: str) -> None:
    assert SETTINGS[key].read(typed) == NONE


@pytest.mark.parametrize("key", CAN_BE_NONE)
@pytest.mark.parametrize("kind", AppKind)
def test_every_kind_of_app_can_do_without(key: str, kind: AppKind) -> None:
    assert SETTINGS[key].problem(NONE, kind=kind) is None


@pytest.mark.parametrize("key", [k for k, s in SETTINGS.items() if s.shape == "json"])
def test_null_is_jsons_own_word_for_none(key: str) -> None:
    assert SETTINGS[key].read(" null ") == NONE


@pytest.mark.parametrize("key", [key for key in SETTINGS if key not in {*CAN_BE_NONE, "app"}])
def test_what_is_switched_otherwise_is_not_none(key: str) -> None:
    assert refusal(key, "none")


def test_a_word_for_nothing_is_a_tag_like_any_other_in_quotation_marks() -> None:
    tags = SETTINGS["tags"]
    assert tags.read('"none"') == ["none"]
    assert tags.show(["none"]) == '"none"'
    assert tags.show(["none", "red"]) == '"none", red'


def test_an_instruction_is_no_other_word_for_nothing() -> None:
    assert SETTINGS["system"].misfit("off")
    assert SETTINGS["system"].misfit(NONE) is None


def test_null_keeps_one_further_field_out_whatever_the_kind_of_app() -> None:
    more = SETTINGS["more"]
    value = more.read('{"temperature": null, "new": 1}')
    assert value == {"temperature": None, "new": 1}
    assert more.problem(value, kind=WORKFLOW) is None
    assert more.problem({"temperature": None, "top_k": 1}, kind=WORKFLOW)


KEY = "sk-0123456789abcdef"


@pytest.mark.parametrize(
    "setting", [s for s in SETTINGS.values() if not s.choices], ids=lambda s: s.command
)
@pytest.mark.parametrize("typed", [KEY, f"a {KEY}", f'{{"a": "{KEY}"}}', f'{{"a" "{KEY}"}}'])
def test_no_setting_takes_what_looks_like_a_key(setting: Setting, typed: str) -> None:
    with pytest.raises(BadValue) as refused:
        setting.read(typed)
    assert refused.value.phrase is KEPT_OUT


@pytest.mark.parametrize("key", ["more", "biz_params", "metadata_filter", "structured_filter"])
def test_no_setting_takes_a_field_that_is_called_as_keys_are(key: str) -> None:
    with pytest.raises(BadValue) as refused:
        SETTINGS[key].read('{"api_key": "abc"}')
    assert refused.value.phrase is KEPT_OUT


@pytest.mark.parametrize(
    ("name", "typed"),
    [("pipeline_ids", "kb"), ("structured_filter", "filter table"), ("top_k", "more: top_k")],
)
def test_a_field_is_called_as_it_is_typed(name: str, typed: str) -> None:
    assert command_of(name) == typed


def test_options_of_a_level_are_its_app_options_with_further_fields_unfolded() -> None:
    values: dict[str, Json] = {
        "app": "docs",
        "follow": "thread",
        "tags": ["a"],
        "more": {"seed": 1, "tags": ["ignored"]},
        "from a later version": 1,
    }
    assert candidate_options(values) == {"seed": 1, "tags": ["a"]}
    assert candidate_options({"more": "broken"}) == {}


def test_options_of_a_level_that_are_not_to_be_had_are_null() -> None:
    values: dict[str, Json] = {"tags": "none", "more": {"seed": None, "x": "none"}}
    assert candidate_options(values) == {"tags": None, "seed": None, "x": "none"}
    assert candidate_options({"more": "none", "has_thoughts": "none"}) == {"has_thoughts": "none"}
