"""No file and no function grows out of sight, and names say what a thing is."""

import ast

MOST_FILE_LINES = 400
MOST_FUNCTION_LINES = 50
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def long_functions(source):
    return [
        f"{source.at(node)} {node.name}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > MOST_FUNCTION_LINES
    ]


def test_no_file_is_longer_than_four_hundred_lines(sources):
    assert [str(source.path) for source in sources if len(source.text.splitlines()) > MOST_FILE_LINES] == []


def test_no_function_is_longer_than_fifty_lines(sources):
    assert [name for source in sources for name in long_functions(source)] == []


def test_a_function_of_fifty_one_lines_is_seen_and_one_of_fifty_is_not(source_of):
    lines = "    pass\n" * (MOST_FUNCTION_LINES - 1)
    assert long_functions(source_of("risk/a.py", f"def just():\n{lines}")) == []
    assert long_functions(source_of("risk/a.py", f"def over():\n{lines}    pass\n")) != []


def test_a_package_has_no_face(sources):
    assert [str(source.path) for source in sources if source.path.name == "__init__.py" and source.text] == []


def test_no_file_or_folder_is_named_after_nothing(sources):
    assert [str(source.path) for source in sources if SHAPELESS & {*source.path.parts, source.path.stem}] == []
