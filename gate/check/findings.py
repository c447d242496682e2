"""What a check comes to: a list of findings, and one verdict."""

from collections import Counter
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from domain.gate_reason import GateReason
from domain.record import Record
from gate.advice import advice_on
from gate.check.calls import Heard, Said, differing
from gate.terms import ChatTerms

MOST_UNSOUND_FRAC: Final = 0.1
SLOW_FRAC: Final = 0.5
LEAST_CHANGED_FRAC: Final = 0.1
FULL_FRAC: Final = 0.8


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


class Fit(StrEnum):
    """The verdict of a check, in words."""

    FIT = "fit"
    WITH_WARNINGS = "fit with warnings"
    NOT_FIT = "not fit"


class Finding(Record, frozen=True, kw_only=True):
    """One thing looked at. found: one sentence; advice: what to do, empty where nothing is."""

    name: str
    level: Level
    found: str
    advice: str = ""


class Examined(Record, frozen=True, kw_only=True):
    """A check that is over."""

    fit: Fit
    told: str
    findings: tuple[Finding, ...]


def examined(heard: Heard, terms: ChatTerms) -> Examined:
    """Judge what a check has heard."""
    findings = tuple(_findings(heard, terms))
    worst = [one for one in findings if one.level is Level.FAILURE]
    doubts = [one for one in findings if one.level is Level.WARNING]
    fit = Fit.NOT_FIT if worst else Fit.WITH_WARNINGS if doubts else Fit.FIT
    why = "; ".join(one.name for one in worst or doubts)
    told = f"{terms.model} at {terms.url} is {fit.value} to serve the gate"
    return Examined(fit=fit, told=f"{told}: {why}" if why else told, findings=findings)


def _findings(heard: Heard, terms: ChatTerms) -> Iterator[Finding]:
    ready = heard.readiness
    if not ready.is_ready:
        advice = advice_on(ready.reason)
        yield Finding(name="server and model", level=Level.FAILURE, found=ready.told, advice=advice)
        return
    yield Finding(name="server and model", level=Level.OK, found=ready.told)
    yield _pin(ready.digest, terms)
    yield from _answers(heard)
    sound = [one for one in heard.plain if one.is_judgement]
    if sound:
        yield _speed(heard, terms)
        yield _window(heard, terms)
        yield from _dependence(heard)
        yield _repeatability(heard.repeated)
    if heard.long_prompt is not None:
        yield _long_prompt(heard.long_prompt)


def _pin(digest: str | None, terms: ChatTerms) -> Finding:
    if digest is None:
        found = "this kind of server does not tell which weights answer"
        advice = "a model swapped under the same name would go unnoticed"
        return Finding(name="weights", level=Level.WARNING, found=found, advice=advice)
    if terms.digest:
        return Finding(name="weights", level=Level.OK, found=f"{digest[:12]} is what GATE_MODEL_DIGEST pins")
    # Twelve digits are what `ollama list` shows and what the setting asks for; the whole of it breaks in a table.
    advice = f"to keep to these weights over restarts, set GATE_MODEL_DIGEST={digest.removeprefix('sha256:')[:12]}"
    return Finding(name="weights", level=Level.OK, found=f"{digest[:12]} now; no setting pins them", advice=advice)


def _answers(heard: Heard) -> Iterator[Finding]:
    asked = (*heard.plain, *heard.repeated, *heard.shuffled, *heard.mirrored)
    unsound = Counter(one.reason for one in asked if not one.is_judgement)
    n_unsound = unsound.total()
    told = f"{len(asked) - n_unsound} of {len(asked)} are as agreed"
    if heard.was_given_up:
        why = asked[-1].reason.label
        yield Finding(name="answers", level=Level.FAILURE, found=f"{told}; given up: {why}")
        return
    n_plain, n_yes = sum(one.is_judgement for one in heard.plain), sum(one.is_yes for one in heard.plain)
    told += f"; {n_yes} of {n_plain} situations approved"
    reasons = ", ".join(f"{reason.value} {count}" for reason, count in unsound.most_common())
    level = Level.OK if not n_unsound else Level.WARNING
    if n_unsound > MOST_UNSOUND_FRAC * len(asked):
        level = Level.FAILURE
    advice = "each of these would have been a no" if n_unsound else ""
    yield Finding(name="answers", level=level, found=f"{told}; {reasons}" if reasons else told, advice=advice)


