"""The plain facts of a run, for the head of its report. The metrics proper are worked out elsewhere."""

import json

from backtest.report.account import costs, drawdown_frac
from backtest.report.figures import Figure
from backtest.report.writing import percent_text, usd_text
from backtest.story import RunStory

_GROUP = "In short"
_GATE_GROUP = "Gate"


def facts_of(story: RunStory) -> tuple[Figure, ...]:
    """Return what can be read off the curve and the list of trades."""
    curve, trades = story.outcome.curve, story.outcome.trades
    net = costs(story).net_microusd
    start, end = curve.starting_microusd, int(curve.equity_microusd[-1])
    facts = (
        ("Net result", usd_text(net, is_signed=True), "change of the equity, after fees and funding"),
        (
            "Return",
            percent_text(net / start if start > 0 else None, is_signed=True),
            "net result over what it began with",
        ),
        ("Equity", usd_text(end), f"at the end; {usd_text(start)} at the start"),
        ("Max drawdown", percent_text(float(drawdown_frac(curve).max())), "deepest fall from the highest equity"),
        ("Trades", f"{len(trades):,}", f"{sum(trade.net_microusd > 0 for trade in trades):,} of them won"),
    )
    told = tuple(Figure(name=name, value=value, meaning=meaning, group=_GROUP) for name, value, meaning in facts)
    return told + _gate_facts(story.run.summary_json)


def _gate_facts(summary_json: str | None) -> tuple[Figure, ...]:
    """Return what a finished run said of its cassette; nothing where it had none."""
    summary = {} if summary_json is None else json.loads(summary_json)
    use = summary.get("cassette")
    if use is None:
        return ()
    meaning = "whether the run comes out again from its cassette alone"
    return (Figure(name="Cassette", value=use["told"], meaning=meaning, group=_GATE_GROUP),)
