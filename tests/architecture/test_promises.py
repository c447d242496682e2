"""The rules of the house that the syntax tree can show: units, permission, purity, clocks, handlers."""

import ast

import pytest

PURE = {"domain", "indicators", "strategy", "risk"}
IMPURE_MODULES = {
    "asyncio", "http", "io", "logging", "os", "pathlib", "random", "shutil", "socket", "sqlite3", "structlog",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib", "datetime",
}  # fmt: skip
CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns",
    "time.localtime", "time.gmtime", "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.date.today",
}  # fmt: skip
# One file in each process: the gateway shares no code with the desk.
READS_THE_CLOCK = {"desk/clock.py", "execution/gateway/clock.py"}
# Reading evidence is no permission: the journal rebuilds the orders it recorded, to tell and compare them.
RETELLS_ORDERS = "db/retelling.py"
# The compiler's cache must be named after the sources, or old machine code would outlive them.
NAMES_THE_KERNEL_CACHE = "domain/compiled.py"
REBUILDS = {"decode", "convert", "replace", "Decoder"}
PERCENT_MAY_STAND_IN = {"settings", "configuration", "web"}


def dotted(node):
    """Return `a.b.c` of an attribute chain, '' for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    inner = dotted(node.value) if isinstance(node, ast.Attribute) else ""
    return f"{inner}.{node.attr}" if inner else ""


def identifiers(source):
    for node in ast.walk(source.tree):
        for field in ("id", "arg", "attr", "name"):
            name = getattr(node, field, None)
            if isinstance(name, str):
                yield name, node


def percent_names(source):
    return [source.at(node) for name, node in identifiers(source) if f"{name}_".lower().find("_pct_") >= 0]


def orders_built(source):
    """Return where an order is made, by its constructor or by a decoder told its type."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return [source.at(call) for call in calls if makes_an_order(call)]


def makes_an_order(call):
    name = dotted(call.func).split(".")[-1]
    told = [dotted(value) for value in [*call.args, *(keyword.value for keyword in call.keywords)]]
    return name == "ApprovedOrder" or (name in REBUILDS and any(one.endswith("ApprovedOrder") for one in told))


def asks_for_shadows(node):
    modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
    modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return "risk.shadow" in modules or (modules == ["risk"] and any(one.name == "shadow" for one in node.names))


def clocks_read(source):
    whole = [source.at(node) for node in ast.walk(source.tree) if dotted(node) in CLOCKS]
    froms = (node for node in ast.walk(source.tree) if isinstance(node, ast.ImportFrom) and node.module == "time")
    return whole + [source.at(node) for node in froms if {f"time.{alias.name}" for alias in node.names} & CLOCKS]


def impurities(source):
    for node in ast.walk(source.tree):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        calls_out = isinstance(node, ast.Call) and dotted(node.func) in {"open", "print", "input"}
        draws = isinstance(node, ast.Attribute) and dotted(node) == "np.random"
        if {module.split(".")[0] for module in modules} & IMPURE_MODULES or calls_out or draws:
            yield source.at(node)


def swallowing_handlers(source):
    """Return broad handlers that do not raise again; one that cleans up and re-raises catches nothing."""
    handlers = (node for node in ast.walk(source.tree) if isinstance(node, ast.ExceptHandler))
    return [
        source.at(handler)
        for handler in handlers
        if (handler.type is None or {"Exception", "BaseException"} & caught(handler.type))
        and not isinstance(handler.body[-1], ast.Raise)
    ]


def caught(node):
    return {dotted(one).split(".")[-1] for one in (node.elts if isinstance(node, ast.Tuple) else [node])}


def test_percent_stays_at_the_door(sources):
    assert [at for source in sources if source.folder not in PERCENT_MAY_STAND_IN for at in percent_names(source)] == []


def test_only_risk_builds_an_approved_order(sources):
    elsewhere = (source for source in sources if source.folder != "risk" and str(source.path) != RETELLS_ORDERS)
    assert [at for source in elsewhere for at in orders_built(source)] == []


def test_only_the_ledger_asks_for_orders_that_no_rule_has_judged(sources):
    askers = [str(source.path) for source in sources for node in ast.walk(source.tree) if asks_for_shadows(node)]
    assert askers == ["agents/ledger.py"]


def test_only_one_file_of_each_process_reads_the_clock(sources):
    assert [at for source in sources if str(source.path) not in READS_THE_CLOCK for at in clocks_read(source)] == []


def test_the_pure_rooms_do_no_input_output_clock_randomness_or_logging(sources):
    pure = [s for s in sources if s.folder in PURE and s.path.as_posix() != NAMES_THE_KERNEL_CACHE]
    assert [at for source in pure for at in impurities(source)] == []


def test_one_broad_handler_at_most_and_it_stands_in_the_runner(sources):
    broad = [(source.folder, at) for source in sources for at in swallowing_handlers(source)]
    assert [at for folder, at in broad if folder != "desk"] == []
    assert len(broad) <= 1, broad


@pytest.mark.parametrize(
    ("check", "guilty", "innocent"),
    [
        (percent_names, "stop_pct = 1.0", "stop_frac = 0.01"),
        (percent_names, "f(max_loss_pct=3)", "f('RISK_MAX_LOSS_PCT')"),
        (orders_built, "decisions.ApprovedOrder(size_lots=1)", "isinstance(x, ApprovedOrder)"),
        (orders_built, "msgspec.json.decode(row, type=ApprovedOrder)", "msgspec.json.decode(row, type=Fill)"),
        (clocks_read, "import time\nnow = time.time_ns() // 1000", "now_ms = clock.now_ms()"),
        (clocks_read, "from time import perf_counter", "from time import sleep"),
        (clocks_read, "import datetime\ndatetime.datetime.now()", "datetime.fromtimestamp(0, UTC)"),
        (lambda s: [*impurities(s)], "import os", "import math"),
        (lambda s: [*impurities(s)], "print(1)", "self.print(1)"),
        (lambda s: [*impurities(s)], "np.random.default_rng()", "np.zeros(3)"),
        (swallowing_handlers, "try:\n    f()\nexcept Exception:\n    g()", "try:\n    f()\nexcept KeyError:\n    g()"),
        (
            swallowing_handlers,
            "try:\n    f()\nexcept (KeyError, BaseException):\n    g()",
            "try:\n    f()\nexcept BaseException:\n    g()\n    raise",
        ),
    ],
)  # fmt: skip
def test_each_check_tells_the_guilty_from_the_innocent(source_of, check, guilty, innocent):
    assert check(source_of("risk/a.py", guilty))
    assert not check(source_of("risk/a.py", innocent))
