"""The gate's evidence beside question and answer: who answered, what its triggers came to, how it was measured."""

from typing import Final

from sqlalchemy import Text
from sqlmodel import Field

from db.pages import BIG, BYTES, REAL, SMALL, Page, row_key, table_of, tick_key


class GateReplyRow(Page, table=True):
    """Who answered a question, by what prompt, and what it cost: `domain.tick.GateEvidence`.

    The timings are measurements: they stay out of the chain and are sealed by `timings_hash`.
    """

    __tablename__ = "gate_replies"
    id: int = row_key()
    tick_id: int = tick_key()
    request_id: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    prompt_version: str = Field(sa_type=Text)
    prompt_sha256: str = Field(sa_type=Text)
    digest: str | None = Field(sa_type=Text)
    server_version: str | None = Field(sa_type=Text)
    p_win_frac: float | None = Field(sa_type=REAL)
    n_prompt_tokens: int | None = Field(sa_type=BIG)
    n_reply_tokens: int | None = Field(sa_type=BIG)
    hash: bytes = Field(sa_type=BYTES)
    load_ms: float | None = Field(sa_type=REAL)
    prompt_ms: float | None = Field(sa_type=REAL)
    reply_ms: float | None = Field(sa_type=REAL)
    timings_hash: bytes = Field(sa_type=BYTES)


class CounterfactualRow(Page, table=True):
    """What a trigger came to by itself, in the tick that showed it: `domain.situation.Counterfactual`."""

    __tablename__ = "counterfactuals"
    id: int = row_key()
    tick_id: int = tick_key()
    trigger_id: str = Field(sa_type=Text)
    symbol: str = Field(sa_type=Text)
    strategy: str = Field(sa_type=Text)
    side: int = Field(sa_type=SMALL)
    triggered_ms: int = Field(sa_type=BIG)
    resolved_ms: int = Field(sa_type=BIG)
    n_bars: int = Field(sa_type=BIG)
    exit_reason: str = Field(sa_type=Text)
    net_bps: float = Field(sa_type=REAL)
    gross_bps: float = Field(sa_type=REAL)
    fees_bps: float = Field(sa_type=REAL)
    slippage_bps: float = Field(sa_type=REAL)
    funding_bps: float = Field(sa_type=REAL)
    mae_bps: float = Field(sa_type=REAL)
    mfe_bps: float = Field(sa_type=REAL)
    hash: bytes = Field(sa_type=BYTES)


class ReflectionRow(Page, table=True):
    """What a closed trade or a resolved trigger teaches. held, failed: JSON lists of reasons."""

    __tablename__ = "reflections"
    id: int = row_key()
    tick_id: int = tick_key()
    subject: str = Field(sa_type=Text)
    subject_id: str = Field(sa_type=Text)
    expected: str = Field(sa_type=Text)
    happened: str = Field(sa_type=Text)
    held: str = Field(sa_type=Text)
    failed: str = Field(sa_type=Text)
    lesson: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


class EvaluationRow(Page, table=True):
    """How one model and prompt was measured. Of no run: the rows have a number and a chain of their own.

    run_ids: JSON list. report_sha256: hex, of the bytes of `report_json`.
    """

    __tablename__ = "evaluations"
    id: int = row_key()
    created_ms: int = Field(sa_type=BIG)
    backend: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    digest: str | None = Field(sa_type=Text)
    prompt_version: str = Field(sa_type=Text)
    prompt_sha256: str = Field(sa_type=Text)
    run_ids: str = Field(sa_type=Text)
    n_triggers: int = Field(sa_type=BIG)
    n_resolved: int = Field(sa_type=BIG)
    finding: str = Field(sa_type=Text)
    report_json: str = Field(sa_type=Text)
    report_sha256: str = Field(sa_type=Text)
    hash: bytes = Field(sa_type=BYTES)


GATE_REPLIES: Final = table_of(GateReplyRow)
COUNTERFACTUALS: Final = table_of(CounterfactualRow)
REFLECTIONS: Final = table_of(ReflectionRow)
EVALUATIONS: Final = table_of(EvaluationRow)
