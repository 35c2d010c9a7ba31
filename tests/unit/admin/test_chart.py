"""The picture of what was used."""

import asyncio
import io
import struct
import subprocess
import sys
import threading
import time
from datetime import date, timedelta
from typing import Any

import pytest
from blockbuster import blockbuster_ctx
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bot.admin.chart import (
    COLOURS,
    DAYS_MOST,
    MODELS_MOST,
    OTHER,
    OTHER_COLOUR,
    TURNS_COLOUR,
    Charts,
    Picture,
    Series,
    figure,
    legend,
    picture_of,
    png,
)

PNG_BYTES_MOST = 200 * 1024


def days(count: int) -> list[date]:
    return [date(2026, 1, 1) + timedelta(days=number) for number in range(count)]


def busy(*, count: int, models: int) -> Picture:
    tokens = {f"qwen-{m}": [1_000 * (m + 1) + day for day in range(count)] for m in range(models)}
    return picture_of(days(count), tokens=tokens, turns=[day + 1 for day in range(count)])


def bars(axes: Any) -> dict[str, list[tuple[float, float]]]:
    """Return bottom and height of each bar, by the name of its series."""
    return {
        container.get_label(): [(bar.get_y(), bar.get_height()) for bar in container]
        for container in axes.containers
    }


def colours(content: bytes) -> set[str]:
    with Image.open(io.BytesIO(content)) as image:
        pixels = image.convert("RGB").tobytes()
    return {f"#{pixels[at : at + 3].hex()}" for at in range(0, len(pixels), 3)}


def test_bars_stand_on_each_other_and_are_as_high_as_their_numbers() -> None:
    picture = picture_of(
        days(3), tokens={"qwen-max": [10, 0, 30], "qwen-plus": [1, 2, 3]}, turns=[4, 0, 6]
    )
    above, below = figure(picture).axes
    assert bars(above) == {
        "qwen-max": [(0, 10), (0, 0), (0, 30)],
        "qwen-plus": [(10, 1), (0, 2), (30, 3)],
    }
    assert bars(below) == {"turns": [(0, 4), (0, 0), (0, 6)]}


def test_models_beyond_the_eighth_are_one_series() -> None:
    picture = busy(count=2, models=MODELS_MOST + 3)
    assert [series.name for series in picture.series] == [f"qwen-{m}" for m in range(10, 2, -1)]
    above, _ = figure(picture).axes
    drawn = bars(above)
    assert len(drawn) == MODELS_MOST + 1
    assert [height for _, height in drawn[OTHER]] == [6_000, 6_003]
    shown = sum(height for series in drawn.values() for _, height in series[1:])
    assert shown == sum(1_000 * (m + 1) + 1 for m in range(MODELS_MOST + 3))


def test_a_picture_is_a_png_with_a_colour_for_each_series() -> None:
    content = png(busy(count=30, models=MODELS_MOST + 1))
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == (1_000, 560)
    assert {*COLOURS, OTHER_COLOUR, TURNS_COLOUR} <= colours(content)


def test_a_series_that_is_not_there_has_no_colour() -> None:
    found = colours(png(busy(count=30, models=2)))
    assert {*COLOURS[:2], TURNS_COLOUR} <= found
    assert not found & {*COLOURS[2:], OTHER_COLOUR}


@pytest.mark.parametrize(("count", "models"), [(1, 1), (DAYS_MOST, MODELS_MOST + 1)])
def test_the_smallest_and_the_largest_picture_are_small_files(count: int, models: int) -> None:
    assert len(png(busy(count=count, models=models))) <= PNG_BYTES_MOST


def test_turns_without_tokens_are_drawn_too() -> None:
    picture = picture_of(days(2), tokens={"": [0, 0]}, turns=[1, 2])
    assert picture.series == ()
    assert colours(png(picture)) & {TURNS_COLOUR, *COLOURS} == {TURNS_COLOUR}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=9, unique=True))
def test_all_texts_are_ascii_and_every_name_can_be_found(names: list[str]) -> None:
    picture = picture_of(days(1), tokens={name: [9 - n] for n, name in enumerate(names)}, turns=[1])
    above, _ = figure(picture).axes
    drawn = above.get_legend()
    assert drawn is not None
    labels = [text.get_text() for text in drawn.get_texts()]
    assert all(label.isascii() and label.isprintable() for label in labels)
    real = legend(picture)
    shown = [real.get(label, label) for label in labels if label != OTHER or OTHER in names]
    assert shown == names[:MODELS_MOST] + [OTHER] * (len(shown) - len(names[:MODELS_MOST]))


@pytest.mark.parametrize("name", ["通义千问", "$x^2$", "_hidden", "a" * 41, "a\nb", "{}", "$"])
def test_a_name_the_picture_cannot_show_is_told_beside_it(name: str) -> None:
    picture = picture_of(days(1), tokens={"qwen-plus": [9], name: [1]}, turns=[1])
    assert legend(picture) == {"model 2": name}
    png(picture)


@pytest.mark.parametrize(
    ("count", "series", "turns"),
    [(0, 0, 0), (DAYS_MOST + 1, 1, DAYS_MOST + 1), (2, MODELS_MOST + 1, 2), (2, 1, 3)],
)
def test_a_picture_has_bounds(count: int, series: int, turns: int) -> None:
    with pytest.raises(ValueError, match=r"picture|each day"):
        Picture(
            days=tuple(days(count)),
            series=tuple(Series(f"m{n}", (1,) * count) for n in range(series)),
            other=(),
            turns=(1,) * turns,
        )


async def test_the_loop_goes_on_while_a_picture_is_drawn() -> None:
    loop, begun, is_answered = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def render(picture: Picture) -> bytes:
        loop.call_soon_threadsafe(begun.set)
        assert is_answered.wait(60), "the loop stands still"
        return png(picture)

    with blockbuster_ctx():
        drawing = asyncio.create_task(Charts(render=render).draw(busy(count=30, models=3)))
        await begun.wait()
        is_answered.set()
        assert (await drawing).startswith(b"\x89PNG")


async def test_pictures_are_drawn_one_at_a_time() -> None:
    drawing = threading.Lock()

    def render(picture: Picture) -> bytes:
        assert drawing.acquire(blocking=False), "two at once"
        time.sleep(0.01)  # a picture takes its time
        drawing.release()
        return str(len(picture.days)).encode()

    charts = Charts(render=render)
    drawn = await asyncio.gather(*(charts.draw(busy(count=n, models=1)) for n in (1, 2, 3)))
    assert drawn == [b"1", b"2", b"3"]


def test_matplotlib_is_not_loaded_before_the_first_picture() -> None:
    script = "import sys, bot.admin.usage; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_drawing_keeps_nothing_between_two_pictures() -> None:
    script = (
        "import sys; from datetime import date; from bot.admin.chart import picture_of, png;"
        "png(picture_of([date(2026, 1, 1)], tokens={'m': [1]}, turns=[1]));"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
