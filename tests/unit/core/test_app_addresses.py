"""Where apps may be asked, and which key goes where."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.app_addresses import (
    BASE_URLS,
    host_of,
    is_base_url,
    may_take_bot_key,
    region_of,
)

HERE = "http://127.0.0.1:9/api/v1"
SINGAPORE = BASE_URLS["singapore"]


@pytest.mark.parametrize("region", sorted(BASE_URLS))
def test_a_region_has_a_word_an_address_and_the_vendors_trust(region: str) -> None:
    url = BASE_URLS[region]
    assert region_of(url) == region
    assert is_base_url(url, default_base_url=SINGAPORE)
    assert may_take_bot_key(url, default_base_url=HERE)


def test_another_address_has_no_word() -> None:
    assert region_of("https://proxy.example/api/v1") == ""
    assert host_of("https://proxy.example:8443/api/v1") == "proxy.example:8443"


@pytest.mark.parametrize(
    "url",
    [
        "https://dashscope.aliyuncs.com.evil.example/api/v1",
        "https://evil.aliyuncs.com/api/v1",
        "http://dashscope.aliyuncs.com/api/v1",
        "https://llm-1.evil.maas.aliyuncs.com.example/api/v1",
    ],
)
def test_the_bots_key_goes_to_no_strangers_host(url: str) -> None:
    assert not may_take_bot_key(url, default_base_url=SINGAPORE)


def test_the_bots_key_goes_where_the_bots_own_app_is() -> None:
    own = "https://gateway.example/dashscope/api/v1"
    assert may_take_bot_key("https://gateway.example/other/api/v1", default_base_url=own)
    assert not may_take_bot_key("https://gateway.example:8443/api/v1", default_base_url=own)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("https://proxy.example/api/v1", True),
        ("https://proxy.example:65535/dashscope/api/v1", True),
        ("https://proxy.example:65536/api/v1", False),
        ("http://proxy.example/api/v1", False),
        ("https://user:pw@proxy.example/api/v1", False),
        ("https://proxy.example/api/v2", False),
        ("https://proxy.example/api/v1?x=1", False),
        ("https://127.0.0.1/api/v1", False),
        (f"https://{'a' * 300}.example/api/v1", False),
        ("", False),
    ],
)
def test_an_address_is_https_plain_and_whole(text: str, is_one: bool) -> None:
    assert is_base_url(text, default_base_url=SINGAPORE) is is_one


def test_this_machine_is_an_address_only_where_the_bots_own_app_is_on_it() -> None:
    assert is_base_url("http://localhost:8080/api/v1", default_base_url=HERE)
    assert not is_base_url("http://localhost:8080/api/v1", default_base_url=SINGAPORE)


INNER_HOSTS = [
    "127.0.0.1", "LOCALHOST", "127.0.0.2", "127.1", "0", "2130706433", "0x7f.0.0.1",
    "0x7F000001", "0177.0.0.1", "127.0.0.1.", "127.0.0.0x1", "10.0.0.5", "10.0.0.5:8443",
    "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "[::1]",
    "[fd00::1]", "[::ffff:127.0.0.1]", "localhost.", "postgres", "a.localhost",
    "kubernetes.default.svc",
    "x.svc.cluster.local", "printer.local", "metadata.google.internal", "METADATA.Google.INTERNAL",
    "0.0.0.0",  # noqa: S104 # nothing listens there
    "metadata.google.internal.", "localhost.localdomain", "router.home.arpa",
]  # fmt: skip


@pytest.mark.parametrize("host", INNER_HOSTS)
def test_no_app_can_be_inside_the_operators_network(host: str) -> None:
    assert not is_base_url(f"https://{host}/api/v1", default_base_url=SINGAPORE)


@pytest.mark.parametrize("host", INNER_HOSTS[2:])
def test_a_bot_that_is_tried_out_opens_no_more_than_its_own_machine(host: str) -> None:
    assert not is_base_url(f"https://{host}/api/v1", default_base_url=HERE)


@given(st.ip_addresses(v=4))
def test_an_address_in_figures_is_one_on_the_internet(address: IPv4Address) -> None:
    url = f"https://{address}/api/v1"
    assert is_base_url(url, default_base_url=SINGAPORE) is address.is_global


@pytest.mark.parametrize("host", ["8.8.8.8", "x.svc.example", "internal.example", "local.example"])
def test_a_host_on_the_internet_may_have_any_other_name(host: str) -> None:
    assert is_base_url(f"https://{host}/api/v1", default_base_url=SINGAPORE)


def test_inside_the_network_an_app_is_only_where_the_bots_own_app_is() -> None:
    own = "https://gateway.internal:8443/api/v1"
    assert is_base_url("https://gateway.internal:8443/other/api/v1", default_base_url=own)
    assert not is_base_url("https://gateway.internal/api/v1", default_base_url=own)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_an_address_or_not(text: str) -> None:
    assert is_base_url(text, default_base_url=SINGAPORE) in {True, False}
