"""Addresses that secrets may be sent to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.endpoints import Endpoint, is_protected, read_endpoint


@pytest.mark.parametrize(
    ("address", "origin", "host"),
    [
        ("https://bailian.cn-beijing.aliyuncs.com", None, "bailian.cn-beijing.aliyuncs.com"),
        ("https://Example.COM:443/", "https://example.com", "example.com"),
        ("https://example.com:8443", None, "example.com:8443"),
        ("http://127.0.0.1:8080", None, "127.0.0.1:8080"),
        ("http://localhost", None, "localhost"),
        ("http://[::1]:80", "http://[::1]", "[::1]"),
    ],
)
def test_an_address_of_a_host_alone_is_an_endpoint(
    address: str, origin: str | None, host: str
) -> None:
    assert read_endpoint(address) == Endpoint(origin=origin or address, host=host)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "bailian.cn-beijing.aliyuncs.com",
        "http://bailian.cn-beijing.aliyuncs.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://example.com/api",
        "https://example.com?canary=1",
        "https://example.com#canary",
        "https://user:canary@example.com",
        "https://example.com:canary",
        "https://[canary",
        "https://",
    ],
)
def test_every_other_address_is_refused_without_being_repeated(address: str) -> None:
    with pytest.raises(ValueError, match="must be") as caught:
        read_endpoint(address)
    assert "canary" not in str(caught.value)


@given(st.text())
def test_judging_an_address_never_fails(text: str) -> None:
    assert isinstance(is_protected(text), bool)
