"""The exchange's key is read by one module, which is loaded in one place, at the moment a live broker is opened."""

import ast

READER = "execution.exchange.keys"


def loads(source):
    """Yield (where, function or None) for every import of the module that reads the key, by whatever words."""
    inside = {}
    for function in ast.walk(source.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            inside |= {id(node): function.name for node in ast.walk(function)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = {module, *(f"{module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
        else:
            continue
        if READER in names:
            yield source.at(node), inside.get(id(node))


def test_what_reads_the_key_is_loaded_in_one_place_alone_and_only_when_a_broker_is_opened(root, sources):
    found = [one for source in sources for one in loads(source)]
    is_there = (root / "execution" / "exchange" / "keys.py").exists()
    assert len(found) == (1 if is_there else 0), found
    assert all(function is not None for _, function in found), found


def test_a_key_loaded_with_the_file_or_in_other_words_is_seen(source_of):
    sources = [
        source_of("a.py", "from execution.exchange.keys import read_key\n"),
        source_of("b.py", "import execution.exchange.keys\n"),
        source_of("c.py", "def f():\n    from execution.exchange import keys\n"),
        source_of("d.py", "async def f():\n    if True:\n        from execution.exchange.keys import x\n"),
    ]
    assert [function for source in sources for _, function in loads(source)] == [None, None, "f", "f"]
    assert [*loads(source_of("e.py", "from execution.exchange.orders import order\n"))] == []
