"""The exchange's key is read in one place: in the method that opens a live broker, and nowhere else."""

import ast

KEYS = "execution.exchange.keys"
HOLDERS = {"execution/exchange/broker.py": "open"}


def importers(source):
    """Yield where a source imports the key's module: the name of the function around it, "" at the top."""
    around = {inner: node for node in ast.walk(source.tree) if is_function(node) for inner in ast.walk(node)}
    for node in ast.walk(source.tree):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [f"{node.module}.{alias.name}" for alias in node.names] if isinstance(node, ast.ImportFrom) else []
        if KEYS in modules:
            yield around[node].name if node in around else ""


def is_function(node):
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def test_the_key_is_read_where_a_live_broker_is_opened_and_nowhere_else(sources):
    found = [(source.path.as_posix(), name) for source in sources for name in importers(source)]
    assert found == list(HOLDERS.items())


def test_an_import_is_seen_wherever_it_stands(source_of):
    for text in (f"import {KEYS}", f"from {KEYS} import load_key", "from execution.exchange import keys"):
        assert list(importers(source_of("desk/a.py", text))) == [""]
    assert list(importers(source_of("desk/a.py", f"def f():\n    import {KEYS}"))) == ["f"]
