"""The two who may say no, in a decision's story: what the gate answered and how risk ruled."""

from rich.console import Console
from rich.text import Text

from console.figures import count_text, percent_text, price_text, size_text
from console.gate_news import reason_text
from console.gate_words import question_parts, votes_of, words_of
from console.sheets import heading, sheet
from domain.decisions import Approved, GateMode, Refusal
from domain.instrument import Instrument
from domain.tick import GateEvidence, GateExchange, RiskCheck, TickRecord

UNBOUNDED_LOTS = 10**15
GATE = "gate"
OFF = "off"

METHOD = {
    "risk_per_trade": "what the stop may lose",
    "volatility": "what daily volatility allows",
    "kelly": "what the desk's own record deserves",
    "order_cap": "cap on one order",
    "position_cap": "cap on one position",
    "gross_exposure_cap": "cap on all positions",
    "margin_cap": "cap on margin used",
    "liquidation_cap": "distance to liquidation",
    "grid": "the price is off the grid",
    GATE: "what the gate let stand",
}


def print_gate(console: Console, record: TickRecord) -> None:
    """Tell whether the gate was asked, by whom it was answered, and what it said."""
    if record.proposal is None:
        return
    console.print(heading("What the gate said"))
    if record.gate is None:
        console.print("It was not asked: the answer was no before its turn.")
        return
    console.print(Text(_gate_text(record.gate)))
    raw = record.gate.raw_reply or b""
    for line in _said_lines(raw):
        console.print(Text(line))
    if record.gate.evidence is not None:
        for line in _evidence_lines(record.gate.evidence):
            console.print(Text(f"  {line}", style="dim"), soft_wrap=True)
    for name, text in (*question_parts(record.gate.prompt), ("replied", _shown(raw))):
        if text:
            console.print(Text(f"  {name}:", style="dim"))
            console.print(Text(text), style="dim", soft_wrap=True)


def _said_lines(raw: bytes) -> list[str]:
    said = words_of(raw)
    return [f"It said: {said}"] if said else [f"  {vote}" for vote in votes_of(raw)]


def _shown(raw: bytes) -> str:
    """Return a model's bytes as text that a terminal can be given: what does not print stands as its escape."""
    text = raw.decode("utf-8", "backslashreplace")
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def print_risk(console: Console, record: TickRecord, instrument: Instrument) -> None:
    """Tell which rules passed, which sizes competed, and the ruling."""
    if record.proposal is None:
        return
    console.print(heading("How risk ruled"))
    check = record.risk
    if check is None:
        console.print("It was not asked for a ruling.")
        return
    names = ", ".join(name.replace("_", " ") for name in check.passed) or "none"
    console.print(Text(f"{count_text(len(check.passed), 'rule')} passed: {names}."))
    if check.sizes_lots:
        _print_sizes(console, check, instrument)
    console.print(_ruling_text(check, instrument))


def _gate_text(gate: GateExchange) -> str:
    verdict = gate.verdict
    by = (
        f"A stub answered, no model was asked (mode {gate.mode})"
        if gate.backend == OFF
        else f"{gate.backend} was asked"
    )
    if gate.mode == GateMode.SHADOW and gate.backend != OFF:
        by += " (in shadow, so nothing depended on it)"
    took = "" if gate.latency_ms is None else f" and took {gate.latency_ms:,.0f} ms"
    why = reason_text(verdict.reason_code)
    if isinstance(verdict, Approved):
        return f"{by}{took}: passed, at {percent_text(verdict.keep_frac)} of the size ({why})."
    return f"{by}{took}: denied ({why})."


def _evidence_lines(told: GateEvidence) -> list[str]:
    """Return who answered, by what prompt, how sure it was and what it cost; what is not known is left out."""
    digest = "" if told.digest is None else f", weights {told.digest}"
    server = "" if told.server_version is None else f", server {told.server_version}"
    lines = [
        f"answered by: {told.model} ({told.source}{server}{digest})",
        f"prompt: {told.prompt_version}, sha256 {told.prompt_sha256}",
    ]
    if told.p_win_frac is not None:
        lines.append(f"its chance of a profit: {percent_text(told.p_win_frac)}")
    tokens = _counted(("read", told.n_prompt_tokens), ("wrote", told.n_reply_tokens))
    timings = [("loading", told.load_ms), ("reading", told.prompt_ms), ("writing", told.reply_ms)]
    took = ", ".join(f"{what} {ms:,.0f} ms" for what, ms in timings if ms is not None)
    return lines + [f"{name}: {text}" for name, text in (("tokens", tokens), ("by its own clock", took)) if text]


def _counted(*counts: tuple[str, int | None]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in counts if count is not None)


def _print_sizes(console: Console, check: RiskCheck, instrument: Instrument) -> None:
    smallest = min(lots for _, lots in check.sizes_lots)
    table = sheet("size by", ">size", "")
    for method, lots in check.sizes_lots:
        won = "the smallest wins" if lots == smallest else ""
        size = "no bound" if lots >= UNBOUNDED_LOTS else size_text(instrument, lots)
        table.add_row(METHOD.get(method, method.replace("_", " ")), size, Text(won, style="bold"))
    console.print(table)


def _ruling_text(check: RiskCheck, instrument: Instrument) -> Text:
    ruling = check.ruling
    if isinstance(ruling, Refusal):
        return Text(
            f'Refused, because the rule "{ruling.rule.replace("_", " ")}" was not met: {ruling.reason}.', style="yellow"
        )
    notional = ruling.size_lots * ruling.reference_ticks * instrument.microusd_per_tick_lot / 1e6
    size = f"{size_text(instrument, ruling.size_lots)} at about {price_text(instrument, ruling.reference_ticks)} USD"
    return Text(f"Approved: {size}, worth {notional:,.2f} USD.", style="green")
