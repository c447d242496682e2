"""The gate's evidence: who answered, what triggers came to, how gates were measured; and no approval without it.

Only tables are added: the chain of a run that was written before is what it was.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | Sequence[str] | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS: dict[str, Any] = {
    "key": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "big": sa.BigInteger(),
    "small": sa.SmallInteger(),
    "real": sa.Double(),
    "text": sa.Text(),
    "bytes": sa.LargeBinary(),
}
TABLES = {
    "gate_replies": "id:key tick_id:big request_id:text source:text model:text prompt_version:text prompt_sha256:text "
    "digest:text? server_version:text? p_win_frac:real? n_prompt_tokens:big? n_reply_tokens:big? hash:bytes "
    "load_ms:real? prompt_ms:real? reply_ms:real? timings_hash:bytes",
    "counterfactuals": "id:key tick_id:big trigger_id:text symbol:text strategy:text side:small triggered_ms:big "
    "resolved_ms:big n_bars:big exit_reason:text net_bps:real gross_bps:real fees_bps:real slippage_bps:real "
    "funding_bps:real mae_bps:real mfe_bps:real hash:bytes",
    "reflections": "id:key tick_id:big subject:text subject_id:text expected:text happened:text held:text failed:text "
    "lesson:text hash:bytes",
    "evaluations": "id:key created_ms:big backend:text model:text digest:text? prompt_version:text prompt_sha256:text "
    "run_ids:text n_triggers:big n_resolved:big finding:text report_json:text report_sha256:text hash:bytes",
}
REFUSAL = "an approval needs its evidence: a recorded question, reason ok, and a whole reply"
# The one row that a question has before its outcome. The newest requests are looked at first.
ASKED = (
    "FROM gate_requests q WHERE q.id > ((NEW.id >> 40) << 40) AND q.id < NEW.id AND q.request_id = NEW.request_id "
    "ORDER BY q.id DESC LIMIT 1"
)
# Anything but a plain no has to show what it rests on. `off` asks nobody, so it needs a question to `off`.
EVIDENCE = (
    "NEW.verdict = 'approved' AND NEW.keep_frac > 0 AND NEW.keep_frac <= 1 AND CASE NEW.answered_by "
    "WHEN 'off' THEN NEW.reason_code = 'gate_off' "
    "ELSE NEW.reason_code = 'ok' AND NEW.answers_request_id = NEW.request_id AND NEW.raw_reply IS NOT NULL AND {whole} "
    "END"
)
# The same question is put to the database before an approval is acted on: db/approvals.py, a test holds them equal.
WHOLE_SQLITE = (
    "CASE WHEN {backend} NOT IN ('ollama', 'openai') THEN 1 "
    # What follows a NUL the reader of JSON does not see.
    "WHEN instr(CAST({raw} AS BLOB), x'00') OR NOT json_valid(CAST({raw} AS TEXT)) THEN 0 "
    "WHEN {backend} = 'ollama' THEN json_type(CAST({raw} AS TEXT), '$.done') = 'true' "
    "AND json_extract(CAST({raw} AS TEXT), '$.done_reason') = 'stop' "
    "ELSE json_extract(CAST({raw} AS TEXT), '$.choices[0].finish_reason') = 'stop' END"
)
# What the database cannot read is not whole: no error of its reader may come between.
WHOLE_POSTGRES = """
CREATE FUNCTION tidegate_is_whole(backend text, raw bytea) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    told jsonb;
BEGIN
    IF backend NOT IN ('ollama', 'openai') THEN
        RETURN true;
    END IF;
    told = CAST(convert_from(raw, 'UTF8') AS jsonb);
    IF backend = 'ollama' THEN
        RETURN coalesce(told -> 'done' = CAST('true' AS jsonb) AND told ->> 'done_reason' = 'stop', false);
    END IF;
    RETURN coalesce(told #>> '{choices,0,finish_reason}' = 'stop', false);
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END $$
"""
REFUSE_POSTGRES = """
CREATE FUNCTION tidegate_approval_needs_evidence() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.verdict = 'denied' AND NEW.keep_frac IS NULL THEN
        RETURN NEW;
    END IF;
    IF coalesce(NEW.answered_by = (SELECT q.backend {asked}) AND {evidence}, false) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '{refusal}';
END $$
"""


def upgrade() -> None:
    """Add the tables, their guards, and the guard of approvals."""
    for name, columns in TABLES.items():
        op.create_table(name, *_columns(columns), *_parents(name, columns))
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in _sqlite_guards() if is_sqlite else _postgres_guards():
        op.execute(statement)


def downgrade() -> None:
    """Refuse: going back would mean throwing evidence away."""
    raise RuntimeError("the gate's evidence is not thrown away: keep a copy of the older journal instead")


def _columns(described: str) -> list[sa.Column[Any]]:
    """Return columns from `name:kind` words; a `?` marks what may be absent."""
    columns: list[sa.Column[Any]] = []
    for word in described.split():
        name, kind = word.split(":")
        is_key = kind == "key"
        columns.append(
            sa.Column(
                name,
                KINDS[kind.rstrip("?")],
                primary_key=is_key,
                autoincrement=False if is_key else "auto",
                nullable=kind.endswith("?"),
            )
        )
    return columns


def _parents(table: str, described: str) -> list[sa.ForeignKeyConstraint]:
    if "tick_id:" not in described:
        return []
    return [sa.ForeignKeyConstraint(["tick_id"], ["ticks.id"], name=f"fk_{table}_tick_id_ticks")]


def _sqlite_guards() -> list[str]:
    kept = "BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END"
    evidence = EVIDENCE.format(whole=WHOLE_SQLITE.format(backend="NEW.answered_by", raw="NEW.raw_reply"))
    approval = (
        "CREATE TRIGGER gate_outcomes_evidence BEFORE INSERT ON gate_outcomes "
        "WHEN NOT coalesce(NEW.verdict = 'denied' AND NEW.keep_frac IS NULL, 0) "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}') "
        f"WHERE NOT coalesce(NEW.answered_by = (SELECT q.backend {ASKED}) AND {evidence}, 0); END"
    )
    guards = [
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {kept}"
        for table in TABLES
        for change in ("UPDATE", "DELETE")
    ]
    return [*guards, approval]


def _postgres_guards() -> list[str]:
    guards = [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION tidegate_refuse()"
        for table in TABLES
    ]
    evidence = EVIDENCE.format(whole="tidegate_is_whole(NEW.answered_by, NEW.raw_reply)")
    return [
        *guards,
        WHOLE_POSTGRES,
        REFUSE_POSTGRES.format(asked=ASKED, evidence=evidence, refusal=REFUSAL),
        "CREATE TRIGGER gate_outcomes_evidence BEFORE INSERT ON gate_outcomes "
        "FOR EACH ROW EXECUTE FUNCTION tidegate_approval_needs_evidence()",
    ]
