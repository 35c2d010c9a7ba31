"""Which way each file goes."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core import file_refusals
from bot.core.api_fields import MAX_SESSION_FILES, problem_of
from bot.core.attachments import (
    BYTES_MOST,
    FILES_MOST,
    IMAGE_VARIABLE,
    SESSION_FILE_BYTES_MOST,
    TEXT_BYTES_MOST,
    TEXTS_BYTES_MOST,
    TOO_MANY_FILES,
    Decision,
    Means,
    Passed,
    Way,
    decide,
    quoted,
)
from bot.core.file_refusals import (
    EMPTY,
    KEPT_ELSEWHERE,
    NO_DOCUMENTS,
    NO_IMAGES,
    NO_PLACE,
    NO_TEXT,
    NO_WAY,
    NOT_THERE,
    TOO_LARGE,
    TOO_MUCH_TEXT,
    UNKNOWN_KIND,
    Refusal,
    sentences,
)
from bot.core.files import EXTERNAL, Family, FileNote, decoded, plain_name
from bot.core.json_value import Json
from bot.core.language import Language, Phrase
from bot.core.question import AppKind

IMAGE = FileNote("F1", name="a.png", mimetype="image/png", size_bytes=9, mode="hosted")
PAPER = FileNote("F2", name="b.pdf", mimetype="application/pdf", size_bytes=9, mode="hosted")
WORDS = FileNote("F3", name="c.py", mimetype="text/plain", size_bytes=9, mode="snippet")
ALL = Means(AppKind.AGENT, has_links=True, has_session_files=True)
LINKS = Means(AppKind.AGENT, has_links=True)
UPLOADS = Means(AppKind.AGENT, has_session_files=True)
BARE = Means(AppKind.AGENT)
FLOW = Means(AppKind.WORKFLOW, has_links=True, has_session_files=True)
PICTURE_FLOW = replace(FLOW, takes_image_variable=True)


def outcome(decision: Decision) -> Way | Phrase:
    return decision.way if isinstance(decision, Passed) else decision.phrase


def fate(note: FileNote, means: Means = ALL) -> Way | Phrase:
    (decision,) = decide([note], means=means)
    return outcome(decision)


@pytest.mark.parametrize(
    ("means", "image", "paper"),
    [
        (ALL, Way.IMAGE_LINK, Way.DOCUMENT_LINK),
        (LINKS, Way.IMAGE_LINK, Way.DOCUMENT_LINK),
        (UPLOADS, Way.SESSION_FILE, Way.SESSION_FILE),
        (BARE, NO_WAY, NO_WAY),
        (FLOW, NO_IMAGES, NO_DOCUMENTS),
        (PICTURE_FLOW, Way.IMAGE_LINK, NO_DOCUMENTS),
        (replace(PICTURE_FLOW, has_links=False), NO_WAY, NO_DOCUMENTS),
        (Means(AppKind.ORCHESTRATION, has_links=True), NO_IMAGES, NO_DOCUMENTS),
    ],
)
def test_images_and_documents_go_where_the_app_takes_them(
    means: Means, image: Way | Phrase, paper: Way | Phrase
) -> None:
    assert (fate(IMAGE, means), fate(PAPER, means)) == (image, paper)


@pytest.mark.parametrize("kind", AppKind)
def test_every_kind_of_app_is_given_short_texts_as_words(kind: AppKind) -> None:
    assert fate(WORDS, Means(kind)) is Way.TEXT


@pytest.mark.parametrize(
    ("note", "means", "most", "within", "beyond"),
    [
        (IMAGE, ALL, BYTES_MOST[Family.IMAGE], Way.IMAGE_LINK, TOO_LARGE),
        (PAPER, ALL, BYTES_MOST[Family.DOCUMENT], Way.DOCUMENT_LINK, TOO_LARGE),
        (PAPER, UPLOADS, SESSION_FILE_BYTES_MOST, Way.SESSION_FILE, TOO_LARGE),
        (WORDS, BARE, TEXT_BYTES_MOST, Way.TEXT, TOO_LARGE),
        (WORDS, FLOW, TEXT_BYTES_MOST, Way.TEXT, TOO_LARGE),
        (WORDS, ALL, TEXT_BYTES_MOST, Way.TEXT, Way.DOCUMENT_LINK),
        (WORDS, ALL, BYTES_MOST[Family.TEXT], Way.DOCUMENT_LINK, TOO_LARGE),
    ],
)
def test_each_way_has_its_bound(
    note: FileNote, means: Means, most: int, within: Way | Phrase, beyond: Way | Phrase
) -> None:
    assert fate(replace(note, size_bytes=most), means) is within
    assert fate(replace(note, size_bytes=most + 1), means) is beyond


def test_texts_share_the_room_in_the_prompt_in_order() -> None:
    large = replace(WORDS, size_bytes=TEXT_BYTES_MOST - 10)
    small = replace(WORDS, size_bytes=TEXTS_BYTES_MOST - 2 * (TEXT_BYTES_MOST - 10))
    notes = [large, large, large, IMAGE, small, replace(WORDS, size_bytes=1)]
    assert [outcome(each) for each in decide(notes, means=BARE)] == [
        Way.TEXT,
        Way.TEXT,
        TOO_MUCH_TEXT,
        NO_WAY,
        Way.TEXT,
        TOO_MUCH_TEXT,
    ]
    assert [outcome(each) for each in decide([large] * 3, means=LINKS)] == [
        Way.TEXT,
        Way.TEXT,
        Way.DOCUMENT_LINK,
    ]


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (replace(IMAGE, mode=EXTERNAL), KEPT_ELSEWHERE),
        (replace(IMAGE, mode="tombstone"), NOT_THERE),
        (replace(IMAGE, mode="hidden_by_limit"), NOT_THERE),
        (replace(IMAGE, mode="file_access"), NOT_THERE),
        (FileNote("F1"), NOT_THERE),
        (replace(WORDS, mode="post"), UNKNOWN_KIND),
        (replace(WORDS, mode="canvas"), UNKNOWN_KIND),
        (replace(IMAGE, mimetype="video/mp4"), UNKNOWN_KIND),
        (replace(IMAGE, mimetype="image/gif"), UNKNOWN_KIND),
        (replace(IMAGE, size_bytes=0), EMPTY),
        (replace(PAPER, size_bytes=0), EMPTY),
        (replace(WORDS, size_bytes=0), EMPTY),
    ],
)
def test_what_the_bot_cannot_read_is_refused_in_words(note: FileNote, reason: Phrase) -> None:
    assert fate(note) is reason


def test_one_refusal_stands_for_all_that_come_after_those_that_can_go() -> None:
    lost = replace(IMAGE, mode="tombstone")
    images = [replace(IMAGE, file_id=f"F1{number}") for number in range(FILES_MOST + 2)]
    *sent, last = decide([lost, *images], means=ALL)
    assert [outcome(decision) for decision in sent] == [NOT_THERE, *[Way.IMAGE_LINK] * FILES_MOST]
    assert last == TOO_MANY_FILES


@pytest.mark.parametrize("named", range(MAX_SESSION_FILES + 1))
def test_uploads_take_the_places_that_session_files_of_the_settings_leave(named: int) -> None:
    ids = [f"file_session_{number}" for number in range(named)]
    options: dict[str, Json] = {"session_file_ids": ids}
    means = Means.of(AppKind.AGENT, options, has_links=False, has_session_files=True)
    left = MAX_SESSION_FILES - named
    notes = [*[IMAGE, PAPER] * 4, WORDS, IMAGE]
    decisions = decide(notes, means=means)
    uploads = [Way.SESSION_FILE] * min(left, 9) + [NO_PLACE] * max(0, 9 - left)
    assert [outcome(each) for each in decisions] == [*uploads[:8], Way.TEXT, uploads[8]]
    sent = [f"file_session_new_{n}" for n in range(uploads.count(Way.SESSION_FILE))]
    assert problem_of("session_file_ids", [*ids, *sent], kind=AppKind.AGENT) is None


def test_files_that_go_by_link_need_no_place_among_session_files() -> None:
    full = replace(ALL, session_files_most=0)
    assert (fate(IMAGE, full), fate(PAPER, full)) == (Way.IMAGE_LINK, Way.DOCUMENT_LINK)


FILES = st.builds(
    FileNote,
    file_id=st.just("F1"),
    name=st.text(),
    mimetype=st.sampled_from(["", "image/png", "text/plain", "application/pdf", "video/mp4"]),
    size_bytes=st.none() | st.integers(0, 2 * 10**8),
    mode=st.sampled_from(["hosted", "snippet", "external", "file_access", ""]),
)
MEANS = st.builds(
    Means,
    kind=st.sampled_from(AppKind),
    takes_image_variable=st.booleans(),
    has_links=st.booleans(),
    has_session_files=st.booleans(),
    session_files_most=st.integers(0, MAX_SESSION_FILES),
)


@given(st.lists(FILES, max_size=10), MEANS)
def test_every_file_is_decided_in_its_place_within_all_bounds(
    files: list[FileNote], means: Means
) -> None:
    decisions = decide(files, means=means)
    assert len(decisions) == len(files)
    passed = [(note, each) for note, each in zip(files, decisions, strict=True)]
    sizes, uploads = 0, 0
    for note, decision in passed:
        if isinstance(decision, Refusal):
            assert sentences([decision], language=Language.EN)
            assert sentences([decision], language=Language.ZH)
            continue
        assert decision.note is note
        assert (note.size_bytes or 0) <= decision.bytes_most
        if decision.way is Way.TEXT:
            sizes += note.size_bytes or 0
        elif decision.way is Way.SESSION_FILE:
            assert means.has_session_files
            uploads += 1
        else:
            assert means.has_links
    assert sizes <= TEXTS_BYTES_MOST
    assert uploads <= means.session_files_most


@pytest.mark.parametrize(
    ("kind", "options", "takes"),
    [
        (AppKind.WORKFLOW, {"biz_params": {IMAGE_VARIABLE: []}}, True),
        (AppKind.DIALOG_WORKFLOW, {"biz_params": {IMAGE_VARIABLE: ["https://a/b.png"]}}, True),
        (AppKind.ORCHESTRATION, {"biz_params": {IMAGE_VARIABLE: []}}, False),
        (AppKind.WORKFLOW, {"biz_params": {"city": "Hangzhou"}}, False),
        (AppKind.WORKFLOW, {}, False),
    ],
)
def test_a_workflow_takes_images_where_its_variables_name_them(
    kind: AppKind, options: dict[str, Json], takes: bool
) -> None:
    means = Means.of(kind, options, has_links=True, has_session_files=False)
    assert means.takes_image_variable is takes


@pytest.mark.parametrize(
    ("name", "mimetype", "goes_as"),
    [
        ("../x.py", "text/plain", "x.py.txt"),
        ("Plan.PDF", "application/pdf", "Plan.PDF"),
        ("", "image/png", "file.png"),
    ],
)
def test_a_file_goes_under_a_harmless_name_with_the_ending_of_its_kind(
    name: str, mimetype: str, goes_as: str
) -> None:
    note = replace(PAPER, name=name, mimetype=mimetype, size_bytes=5 * 10**6)
    (decision,) = decide([note], means=UPLOADS)
    assert isinstance(decision, Passed)
    assert decision.name == goes_as


@given(st.text(), st.text())
def test_no_text_gets_out_of_its_fence(name: str, text: str) -> None:
    block = quoted(replace(WORDS, name=name), text.encode("utf-8", "replace"))
    if isinstance(block, Refusal):
        return
    head, fence_line, *lines, last = block.split("\n")
    fence = re.match("`+", fence_line)
    assert fence is not None
    assert len(fence[0]) >= 3
    assert last == fence[0]
    assert not any(fence[0] in line for line in lines)
    assert head == f"{plain_name(name)}:"
    assert "\n".join(lines) == decoded(text.encode("utf-8", "replace"))


def test_a_text_is_quoted_under_its_name() -> None:
    assert quoted(WORDS, b"print(1)\r\n") == "c.py:\n```py\nprint(1)\n```"
    fenced = replace(WORDS, name="d.md")
    assert quoted(fenced, b"```\nx\n```") == "d.md:\n````md\n```\nx\n```\n````"


@pytest.mark.parametrize("content", [b"", b" \n", b"\x00\x01"])
def test_a_text_without_words_is_refused(content: bytes) -> None:
    block = quoted(WORDS, content)
    assert isinstance(block, Refusal)
    assert block.phrase is NO_TEXT


def test_every_refusal_names_the_same_values_in_both_languages() -> None:
    phrases = [each for each in vars(file_refusals).values() if isinstance(each, Phrase)]
    assert len(phrases) > 10
    for phrase in phrases:
        english, chinese = (set(re.findall(r"{(\w+)}", text)) for text in (phrase.en, phrase.zh))
        assert english == chinese