def _speed(heard: Heard, terms: ChatTerms) -> Finding:
    times_s = [one.latency_ms / 1000 for one in heard.plain]
    median_s, slow_s = (float(np.quantile(times_s, share, method="higher")) for share in (0.5, 0.99))
    is_late = any(one.reason is GateReason.DEADLINE for one in heard.plain)
    found = f"p50 {median_s:.2f} s, p99 {slow_s:.2f} s of {len(times_s)} calls; the deadline is {terms.deadline_s:g} s"
    if is_late or slow_s >= terms.deadline_s:
        advice = "a smaller model, a shorter GATE_REPLY_TOKENS or a longer GATE_DEADLINE_S"
        return Finding(name="speed", level=Level.FAILURE, found=found, advice=advice)
    if slow_s > SLOW_FRAC * terms.deadline_s:
        advice = "more than half of the deadline is gone when this machine has nothing else to do"
        return Finding(name="speed", level=Level.WARNING, found=found, advice=advice)
    return Finding(name="speed", level=Level.OK, found=found)


def _window(heard: Heard, terms: ChatTerms) -> Finding:
    counted = [one.n_prompt_tokens for one in heard.plain if one.n_prompt_tokens is not None]
    if not counted:
        return Finding(name="window", level=Level.WARNING, found="the server does not count what it reads")
    longest, most = max(counted), terms.most_prompt_tokens
    found = f"the longest question has {longest} tokens; {most} fit beside the reply"
    if longest > FULL_FRAC * most:
        advice = "a desk with a record of its own asks longer questions: raise GATE_CONTEXT_TOKENS"
        return Finding(name="window", level=Level.WARNING, found=found, advice=advice)
    return Finding(name="window", level=Level.OK, found=found)


def _dependence(heard: Heard) -> Iterator[Finding]:
    """Hold the answers against one another: a model that always says the same reads nothing."""
    rulings = Counter(one.ruling for one in heard.plain if one.is_judgement)
    n_turned, n_both = differing(heard.plain, heard.shuffled)
    n_mirrored, n_pairs = differing(heard.plain, heard.mirrored)
    n_rulings = f"{len(rulings)} different {'ruling' if len(rulings) == 1 else 'rulings'}"
    told = (
        f"{n_rulings} on {rulings.total()} situations; {n_turned} of {n_both} change when each trade is put into "
        "another's market"
    )
    if len(rulings) == 1 and n_turned == 0 and n_mirrored == 0 and rulings.total() > 1:
        advice = "it says the same whatever it is told: no better than a setting"
        yield Finding(name="sensitivity", level=Level.FAILURE, found=told, advice=advice)
        return
    advice = _doubt(heard, n_turned, n_both)
    yield Finding(name="sensitivity", level=Level.WARNING if advice else Level.OK, found=told, advice=advice)
    yield Finding(
        name="mirror",
        level=Level.OK,
        found=f"{n_mirrored} of {n_pairs} rulings change when market and side are turned upside down",
        advice="a model without a leaning to one side changes few" if n_mirrored else "",
    )


def _doubt(heard: Heard, n_turned: int, n_both: int) -> str:
    """Return why the changes may say nothing, an empty text where they do."""
    if len({one.ruling for one in heard.repeated if one.is_judgement}) > 1:
        return "its answers to one and the same question change too, so that these changes say little"
    return "the market hardly matters to its answers" if n_turned < LEAST_CHANGED_FRAC * n_both else ""


def _repeatability(repeated: Sequence[Said]) -> Finding:
    texts = Counter(one.text for one in repeated if one.is_judgement)
    if not texts:
        found = f"none of {len(repeated)} answers to one question is as agreed"
        return Finding(name="repeatability", level=Level.WARNING, found=found)
    if len(texts) == 1:
        found = f"one and the same text to one question asked {texts.total()} times"
        return Finding(name="repeatability", level=Level.OK, found=found)
    found = f"{len(texts)} different texts to one question asked {texts.total()} times"
    advice = "a run cannot be repeated by asking again: record it with a cassette"
    return Finding(name="repeatability", level=Level.WARNING, found=found, advice=advice)


def _long_prompt(reason: GateReason) -> Finding:
    if reason is GateReason.BAD_REQUEST:
        return Finding(name="long questions", level=Level.OK, found="one beyond the window is refused")
    if reason in (GateReason.OK, GateReason.PROMPT_TRUNCATED):
        advice = "it would answer questions that it has read in part; use a server that honours truncate=false"
        found = "one beyond the window is cut and answered"
        return Finding(name="long questions", level=Level.FAILURE, found=found, advice=advice)
    found = f"one beyond the window ends in: {reason.label}"
    return Finding(name="long questions", level=Level.WARNING, found=found, advice="whether it is cut is not known")
