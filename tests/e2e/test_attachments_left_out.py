"""Files that cannot be passed on: one sentence for each reason, and an answer all the same."""

from dataclasses import replace

import pytest
from attached import (
    PNG,
    answered,
    asked_once,
    contents_of,
    document,
    free_port,
    give_address,
    image,
    text,
)
from given import UNLIMITED
from rig import APP_ID, Rig

from bot.core.file_refusals import NOT_PERMITTED
from bot.core.question import AppKind
from bot.playground.dashscope.apps import App, echo_app
from bot.playground.slack.directory import File
from bot.playground.slack.faults import Fault, FaultKind
from bot.playground.slack.limits import Limits

ORCHESTRATION = echo_app(APP_ID, kind=AppKind.ORCHESTRATION)


@pytest.fixture
def limits() -> Limits:
    """Nobody waits for Slack."""
    return UNLIMITED


async def test_without_an_address_and_a_key_the_sentence_says_what_an_admin_can_do(
    rig: Rig,
) -> None:
    async with rig.bot():
        shown = await answered(rig, image(), text(), document())
    assert "buy milk" in asked_once(rig).body["input"]["prompt"]
    assert set(asked_once(rig).body["input"]) == {"prompt"}
    assert shown.endswith(
        "I left out “cat.png”, “plan.pdf”: to pass on images and documents, whoever runs me must "
        "set PUBLIC_URL."
    )


async def test_with_nothing_to_ask_there_is_one_sentence_and_no_request(any_rig: Rig) -> None:
    async with any_rig.bot():
        shown = await answered(any_rig, image(), document(), said="")
    assert shown == (
        "I left out “cat.png”, “plan.pdf”: to pass on images and documents, whoever runs me must "
        "set PUBLIC_URL."
    )
    assert any_rig.asked() == ()


async def test_what_is_too_large_is_left_out_and_the_rest_goes(rig: Rig) -> None:
    give_address(rig)
    large = image("F1", name="large.png", content=b"x" * 10_000_001)
    async with rig.bot():
        shown = await answered(rig, large, image("F2"))
    assert contents_of(asked_once(rig)) == [PNG]
    assert shown == ("Look!\nI left out “large.png”: of a file like this I read at most 10 MB.")


async def test_a_long_text_goes_as_a_document_where_documents_go(rig: Rig) -> None:
    long = text(content="word " * 30_000)
    async with rig.bot():
        shown = await answered(rig, long)
    assert "notes.txt" in shown
    give_address(rig)
    async with rig.bot():
        assert await answered(rig, long, turns=2) == "Look!"
    assert contents_of(rig.asked()[1]) == [long.content]


async def test_a_login_page_is_never_read_as_the_file(rig: Rig) -> None:
    give_address(rig)
    rig.slack.counter.knows_nobody = True
    async with rig.bot():
        shown = await answered(rig, text())
    assert shown == f"Look!\n{NOT_PERMITTED.en}"
    assert asked_once(rig).body["input"]["prompt"] == "Look!"


async def test_without_the_scope_to_read_files_one_sentence_says_so(rig: Rig) -> None:
    give_address(rig)
    workspace = rig.slack.workspace
    app = workspace.app
    workspace.app = replace(app, scopes=app.scopes - {"files:read"})
    async with rig.bot():
        shown = await answered(rig, text(), image(), document())
    assert shown == f"Look!\n{NOT_PERMITTED.en}"
    assert asked_once(rig).fetched == ()


@pytest.mark.parametrize("app_under_test", [ORCHESTRATION])
async def test_an_orchestration_gets_text_alone(rig: Rig, app_under_test: App) -> None:
    give_address(rig)
    rig.changes["dashscope_app_kind"] = AppKind.ORCHESTRATION
    async with rig.bot():
        shown = await answered(rig, text(), image())
    assert "buy milk" in asked_once(rig).body["input"]["prompt"]
    assert shown.endswith("I left out “cat.png”: the app here takes no images.")


async def test_what_is_kept_elsewhere_or_of_an_unknown_kind_is_left_out(rig: Rig) -> None:
    give_address(rig)
    elsewhere = File("F1", name="a.pdf", content=b"", mimetype="application/pdf", mode="external")
    moving = File("F2", name="b.gif", content=b"GIF89a", mimetype="image/gif")
    async with rig.bot():
        shown = await answered(rig, elsewhere, moving)
    assert shown == (
        "Look!\nI left out “a.pdf”: what is kept outside Slack I cannot open. "
        "I left out “b.gif”: I read only plain text, BMP, HEIC, JPG, PNG, TIFF, WEBP, DOC, DOCX, "
        "PDF, PPT, PPTX, XLS, XLSX."
    )


async def test_an_empty_file_is_left_out_and_the_rest_goes(rig: Rig) -> None:
    give_address(rig)
    empty = image("F1", name="a.png", content=b""), text("F2", name="b.txt", content="")
    async with rig.bot():
        shown = await answered(rig, *empty, image("F3"))
    assert contents_of(asked_once(rig)) == [PNG]
    assert shown == "Look!\nI left out “a.png”, “b.txt”: there is nothing inside."


async def test_a_file_slack_does_not_tell_of_is_named_as_it_was_when_it_was_attached(
    rig: Rig,
) -> None:
    rig.slack.faults.add(Fault("files.info", FaultKind.STATUS, status=503))
    rig.slack.faults.add(Fault("files.info", FaultKind.ERROR, error="file_not_found"))
    async with rig.bot():
        shown = await answered(rig, text("F1", name="one.txt"), text("F2", name="two.txt"))
    assert "I could not fetch “one.txt”" in shown
    assert "I left out “two.txt”: not there any more" in shown


async def test_an_address_that_leads_nowhere_is_one_plain_sentence_about_the_file(
    rig: Rig,
) -> None:
    rig.changes["public_url"] = f"http://127.0.0.1:{free_port()}"
    async with rig.bot():
        shown = await answered(rig, image())
    assert shown.startswith("The assistant could not download what is attached.")
    assert "127.0.0.1" not in shown
