"""The picture of `/dashscope usage`: tokens per day stacked by model, and turns.

Its texts are ASCII: the font that comes with matplotlib has no Chinese. Matplotlib takes a second
and some 50 MB to load, so it is loaded with the first picture; and only its object interface is
used, which keeps nothing between two pictures.
"""

# matplotlib's own types leave **kwargs open.
# pyright: reportUnknownMemberType=false

import asyncio
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DAYS_MOST = 400
"""At 1,000 pixels a day is still two of them wide."""
MODELS_MOST = 8
"""Models with a colour of their own; more cannot be told apart."""
OTHER = "other"

COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#6a3d9a",
)  # fmt: skip
"""Chosen to differ for the colour-blind too, in the order of the models."""
OTHER_COLOUR = "#9a9aa4"
TURNS_COLOUR = "#40444e"

_INCHES = (10.0, 5.6)
_DPI = 100
_TICKS_MOST = 9
_GAPS_UP_TO_DAYS = 100
"""Gaps between more bars than this would flicker."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:/@+-]{0,39}")


@dataclass(frozen=True, slots=True)
class Series:
    """One model's tokens.

    Attributes:
        name: As the model is called, in any script.
        tokens: Input and output together, for each day of the picture.
    """

    name: str
    tokens: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is to be drawn.

    Attributes:
        days: In order; 1 to DAYS_MOST.
        series: At most MODELS_MOST, the largest first.
        other: The tokens of all further models for each day, or nothing.
        turns: For each day.

    Raises:
        ValueError: From the constructor: out of these bounds, or not a number for each day.
    """

    days: tuple[date, ...]
    series: tuple[Series, ...]
    other: tuple[int, ...]
    turns: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what could not be drawn."""
        lengths = {len(self.turns), *(len(series.tokens) for series in self.series)}
        lengths |= {len(self.other)} if self.other else set()
        if not 1 <= len(self.days) <= DAYS_MOST or len(self.series) > MODELS_MOST:
            raise ValueError("too much for one picture, or nothing")
        if lengths != {len(self.days)}:
            raise ValueError("a number is needed for each day")


def picture_of(
    days: Sequence[date], *, tokens: Mapping[str, Sequence[int]], turns: Sequence[int]
) -> Picture:
    """Return a picture in which only the largest models have a series of their own.

    Args:
        days: In order.
        tokens: By model, a number for each day; models without any tokens are left out.
        turns: For each day.
    """
    used = sorted((name for name in tokens if sum(tokens[name])), key=lambda n: -sum(tokens[n]))
    shown, rest = used[:MODELS_MOST], used[MODELS_MOST:]
    other = [sum(tokens[name][index] for name in rest) for index in range(len(days))]
    return Picture(
        days=tuple(days),
        series=tuple(Series(name, tuple(tokens[name])) for name in shown),
        other=tuple(other) if rest else (),
        turns=tuple(turns),
    )


def label(series: Series, *, number: int) -> str:
    """Return what a series is called in the picture: its name, or `model 2` for the second."""
    return series.name if _PLAIN_NAME.fullmatch(series.name) else f"model {number}"


def legend(picture: Picture) -> Mapping[str, str]:
    """Return the real names behind the labels that had to stand for them."""
    labelled = ((label(s, number=n), s.name) for n, s in enumerate(picture.series, start=1))
    return {shown: name for shown, name in labelled if shown != name}


def png(picture: Picture) -> bytes:
    """Return a picture as a PNG. Blocks, the first time for a second or more."""
    file = io.BytesIO()
    figure(picture).savefig(file, format="png")
    return file.getvalue()


class Charts:
    """Draws in a thread, one picture at a time.

    Drawing keeps a core busy for about half a second, and threads are shared with name look-ups.

    Args:
        render: Returns a picture as a PNG; blocks.
    """

    def __init__(self, *, render: Callable[[Picture], bytes] = png) -> None:
        self._render = render
        self._turn = asyncio.Lock()

    async def draw(self, picture: Picture) -> bytes:
        """Return a picture as a PNG of 1,000 by 560 pixels, far below 200 KB.

        Cancelled, the thread still finishes the picture nobody waits for.
        """
        async with self._turn:
            return await asyncio.to_thread(self._render, picture)


def figure(picture: Picture) -> "Figure":
    """Return a picture as matplotlib's own object: tokens above, turns below."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - see the module
    from matplotlib.figure import Figure  # noqa: PLC0415 - see the module

    drawn = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained")
    FigureCanvasAgg(drawn)
    above, below = drawn.add_subplot(3, 1, (1, 2)), drawn.add_subplot(3, 1, 3)
    _draw_tokens(above, picture)
    _draw_bars(below, picture.turns, colour=TURNS_COLOUR, name="turns")
    for axes, title in ((above, "tokens"), (below, "turns")):
        _label_axes(axes, picture.days, title=title)
    first, last = picture.days[0].isoformat(), picture.days[-1].isoformat()
    drawn.suptitle(f"Tokens and turns per day (UTC), {first} to {last}")
    return drawn


def _draw_tokens(axes: "Axes", picture: Picture) -> None:
    bottom = (0,) * len(picture.days)
    for number, series in enumerate(picture.series, start=1):
        name = label(series, number=number)
        _draw_bars(axes, series.tokens, colour=COLOURS[number - 1], name=name, bottom=bottom)
        bottom = tuple(map(sum, zip(bottom, series.tokens, strict=True)))
    if picture.other:
        _draw_bars(axes, picture.other, colour=OTHER_COLOUR, name=OTHER, bottom=bottom)
    if picture.series:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)


def _draw_bars(
    axes: "Axes",
    heights: Sequence[int],
    *,
    colour: str,
    name: str,
    bottom: Sequence[int] = (),
) -> None:
    axes.bar(
        range(len(heights)),
        heights,
        width=0.8 if len(heights) <= _GAPS_UP_TO_DAYS else 1.0,
        bottom=list(bottom) or None,
        color=colour,
        label=name,
        # Bars of two pixels keep their colour.
        linewidth=0,
        antialiased=False,
    )


def _label_axes(axes: "Axes", days: Sequence[date], *, title: str) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator  # noqa: PLC0415 - see the module

    step = -(-len(days) // _TICKS_MOST)
    ticks = range(0, len(days), step)
    axes.set_xticks(ticks, [days[index].isoformat() for index in ticks], fontsize=8)
    axes.set_xlim(-0.6, len(days) - 0.4)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(title)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))
    axes.spines[["top", "right"]].set_visible(False)


def _short(value: float, _position: int | None = None) -> str:
    """Return a number of few characters: 950, 1.2k, 3M."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"
