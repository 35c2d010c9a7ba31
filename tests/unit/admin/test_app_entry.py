"""What may be said of an app, and which key may go where."""

from collections import ChainMap
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.admin.app_entry import (
    AppEntry,
    EntryProblems,
    KeyRules,
    fields_of,
    read_entry,
)
from bot.core.api_fields import problems
from bot.core.app_addresses import BASE_URLS, may_take_bot_key
from bot.core.language import Language
from bot.core.question import AppKind
from storage.records import StoredApp

DEFAULT_URL = "http://127.0.0.1:9000/api/v1"
KEYS = KeyRules(can_keep=True, default_base_url=DEFAULT_URL)
FIELDS = {"name": "docs", "app_id": "APP1", "kind": "agent", "region": "singapore"}
STORED = StoredApp(
    name="docs",
    app_id="APP1",
    kind="agent",
    base_url=BASE_URLS["singapore"],
    workspace="",
    secret_name="app/1",
    options={"has_thoughts": True},
    is_open=True,
    version=3,
)


def read(keys: KeyRules = KEYS, **fields: str) -> AppEntry | EntryProblems:
    return read_entry({**FIELDS, **fields}, keys=keys, language=Language.EN)


def wrong(keys: KeyRules = KEYS, **fields: str) -> set[str]:
    entry = read(keys, **fields)
    return set(entry.by_field) if isinstance(entry, EntryProblems) else set()


def test_an_app_where_no_token_goes_brings_no_plugins_that_need_one() -> None:
    elsewhere = {"region": "", "base_url": "https://shop.example/api/v1", "api_key": "sk-own"}
    plugins = '{"plugins": ["maps"]}'
    assert wrong(KEYS, **elsewhere) == set()
    refused = read(KEYS, **elsewhere, options=plugins)
    assert isinstance(refused, EntryProblems)
    assert refused.by_field["options"].startswith("plugins: Tokens go only to")
    assert wrong(options=plugins) == set()
    assert wrong(region="", base_url=DEFAULT_URL, options=plugins) == set()


def test_complete_fields_make_an_entry() -> None:
    assert read(
        workspace="llm-1", open="yes", options='{"has_thoughts": true}', api_key="sk-own"
    ) == AppEntry(
        name="docs",
        app_id="APP1",
        kind=AppKind.AGENT,
        base_url=BASE_URLS["singapore"],
        workspace="llm-1",
        options={"has_thoughts": True},
        is_open=True,
        api_key="sk-own",
    )


def test_everything_that_is_wrong_is_told_at_once() -> None:
    entry = read_entry(
        {"name": "two words", "kind": "robot", "region": "mars", "workspace": "-", "open": "maybe",
         "options": "[]", "api_key": "a b"},
        keys=KEYS,
        language=Language.ZH,
    )  # fmt: skip
    assert isinstance(entry, EntryProblems)
    assert set(entry.by_field) == {
        "name", "app_id", "kind", "region", "workspace", "open", "options", "api_key"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["文档助手", "Ünï-1", "a" * 32, "A_b-9", "é"])
def test_names_may_be_of_any_script(name: str) -> None:
    assert wrong(name=name) == set()


@pytest.mark.parametrize(
    "name", ["", "a b", "a" * 33, "a!", "<@U1>", "`x`", "default", "DEFAULT", "a\nb"]
)
def test_other_names_are_refused(name: str) -> None:
    assert wrong(name=name) == {"name"}


