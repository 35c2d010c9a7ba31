"""httpx's errors -> our tree."""

import inspect

import httpx
import pytest

from bot.dashscope.http_errors import CLASSES, mapped_errors
from bot.errors import (
    DashScopeError,
    Misconfigured,
    UpstreamFailed,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)

EXPECTED: dict[type[Exception], type[DashScopeError]] = {
    httpx.ConnectTimeout: UpstreamUnreachable,
    httpx.PoolTimeout: UpstreamUnreachable,
    httpx.ReadTimeout: UpstreamTimeout,
    httpx.WriteTimeout: UpstreamTimeout,
    httpx.TimeoutException: UpstreamTimeout,
    TimeoutError: UpstreamTimeout,
    httpx.ConnectError: UpstreamUnreachable,
    httpx.ReadError: UpstreamUnreachable,
    httpx.WriteError: UpstreamUnreachable,
    httpx.CloseError: UpstreamUnreachable,
    httpx.NetworkError: UpstreamUnreachable,
    httpx.ProxyError: UpstreamUnreachable,
    httpx.RemoteProtocolError: UpstreamUnreachable,
    httpx.ProtocolError: UpstreamUnreachable,
    httpx.TransportError: UpstreamUnreachable,
    httpx.LocalProtocolError: Misconfigured,
    httpx.UnsupportedProtocol: Misconfigured,
    httpx.InvalidURL: Misconfigured,
    httpx.TooManyRedirects: Misconfigured,
    httpx.DecodingError: UpstreamGarbled,
    httpx.CookieConflict: UpstreamGarbled,
    httpx.HTTPStatusError: UpstreamFailed,
    httpx.RequestError: UpstreamUnreachable,
    httpx.HTTPError: UpstreamUnreachable,
    httpx.StreamError: UpstreamUnreachable,
    httpx.StreamConsumed: UpstreamUnreachable,
    httpx.StreamClosed: UpstreamUnreachable,
    httpx.ResponseNotRead: UpstreamUnreachable,
    httpx.RequestNotRead: UpstreamUnreachable,
}


def of_httpx() -> list[type[Exception]]:
    """Return every exception httpx has, walked from the module itself."""
    classes = [kind for _, kind in inspect.getmembers(httpx, inspect.isclass)]
    return [kind for kind in classes if issubclass(kind, Exception)]


def raised(kind: type[Exception]) -> Exception:
    """Return an error of this class, however its constructor looks."""
    error = kind.__new__(kind)
    Exception.__init__(error, "Bearer sk-secret")
    return error


@pytest.mark.parametrize("kind", [*of_httpx(), TimeoutError], ids=lambda kind: kind.__name__)
def test_every_error_of_httpx_becomes_the_one_of_ours_that_was_chosen_for_it(
    kind: type[Exception],
) -> None:
    with pytest.raises(DashScopeError) as caught, mapped_errors(status=200):
        raise raised(kind)
    assert type(caught.value) is EXPECTED[kind]
    assert (caught.value.detail, caught.value.status) == (kind.__name__, 200)


def test_what_httpx_says_is_not_handed_on() -> None:
    with pytest.raises(DashScopeError) as caught, mapped_errors():
        raise httpx.LocalProtocolError("Illegal header value b'Bearer sk-secret'")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "sk-secret" not in f"{caught.value!r}{caught.value.detail}"


def test_the_more_special_class_comes_first() -> None:
    for place, (theirs, _) in enumerate(CLASSES):
        assert not any(issubclass(theirs, earlier) for earlier, _ in CLASSES[:place])


def test_other_errors_pass() -> None:
    with pytest.raises(KeyError), mapped_errors():
        raise KeyError
