"""What a request links to is fetched before it is answered."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.playground.dashscope.fetching import IMAGE_BYTES_MOST, Approach, fetch

HERE = "http://127.0.0.1:1"


ASKED = web.AppKey("asked", list[str])


def note(request: web.Request) -> None:
    request.app[ASKED].append(f"{request.method} {request.headers.get('Range', '')}".strip())


async def hand_out_parts(request: web.Request) -> web.StreamResponse:
    note(request)
    return web.Response(status=206, body=b"PNG"[request.http_range], content_type="image/png")


async def hand_out(request: web.Request) -> web.StreamResponse:
    note(request)
    match request.match_info["name"]:
        case "good.png":
            return web.Response(body=b"PNG", content_type="image/png")
        case "good.pdf":
            return web.Response(body=b"PDF", content_type="application/pdf")
        case "login.png":
            return web.Response(text="<html>", content_type="text/html")
        case "empty.png":
            return web.Response(content_type="image/png")
        case "large.png":
            return web.Response(body=b"x" * (IMAGE_BYTES_MOST + 1), content_type="image/png")
        case "moved.png":
            raise web.HTTPFound("/good.png")
        case _:
            return web.Response(status=404)


@pytest.fixture
def asked() -> list[str]:
    """Everything the server was asked, by method and range."""
    return []


@pytest.fixture
async def address(asked: list[str]) -> AsyncIterator[str]:
    app = web.Application()
    app[ASKED] = asked
    app.router.add_get("/parts.png", hand_out_parts)
    app.router.add_get("/{name}", hand_out)
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


async def test_images_variables_and_documents_are_fetched_in_order(address: str) -> None:
    png, pdf = f"{address}/good.png", f"{address}/good.pdf"
    links = {"image_list": [png], "file_list": [pdf], "biz_params": {"imageList": [png]}}
    fetched = await fetch({"input": links})
    assert [file.content for file in fetched] == [b"PNG", b"PNG", b"PDF"]
    assert all(file.is_good for file in fetched)
    assert address not in repr(fetched)


@pytest.mark.parametrize("name", ["login.png", "empty.png", "large.png", "moved.png", "no.png"])
async def test_what_is_no_file_of_its_kind_is_no_good(address: str, name: str) -> None:
    (fetched,) = await fetch({"input": {"image_list": [f"{address}/{name}"]}})
    assert not fetched.is_good


@pytest.mark.parametrize(
    ("approach", "name", "expected"),
    [
        (Approach.ONCE, "good.png", ["GET"]),
        (Approach.EAGER, "good.png", ["GET"]),
        (Approach.LOOKING, "good.png", ["HEAD", "GET"]),
        (Approach.TWICE, "good.png", ["GET", "GET"]),
        (Approach.IN_PARTS, "parts.png", ["GET bytes=0-0", "GET bytes=1-"]),
        (Approach.IN_PARTS, "good.png", ["GET bytes=0-0"]),
    ],
)
async def test_a_file_is_the_same_however_it_is_fetched(
    address: str, asked: list[str], approach: Approach, name: str, expected: list[str]
) -> None:
    body = {"input": {"image_list": [f"{address}/{name}"]}}
    (fetched,) = await fetch(body, approach=approach)
    assert (fetched.content, fetched.is_good) == (b"PNG", True)
    assert asked == expected


@pytest.mark.parametrize("body", [None, [], {}, {"input": 1}, {"input": {"biz_params": []}}])
async def test_what_is_no_request_links_to_nothing(body: object) -> None:
    assert await fetch(body, approach=Approach.EAGER) == ()


async def test_who_looks_first_and_finds_nothing_fetches_nothing(
    address: str, asked: list[str]
) -> None:
    body = {"input": {"image_list": [f"{address}/no.png"]}}
    (fetched,) = await fetch(body, approach=Approach.LOOKING)
    assert (fetched.status, asked) == (404, ["HEAD"])


async def test_nobody_at_the_address_is_no_good() -> None:
    (fetched,) = await fetch({"input": {"image_list": [f"{HERE}/a.png"]}})
    assert (fetched.status, fetched.is_good) == (0, False)


@pytest.mark.parametrize(
    "url", ["https://example.com/a.png", "http://10.0.0.1/a.png", "data:image/png;base64,AA", "x["]
)
async def test_only_this_machine_is_asked(url: str) -> None:
    assert await fetch({"input": {"image_list": [url], "file_list": "no list"}}) == ()
