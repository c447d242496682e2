"""The two charts of a score as SVG made by hand: nothing runs in the page, nothing is fetched."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from backtest.outcome import FloatArray
from backtest.report.decimation import kept_places
from backtest.report.markup import Html, element
from backtest.report.writing import when_text
from backtest.score.calibration import Bin, Calibration
from backtest.score.ledger import BoolArray, Ledger
from backtest.score.sequence import resolved_order

_WIDTH: Final = 1000.0
_LEFT: Final = 70.0
_EDGE: Final = 14.0
_FOOT: Final = 34.0
_TALL: Final = 300.0
_SQUARE: Final = 460.0
_MOST_POINTS: Final = 2_000
_COLOURS: Final = {"no gate": "var(--soft)", "approved": "var(--accent)", "denied": "var(--loss)"}


def cumulative_drawing(ledger: Ledger) -> Html:
    """Draw the running sums of all triggers, of the approved and of the denied, in the order they ended."""
    order = resolved_order(ledger)
    approved: BoolArray = ledger.is_approved
    everything = np.ones_like(approved)
    kinds = {"no gate": everything, "approved": approved, "denied": ~approved}
    sums = {name: np.append(0.0, np.cumsum(np.where(kind, ledger.net_bps, 0.0)[order])) for name, kind in kinds.items()}
    times = np.append(ledger.triggered_ms[0], ledger.resolved_ms[order])
    low = min(float(line.min()) for line in sums.values())
    high = max(float(line.max()) for line in sums.values())
    first_ms, last_ms = int(times.min()), int(times.max())
    zero = float(_scaled(np.zeros(1), low, high, _TALL - _FOOT, _EDGE)[0])
    parts = [_line(_LEFT, zero, _WIDTH - _EDGE, zero, "var(--rule)")]
    for name, line in sums.items():
        kept = kept_places(np.rint(line * 1_000).astype(np.int64), np.maximum.accumulate(line) - line, _MOST_POINTS)
        across = _scaled(times[kept].astype(np.float64), first_ms, last_ms, _LEFT, _WIDTH - _EDGE)
        parts.append(_polyline(across, _scaled(line[kept], low, high, _TALL - _FOOT, _EDGE), _COLOURS[name]))
    parts += [
        _text(_LEFT - 8, _EDGE + 10, f"{high:+,.0f}", "end"),
        _text(_LEFT - 8, _TALL - _FOOT, f"{low:+,.0f}", "end"),
        _text(_LEFT, _TALL - 10, when_text(first_ms), "start"),
        _text(_WIDTH - _EDGE, _TALL - 10, when_text(last_ms), "end"),
    ]
    legend = [
        element("li", element("i", "", style=f"background: {colour}"), f"{name} {sums[name][-1]:+,.0f} bps")
        for name, colour in _COLOURS.items()
    ]
    chart = _svg("Running sum of net results, in bps", _WIDTH, _TALL, parts)
    return element("div", chart, element("ul", *legend, class_="legend"), class_="chart wide")


def reliability_drawing(stated: Calibration) -> Html:
    """Draw the share that won over the chance that was stated; on the diagonal a chance means what it says."""
    span = (_LEFT, _SQUARE - _EDGE), (_SQUARE - _FOOT, _EDGE)
    ticks = np.linspace(0.0, 1.0, 6)
    across, up = _scaled(ticks, 0.0, 1.0, *span[0]), _scaled(ticks, 0.0, 1.0, *span[1])
    parts = []
    for tick, x, y in zip(ticks.tolist(), across.tolist(), up.tolist(), strict=True):
        parts += [_line(_LEFT, y, _SQUARE - _EDGE, y, "var(--rule)"), _text(_LEFT - 8, y + 4, f"{tick:.0%}", "end")]
        parts.append(_text(x, _SQUARE - _FOOT + 16, f"{tick:.0%}", "middle"))
    parts.append(_polyline(across[[0, -1]], up[[0, -1]], "var(--soft)", dashes="5 4"))
    base = float(_scaled(np.array([stated.base_frac]), 0.0, 1.0, *span[1])[0])
    parts += [
        _line(_LEFT, base, _SQUARE - _EDGE, base, "var(--warn)", dashes="2 4"),
        _text(_SQUARE - _EDGE, base - 5, f"all: {stated.base_frac:.0%} won", "end"),
    ]
    largest = max(one.n for one in stated.bins)
    for one in stated.bins:
        parts += _bin(one, largest)
    words = element("figcaption", "Share that won over the chance it stated; bars: 95 %, discs: how many")
    return element("figure", words, _svg("Reliability", _SQUARE, _SQUARE, parts), class_="drawing")


def _bin(one: Bin, largest: int) -> list[Html]:
    x = float(_scaled(np.array([one.mean_p_frac]), 0.0, 1.0, _LEFT, _SQUARE - _EDGE)[0])
    heights = np.array([one.won_frac, one.low_frac, one.high_frac])
    middle, low, high = _scaled(heights, 0.0, 1.0, _SQUARE - _FOOT, _EDGE).tolist()
    radius = 3.0 + 4.0 * (one.n / largest) ** 0.5
    told = f"stated {one.mean_p_frac:.1%}, won {one.won_frac:.1%} of {one.n:,}"
    disc = element(
        "circle",
        element("title", told),
        cx=f"{x:.1f}",
        cy=f"{middle:.1f}",
        r=f"{radius:.1f}",
        style="fill: var(--accent)",
    )
    return [_line(x, low, x, high, "var(--accent)"), disc]


def _scaled(values: FloatArray, low: float, high: float, to_low: float, to_high: float) -> FloatArray:
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    scaled: FloatArray = to_low + share * (to_high - to_low)
    return scaled


def _polyline(across: FloatArray, up: FloatArray, colour: str, dashes: str = "none") -> Html:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across.tolist(), up.tolist(), strict=True))
    style = f"fill: none; stroke: {colour}; stroke-width: 1.6; stroke-dasharray: {dashes}"
    style += "; vector-effect: non-scaling-stroke"
    return element("polyline", points=points, style=style)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, dashes: str = "none") -> Html:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    style = f"stroke: {colour}; stroke-dasharray: {dashes}"
    return element("line", style=style, **{name: f"{value:.1f}" for name, value in ends.items()})


def _text(x: float, y: float, words: str, anchor: str) -> Html:
    style = f"fill: var(--soft); font-size: var(--chart-text, 12px); text-anchor: {anchor}"
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", style=style)


def _svg(label: str, width: float, height: float, parts: Sequence[Html]) -> Html:
    box = f"0 0 {width:.0f} {height:.0f}"
    return element("svg", *parts, viewBox=box, role="img", aria_label=label, width="100%")
