"""The first journal: runs, the evidence tables, what keeps them append-only, and three views to ask questions of."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

EVIDENCE = (
    "answers",
    "ticks",
    "proposals",
    "gate_requests",
    "gate_outcomes",
    "risk_checks",
    "orders",
    "order_refusals",
    "fills",
    "funding_payments",
    "trades",
    "events",
)
OPENING = (
    "run_no, run_id, command, settings_json, code_version, data_identity, symbols, instruments_json, "
    "is_simulated, started_ms, genesis_hash, header_hash"
)
TIME = {
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%SZ', t.as_of_ms / 1000, 'unixepoch')",
    "postgresql": "to_char(to_timestamp(t.as_of_ms / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')",
}
VIEWS = (
    "CREATE VIEW decisions AS SELECT r.run_id, {time} AS time_utc, {columns} "
    "FROM ticks t JOIN runs r ON r.run_no = (t.id >> 40) LEFT JOIN ticks h ON h.id = t.readings_id "
    "LEFT JOIN answers a ON a.id = t.answer_id",
    "CREATE VIEW equity AS SELECT run_id, time_utc, as_of_ms, equity_microusd, cash_microusd, peak_microusd, "
    "1.0 - equity_microusd * 1.0 / peak_microusd AS drawdown_frac FROM ("
    "SELECT r.run_id, {time} AS time_utc, t.as_of_ms, t.equity_microusd, t.cash_microusd, "
    "max(t.equity_microusd) OVER (PARTITION BY r.run_no ORDER BY t.as_of_ms) AS peak_microusd "
    "FROM ticks t JOIN (SELECT max(id) AS id FROM ticks GROUP BY (id >> 40), as_of_ms) last ON last.id = t.id "
    "JOIN runs r ON r.run_no = (t.id >> 40)) AS minutes",
    "CREATE VIEW signals AS SELECT r.run_id, t.id AS tick_id, t.tick_no, t.as_of_ms, t.symbol, "
    "s.strategy, s.side, s.failed_mask, s.conviction_frac, s.reasons "
    "FROM ticks t JOIN runs r ON r.run_no = (t.id >> 40) JOIN "
    "(SELECT o.id AS answer_id, {answer} FROM answers o CROSS JOIN {answers}) s ON s.answer_id = t.answer_id",
)
FIGURES = (
    "body_over_atr volume_z book_imbalance premium_bps funding_rate_hourly_frac open_interest_usd realised_vol_bps "
    "spread_bps atr_price return_bps trend_strength drawdown_bps"
)
# One figure out of the list in `ticks.figures`.
FIGURE = {
    "sqlite": "json_extract(t.figures, '$[{}]')",
    "postgresql": "CAST(CAST(t.figures AS jsonb) ->> {} AS double precision)",
}
# Two JSON objects, neither inside the other, as one.
WHOLE = (
    "substr(t.snapshot, 1, length(t.snapshot) - 1) || "
    "CASE h.readings WHEN '{}' THEN '}' ELSE ',' || substr(h.readings, 2) END AS snapshot"
)
# One answer in `answers.signals`, as columns: side is 1, -1 or NULL, reasons are one text.
ANSWER = {
    "sqlite": "json_extract(a.value, '$.strategy') AS strategy, "
    "CASE json_extract(a.value, '$.side') WHEN 'BUY' THEN 1 WHEN 'SELL' THEN -1 END AS side, "
    "json_extract(a.value, '$.failed_mask') AS failed_mask, "
    "json_extract(a.value, '$.conviction_frac') AS conviction_frac, "
    "(SELECT coalesce(group_concat(w.value, '; '), '') FROM json_each(a.value, '$.reasons') w) AS reasons",
    "postgresql": "a.value ->> 'strategy' AS strategy, "
    "CAST(CASE a.value ->> 'side' WHEN 'BUY' THEN 1 WHEN 'SELL' THEN -1 END AS smallint) AS side, "
    "CAST(a.value ->> 'failed_mask' AS bigint) AS failed_mask, "
    "CAST(a.value ->> 'conviction_frac' AS double precision) AS conviction_frac, "
    "(SELECT coalesce(string_agg(w.value, '; ' ORDER BY w.place), '') "
    "FROM jsonb_array_elements_text(a.value -> 'reasons') WITH ORDINALITY AS w(value, place)) AS reasons",
}
ANSWERS = {
    "sqlite": "json_each(o.signals) a",
    "postgresql": "LATERAL jsonb_array_elements(CAST(o.signals AS jsonb)) AS a(value)",
}
KINDS: dict[str, Any] = {
    "key": sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
    "big": sa.BigInteger(),
    "small": sa.SmallInteger(),
    "real": sa.Double(),
    "text": sa.Text(),
    "bytes": sa.LargeBinary(),
}
TABLES = {
    "answers": "id:key signals:text why:text? hash:bytes",
    "ticks": "id:key answer_id:big? readings_id:big tick_no:big as_of_ms:big symbol:text state:text outcome:text "
    "why:text? close_price:real? regime:text? figures:text? equity_microusd:big cash_microusd:big position_lots:big "
    "snapshot:text readings:text? hash:bytes",
    "proposals": "id:key tick_id:big strategy:text side:small conviction_frac:real reasons:text exit_plan:text "
    "reference_price:real as_of_ms:big hash:bytes",
    "gate_requests": "id:key tick_no:big request_id:text backend:text mode:text prompt:text hash:bytes",
    "gate_outcomes": "id:key tick_id:big request_id:text verdict:text reason_code:text keep_frac:real? "
    "answered_by:text answers_request_id:text? raw_reply:bytes? hash:bytes latency_ms:real? latency_hash:bytes",
    "risk_checks": "id:key tick_id:big ruling:text passed:text sizes_lots:text rule:text? reason:text? "
    "client_order_id:text? approved:text? hash:bytes",
    "orders": "id:key tick_no:big client_order_id:text symbol:text strategy:text side:small size_lots:big "
    "reduce_only:small reference_ticks:big decided_ms:big exit_plan:text? exit_reason:text? hash:bytes",
    "order_refusals": "id:key tick_id:big client_order_id:text rule:text reason:text hash:bytes",
    "fills": "id:key tick_id:big client_order_id:text symbol:text side:small size_lots:big price_ticks:big "
    "fee_microusd:big slippage_microusd:big filled_ms:big exit_reason:text? hash:bytes",
    "funding_payments": "id:key tick_id:big symbol:text position_lots:big rate_quote_per_base_1e9:big "
    "amount_microusd:big settled_ms:big source:text hash:bytes",
    "trades": "id:key tick_id:big symbol:text strategy:text side:small size_lots:big entry_ticks:big exit_ticks:big "
    "gross_microusd:big fees_microusd:big funding_microusd:big net_microusd:big slippage_microusd:big mae_bps:real "
    "mfe_bps:real exit_reason:text regime:text conviction_frac:real risk_microusd:big opened_ms:big closed_ms:big "
    "n_bars:big client_order_id:text hash:bytes",
    "events": "id:key at_ms:big kind:text detail:text hash:bytes",
}
PARENTS = {"tick_id": "ticks"}
RUNS = (
    "run_no:key run_id:text command:text settings_json:text code_version:text data_identity:text symbols:text "
    "instruments_json:text is_simulated:small started_ms:big genesis_hash:bytes header_hash:bytes "
    "finished_ms:big? n_rows:big? chain_hash:text? summary_json:text?"
)


def upgrade() -> None:
    """Create everything."""
    op.create_table("runs", *_columns(RUNS), sa.UniqueConstraint("run_id", name="uq_runs_run_id"))
    for name, columns in TABLES.items():
        op.create_table(name, *_columns(columns), *_parents(name, columns))
    op.create_index("uq_orders_client_order_id", "orders", [sa.text("(id >> 40)"), "client_order_id"], unique=True)
    dialect = op.get_bind().dialect.name
    for statement in _sqlite_guards() if dialect == "sqlite" else _postgres_guards():
        op.execute(statement)
    for view in VIEWS:
        op.execute(
            view.format(time=TIME[dialect], columns=_told(dialect), answer=ANSWER[dialect], answers=ANSWERS[dialect])
        )


def downgrade() -> None:
    """Refuse: going back would mean throwing evidence away."""
    raise RuntimeError("the first journal schema has nothing before it")


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


def _told(dialect: str) -> str:
    """Return the columns of a tick with its figures by name, what its answer tells, and the readings it shares."""
    names = [word.split(":")[0] for word in TABLES["ticks"].split() if not word.startswith("readings:")]
    told = {
        "why": "coalesce(t.why, a.why) AS why",
        "figures": ", ".join(
            f"{FIGURE[dialect].format(place)} AS {name}" for place, name in enumerate(FIGURES.split())
        ),
        "snapshot": f"coalesce(a.signals, '[]') AS signals, {WHOLE}",
    }
    return ", ".join(told.get(name, f"t.{name}") for name in names)


def _parents(table: str, described: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint([key], [f"{parent}.id"], name=f"fk_{table}_{key}_{parent}")
        for key, parent in PARENTS.items()
        if f"{key}:" in described
    ]


def _sqlite_guards() -> list[str]:
    refuse = "BEGIN SELECT RAISE(ABORT, '{}'); END"
    kept = refuse.format("the journal is append-only")
    guards = [
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} {kept}"
        for table in EVIDENCE
        for change in ("UPDATE", "DELETE")
    ]
    closed = refuse.format("a run is closed once and its opening never changes")
    return [
        *guards,
        f"CREATE TRIGGER runs_no_delete BEFORE DELETE ON runs {kept}",
        f"CREATE TRIGGER runs_no_reopening BEFORE UPDATE OF {OPENING} ON runs {closed}",
        f"CREATE TRIGGER runs_no_second_close BEFORE UPDATE ON runs WHEN OLD.finished_ms IS NOT NULL {closed}",
    ]


def _postgres_guards() -> list[str]:
    function = (
        "CREATE FUNCTION tidegate_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the journal is append-only'; END $$"
    )
    guards = [
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION tidegate_refuse()"
        for table in EVIDENCE
    ]
    return [
        function,
        *guards,
        "CREATE TRIGGER runs_no_delete BEFORE DELETE OR TRUNCATE ON runs "
        "FOR EACH STATEMENT EXECUTE FUNCTION tidegate_refuse()",
        f"CREATE TRIGGER runs_no_reopening BEFORE UPDATE OF {OPENING} ON runs "
        "FOR EACH STATEMENT EXECUTE FUNCTION tidegate_refuse()",
        "CREATE TRIGGER runs_no_second_close BEFORE UPDATE ON runs FOR EACH ROW "
        "WHEN (OLD.finished_ms IS NOT NULL) EXECUTE FUNCTION tidegate_refuse()",
    ]
