"""Charts of a walk-forward as SVG made by hand: nothing runs in the page, nothing is fetched."""

from collections.abc import Sequence

import numpy as np

from backtest.outcome import EquityCurve, FloatArray
from backtest.report.decimation import kept_places
from backtest.report.markup import Html, element
from backtest.report.writing import usd_text, when_text
from backtest.walkforward.drift import Drift

_WIDTH, _HEIGHT, _LEFT, _EDGE = 1000.0, 260.0, 124.0, 14.0
_MOST_POINTS = 2_000
_ROW, _GAP = 18.0, 26.0


def equity_drawing(curve: EquityCurve, starts_ms: Sequence[int]) -> Html:
    """Draw equity over time, with a line where each piece begins."""
    equity = curve.equity_microusd
    depth = (np.maximum.accumulate(equity) - equity).astype(np.float64)
    kept = kept_places(equity, depth, _MOST_POINTS)
    low, high = int(equity.min()), int(equity.max())
    first_ms, last_ms = int(curve.close_ms[0]), int(curve.close_ms[-1])
    across = _scaled(curve.close_ms[kept].astype(np.float64), first_ms, last_ms, _LEFT, _WIDTH - _EDGE)
    up = _scaled(equity[kept].astype(np.float64), low, high, _HEIGHT - 2 * _EDGE, _EDGE)
    starts = _scaled(np.array(starts_ms, dtype=np.float64), first_ms, last_ms, _LEFT, _WIDTH - _EDGE)
    parts = [_line(x, _EDGE, x, _HEIGHT - 2 * _EDGE, "var(--rule)") for x in starts.tolist()]
    parts += [
        _polyline(across, up, "var(--accent)"),
        _text(_LEFT - 8, _EDGE + 10, usd_text(high), "end"),
        _text(_LEFT - 8, _HEIGHT - 2 * _EDGE, usd_text(low), "end"),
        _text(_LEFT, _HEIGHT - 6, when_text(first_ms), "start"),
        _text(_WIDTH - _EDGE, _HEIGHT - 6, when_text(last_ms), "end"),
    ]
    return _svg("Equity of the stitched pieces over time", _HEIGHT, parts)


def drift_drawing(drift: Drift) -> Html:
    """Draw which of its values a knob was given in each window that chose; the grid's first value lies lowest."""
    n_values, n_windows = len(drift.values), len(drift.chosen)
    height = _GAP + _ROW * n_values
    places = np.array([drift.values.index(word) for word in drift.chosen], dtype=np.float64)
    across = _scaled(np.arange(n_windows, dtype=np.float64), 0, max(n_windows - 1, 1), _LEFT + 12, _WIDTH - _EDGE - 12)
    up = height - _GAP / 2 - _ROW * (places + 0.5)
    parts = []
    for place, word in enumerate(drift.values):
        y = height - _GAP / 2 - _ROW * (place + 0.5)
        parts += [_line(_LEFT, y, _WIDTH - _EDGE, y, "var(--rule)"), _text(_LEFT - 8, y + 4, word, "end")]
    parts.append(_polyline(across, up, "var(--accent)"))
    parts += [
        element("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="4", style="fill: var(--accent)")
        for x, y in zip(across.tolist(), up.tolist(), strict=True)
    ]
    return _svg(f"{drift.name} from window to window", height, parts)


def _scaled(values: FloatArray, low: float, high: float, to_low: float, to_high: float) -> FloatArray:
    share = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    scaled: FloatArray = to_low + share * (to_high - to_low)
    return scaled


def _polyline(across: FloatArray, up: FloatArray, colour: str) -> Html:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across.tolist(), up.tolist(), strict=True))
    return element("polyline", points=points, style=f"fill: none; stroke: {colour}; stroke-width: 1.6")


def _line(x1: float, y1: float, x2: float, y2: float, colour: str) -> Html:
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    return element("line", style=f"stroke: {colour}", **{name: f"{value:.1f}" for name, value in ends.items()})


def _text(x: float, y: float, words: str, anchor: str) -> Html:
    style = f"fill: var(--soft); font-size: 12px; text-anchor: {anchor}"
    return element("text", words, x=f"{x:.1f}", y=f"{y:.1f}", style=style)


def _svg(label: str, height: float, parts: Sequence[Html]) -> Html:
    inner = element("svg", *parts, viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}", role="img", aria_label=label, width="100%")
    return element("div", inner, class_="chart")
