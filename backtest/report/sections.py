"""The parts of a report that need no drawing: what was run, its figures, its tables. Every text is escaped here."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from backtest.report.account import Costs, Exposure, Period
from backtest.report.figures import Breakdown, BreakdownRow, ChangedSetting, Figure
from backtest.report.markup import Html, element, joined, sign_of, table
from backtest.report.writing import ABSENT, money_text, percent_text, plain_words, r_text, when_text
from backtest.story import RunStory

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SIMULATED = (
    "The market was simulated. No price here was ever paid by anybody: a profit on it means nothing, and neither does "
    "a loss."
)
UNFINISHED = "The run is not finished: it goes on, or was cut off. Its chain is not sealed yet."


def banners(story: RunStory) -> Html:
    """Say what nobody may overlook."""
    said = [SIMULATED] if story.outcome.is_simulated else []
    said += [UNFINISHED] if story.run.finished_ms is None else []
    return joined(element("p", text, class_="banner", role="note") for text in said)


def identity(story: RunStory, changed: Sequence[ChangedSetting]) -> Html:
    """Say which run this is, with what it was begun, and by what it can be told from every other."""
    run, curve = story.run, story.outcome.curve
    facts = {
        "Command": run.header.command,
        "Symbols": ", ".join(run.header.symbols),
        "Span": f"{when_text(int(curve.close_ms[0])).removesuffix(' UTC')} to {when_text(int(curve.close_ms[-1]))}",
        "Minutes": f"{len(curve.close_ms):,}",
        "Begun": when_text(run.started_ms),
        "Rows on record": ABSENT if run.n_rows is None else f"{run.n_rows:,}",
    }
    prints = {
        "Code version": run.header.code_version,
        "Data identity": run.header.data_identity,
        "Chain hash": run.chain_hash or ABSENT,
    }
    settings = "; ".join(f"{one.name}={one.value}" for one in changed) or "none"
    groups = (
        ("identity", facts),
        ("identity", {"Settings not at their default": settings}),
        ("identity prints", prints),
    )
    return joined(
        element("dl", *(_fact(name, value) for name, value in group.items()), class_=kind) for kind, group in groups
    )


def changed_settings(changed: Sequence[ChangedSetting]) -> Html:
    """List the settings that are not at their default."""
    if not changed:
        return element("p", "Every setting is at its default.")
    rows = [(one.name, one.value, one.default, one.meaning) for one in changed]
    heads = ("setting", "value", "default", "meaning")
    return table("Settings that differ from the defaults", heads, rows, words=("meaning",))


def all_settings(recorded: Mapping[str, object]) -> Html:
    """List what the run was begun with, to unfold."""
    rows = [(name, _setting_text(value)) for name, value in sorted(recorded.items())]
    return element(
        "details",
        element("summary", f"All {len(rows)} settings of the run"),
        table("Settings of the run", ("setting", "value"), rows),
    )


def figure_boxes(figures: Sequence[Figure]) -> Html:
    """Show named figures in boxes, one a group, each with what it means."""
    return joined(
        element(
            "section",
            element("h3", group),
            element("dl", *(_figure(figure) for figure in members), class_="figures"),
            class_="box",
        )
        for group, members in ((group, list(members)) for group, members in groupby(figures, lambda one: one.group))
    )


def month_table(months: Sequence[Period]) -> Html:
    """Show the return of every month as a heat map, a year a row."""
    by_year = {year: list(group) for year, group in groupby(months, lambda month: month.name[:4])}
    rows = []
    for year, group in by_year.items():
        returns = {int(month.name[5:7]): month.return_frac for month in group}
        whole = Period(
            name=year,
            starting_microusd=group[0].starting_microusd,
            ending_microusd=group[-1].ending_microusd,
            n_trades=0,
        )
        cells = [_heat(returns.get(number)) for number in range(1, 13)]
        rows.append((year, *cells, _heat(whole.return_frac)))
    return table("Return of each month, in percent", ("year", *_MONTHS, "year's"), rows, class_="heat")


def day_table(days: Sequence[Period]) -> Html:
    """List every day, the newest first, to unfold."""
    rows = [
        (
            day.name,
            money_text(day.ending_microusd),
            money_text(day.net_microusd, is_signed=True),
            percent_text(day.return_frac, is_signed=True),
            f"{day.n_trades:,}",
        )
        for day in reversed(days)
    ]
    heads = ("day, UTC", "equity USD", "result USD", "return", "trades closed")
    return element(
        "details",
        element("summary", f"Day by day ({len(rows):,} days)"),
        element("div", table("Every day, the newest first", heads, rows), class_="tall"),
    )


def cost_table(paid: Costs) -> Html:
    """Show how the result came about, down to the net."""
    rows = [
        ("Moves at reference prices", money_text(paid.moves_microusd, is_signed=True), "what the positions gained"),
        ("Spread and slippage", money_text(-paid.slippage_microusd, is_signed=True), "inside the fill prices"),
        ("Gross", money_text(paid.gross_microusd, is_signed=True), "at the prices paid"),
        ("Fees", money_text(-paid.fees_microusd, is_signed=True), "to the venue, less its rebates"),
        ("Funding", money_text(paid.funding_microusd, is_signed=True), "between longs and shorts; + is received"),
        ("Net", money_text(paid.net_microusd, is_signed=True), "change of the equity, open positions at mark"),
    ]
    return table("What it earned and what it cost", ("part", "USD", "which is"), rows, words=("which is",))


def exposure_table(story: RunStory, held: Exposure) -> Html:
    """Show how long and how much was held, per market and in all."""
    rows = []
    for tape in story.tapes:
        n_minutes = max(len(tape.position_lots), 1)
        n_long, n_short = int((tape.position_lots > 0).sum()), int((tape.position_lots < 0).sum())
        shares = (percent_text(number / n_minutes) for number in (n_long + n_short, n_long, n_short))
        rows.append((tape.symbol, *shares, ABSENT, ABSENT))
    is_held = held.gross_frac > 0
    mean = float(held.gross_frac[is_held].mean()) if is_held.any() else 0.0
    in_all = (float(is_held.mean()), float((held.net_frac > 0).mean()), float((held.net_frac < 0).mean()))
    rows.append(("all", *map(percent_text, in_all), percent_text(mean), percent_text(float(held.gross_frac.max()))))
    heads = ("market", "time in it", "long", "short", "mean gross while in", "most gross")
    return table("Exposure: share of the minutes, and notional over equity", heads, rows)


def breakdown_tables(breakdowns: Sequence[Breakdown]) -> Html:
    """Show the closed trades grouped every way."""
    heads = ("trades", "won", "net", "sum R", "gross", "fees", "slippage", "funding")
    return joined(
        table(f"By {breakdown.title}, in USD", ("group", *heads), [_group_cells(row) for row in breakdown.rows])
        for breakdown in breakdowns
        if breakdown.rows
    )


def refusal_tables(story: RunStory) -> Html:
    """Show what was not done, by whom and why; how the minutes ended; which tests failed most."""
    n_ticks = max(sum(story.outcomes.values()), 1)
    refused = [(plain_words(one.rule), one.asked, f"{one.n_times:,}", one.example) for one in story.refusals]
    ended = sorted(story.outcomes.items(), key=lambda pair: -pair[1])
    parts = [
        table(
            "How the minutes ended",
            ("outcome", "minutes", "share"),
            [(plain_words(name), f"{count:,}", percent_text(count / n_ticks)) for name, count in ended],
        )
    ]
    if refused:
        parts.append(
            table(
                "Refusals by rule",
                ("rule", "who said it", "times", "the latest said"),
                refused,
                words=("the latest said",),
            )
        )
    if story.failed_tests:
        failed = [(name, f"{count:,}") for name, count in story.failed_tests]
        parts.append(table("Tests that kept the strategies from trading", ("test", "minutes"), failed))
    return joined(parts)


def _group_cells(row: BreakdownRow) -> tuple[str, ...]:
    return (
        row.name,
        f"{row.n_trades:,}",
        f"{row.win_rate_frac * 100:.0f} %",
        money_text(row.net_microusd, is_signed=True),
        r_text(row.sum_r),
        money_text(row.gross_microusd, is_signed=True),
        money_text(-row.fees_microusd, is_signed=True),
        money_text(-row.slippage_microusd, is_signed=True),
        money_text(row.funding_microusd, is_signed=True),
    )


def _fact(name: str, value: str) -> Html:
    return element("div", element("dt", name), element("dd", value))


def _figure(figure: Figure) -> Html:
    return element(
        "div",
        element("dt", figure.name),
        element("dd", figure.value, class_=" ".join(filter(None, ("value", sign_of(figure.value))))),
        element("dd", figure.meaning, class_="meaning"),
    )


def _heat(frac: float | None) -> Html:
    """Paint a return by its sign; how strongly, by its size up to 10 %."""
    if frac is None:
        return element("td", "")
    share = round(min(abs(frac) / 0.10, 1.0) * 100)
    kind = "gain" if frac > 0 else "loss" if frac < 0 else None
    return element("td", f"{frac * 100 + 0.0:+.2f}", class_=kind, style=f"--heat:{share}%")


def _setting_text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