@pytest.mark.parametrize(
    "url",
    [
        "https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1",
        "https://example.com/proxy/api/v1/",
        "https://example.com:8443/api/v1",
        "http://127.0.0.1:9000/api/v1",
        "http://localhost/api/v1",
    ],
)
def test_an_address_is_https_or_loopback_and_ends_in_the_api(url: str) -> None:
    entry = read(region="", base_url=url, api_key="sk-1")
    assert isinstance(entry, AppEntry)
    assert entry.base_url == url.rstrip("/")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/api/v1", "http://localhost/api/v1", "https://localhost/api/v1"]
)
def test_the_bots_own_machine_is_no_address_unless_the_bot_itself_asks_there(url: str) -> None:
    keys = replace(KEYS, default_base_url=BASE_URLS["singapore"])
    assert wrong(keys, region="", base_url=url, api_key="sk-1") == {"base_url"}
    assert not wrong(region="", base_url=url, api_key="sk-1")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/api/v1",
        "http://127.0.0.1.example.com/api/v1",
        "https://example.com/api/v2",
        "https://example.com/api/v1?x=1",
        "https://example.com/api/v1#x",
        "https://user@example.com/api/v1",
        "https://user:pass@example.com/api/v1",
        "https://example.com:99999/api/v1",
        "https:///api/v1",
        "https://exa mple.com/api/v1",
        "ftp://example.com/api/v1",
        "file:///api/v1",
        "https://[::1]/api/v1",
        f"https://example.com/{'a' * 300}/api/v1",
        "example.com/api/v1",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    assert wrong(region="", base_url=url, api_key="sk-1") == {"base_url"}


def test_a_region_stands_for_its_address() -> None:
    for region, url in BASE_URLS.items():
        entry = read(region=region)
        assert isinstance(entry, AppEntry)
        assert entry.base_url == url


def test_a_region_and_another_address_contradict_each_other() -> None:
    assert wrong(region="beijing", base_url="https://example.com/api/v1") == {"base_url"}
    assert wrong(region="beijing", base_url=BASE_URLS["beijing"]) == set()
    assert wrong(region="other") == {"base_url"}
    assert wrong(region="") == {"base_url"}


def test_options_are_checked_for_the_kind() -> None:
    assert wrong(kind="workflow", options='{"pipeline_ids": ["P1"]}') == {"options"}
    assert wrong(kind="agent", options='{"pipeline_ids": ["P1"]}') == set()
    assert wrong(options='{"prompt": "x"}') == {"options"}
    assert wrong(options='{"has_thoughts": tru}') == {"options"}


def test_the_bots_key_goes_to_the_vendor_and_to_where_it_goes_anyway() -> None:
    for url in (*BASE_URLS.values(), DEFAULT_URL, "https://llm-1.cn-beijing.maas.aliyuncs.com/x"):
        assert may_take_bot_key(url, default_base_url=DEFAULT_URL)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/api/v1",
        "https://dashscope.aliyuncs.com.example.com/api/v1",
        "https://evil-dashscope.aliyuncs.com/api/v1",
        "https://1234.cn-shanghai.fc.aliyuncs.com/api/v1",
        "https://bucket.oss-cn-hangzhou.aliyuncs.com/api/v1",
        "http://dashscope.aliyuncs.com/api/v1",
        "http://127.0.0.1:9001/api/v1",
        "http://localhost/api/v1",
    ],
)
def test_the_bots_key_goes_nowhere_else(url: str) -> None:
    assert not may_take_bot_key(url, default_base_url=DEFAULT_URL)


def test_an_app_elsewhere_needs_a_key_of_its_own() -> None:
    url = "https://example.com/api/v1"
    assert wrong(region="", base_url=url) == {"api_key"}
    assert wrong(region="", base_url=url, api_key="sk-1") == set()
    locked = replace(KEYS, can_keep=False)
    assert wrong(locked, region="", base_url=url) == {"base_url"}
    assert wrong(locked, api_key="sk-1") == {"api_key"}


def test_a_kept_key_is_not_sent_to_a_host_it_was_not_entered_for() -> None:
    keys = replace(KEYS, before=STORED)
    url = "https://example.com/api/v1"
    assert wrong(keys, region="", base_url=url) == {"api_key"}
    assert wrong(keys, region="", base_url=url, api_key="sk-2") == set()
    assert wrong(keys, region="", base_url=url, bot_key="bot") == {"api_key"}
    assert wrong(keys, region="beijing") == set()


def test_a_key_is_either_entered_or_dropped() -> None:
    assert wrong(replace(KEYS, before=STORED), api_key="sk-2", bot_key="bot") == {"api_key"}
    assert wrong(replace(KEYS, before=STORED), bot_key="bot") == set()


def test_a_key_does_not_show_in_a_repr() -> None:
    assert "sk-canary" not in repr(read(api_key="sk-canary"))


def test_a_stored_app_reads_back_as_it_is_typed() -> None:
    for base_url in (BASE_URLS["hongkong"], "https://llm-1.cn-beijing.maas.aliyuncs.com/api/v1"):
        stored = replace(STORED, base_url=base_url)
        entry = read_entry(
            fields_of(stored), keys=replace(KEYS, before=stored), language=Language.EN
        )
        assert isinstance(entry, AppEntry)
        assert entry.base_url == base_url
        assert (entry.name, entry.options, entry.is_open) == ("docs", STORED.options, True)


FIELD_NAMES = st.sampled_from(
    ["name", "app_id", "kind", "region", "base_url", "workspace", "api_key", "bot_key", "open",
     "options", "junk"]
)  # fmt: skip
ODD = st.dictionaries(
    FIELD_NAMES,
    st.one_of(
        st.text(max_size=40),
        st.sampled_from(
            ["docs", "agent", "workflow", "beijing", "other", "bot", "yes", "https://x.y/api/v1",
             '{"pipeline_ids": ["P"]}', '{"flow_stream_mode": "full_thoughts"}', "{" * 2000]
        ),
    ),
)  # fmt: skip
PLACES = (
    {"region": "singapore"},
    {"region": "other", "base_url": DEFAULT_URL},
    {"region": "other", "base_url": "https://x.y/api/v1"},
)
KEYS_TYPED = (
    {},
    {"api_key": "sk-own"},
    {"bot_key": "bot"},
    {"api_key": "sk-own", "bot_key": "bot"},
)
OPTIONS_TYPED = ({}, {"options": '{"pipeline_ids": ["P"]}'}, {"options": '{"has_thoughts": true}'})
PLAUSIBLE = st.builds(
    lambda *parts: dict[str, str](ChainMap(*parts, FIELDS)),
    st.sampled_from(PLACES),
    st.sampled_from(KEYS_TYPED),
    st.sampled_from(OPTIONS_TYPED),
    st.sampled_from([{"kind": "agent"}, {"kind": "workflow"}]),
)
TYPED = st.one_of(PLAUSIBLE, ODD, st.builds(lambda good, odd: {**good, **odd}, PLAUSIBLE, ODD))


@settings(max_examples=300, deadline=None)
@given(TYPED, st.booleans(), st.sampled_from(list(Language)))
def test_whatever_is_typed_gives_an_entry_that_can_be_sent_or_a_reason(
    typed: dict[str, str], can_keep: bool, language: Language
) -> None:
    keys = KeyRules(can_keep=can_keep, default_base_url=DEFAULT_URL)
    entry = read_entry(typed, keys=keys, language=language)
    match entry:
        case AppEntry():
            assert not problems(entry.options, kind=entry.kind)
            assert entry.api_key or may_take_bot_key(entry.base_url, default_base_url=DEFAULT_URL)
        case EntryProblems():
            assert entry.by_field
            assert all(entry.by_field.values())


KEY = "sk-0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", KEY[:32]),
        ("app_id", KEY),
        ("workspace", KEY),
        ("base_url", f"https://x.example/{KEY}/api/v1"),
        ("options", f'{{"model_id": "{KEY}"}}'),
        ("options", f'{{"model_id" "{KEY}"}}'),
        ("options", '{"api_key": "abc"}'),
    ],
)
def test_a_key_in_the_field_of_something_else_is_refused_and_not_repeated(
    field: str, text: str
) -> None:
    entry = read(KEYS, **{field: text})
    assert isinstance(entry, EntryProblems)
    assert "looks like a key" in entry.by_field[field]
    assert "0123456789abcdef" not in repr(entry)


@pytest.mark.parametrize("name", ["Default", "inherit", "-", "继承", "默认", "OFF", "none", "无"])
def test_no_app_is_called_by_a_word_that_means_something_where_it_is_typed(name: str) -> None:
    assert wrong(name=name) == {"name"}
