"""The order gateway is a house of its own: it knows nobody of ours, and nobody of ours knows it."""

import ast
import sys

MAY_USE = {"solders"}


def imported(source):
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def in_gateway(source):
    return source.path.as_posix().startswith("execution/gateway/")


def test_the_gateway_stands_on_python_and_one_package_alone(sources):
    ours = [source for source in sources if in_gateway(source)]
    assert len(ours) > 10
    found = {module for source in ours for module in imported(source) if not module.startswith("execution.gateway.")}
    assert {module.split(".")[0] for module in found if module} - sys.stdlib_module_names == MAY_USE


def test_the_desk_never_imports_the_gateway(sources):
    others = (source for source in sources if not in_gateway(source))
    assert [str(s.path) for s in others if any(knows_the_gateway(module) for module in imported(s))] == []


def knows_the_gateway(module):
    """Tell the gateway from execution/gateway_client, the desk's side of its socket."""
    return f"{module}.".startswith("execution.gateway.")


def test_the_gateway_is_told_from_the_desks_side_of_it():
    known = ["execution.gateway", "execution.gateway.codes"]
    assert all(knows_the_gateway(module) for module in known)
    assert not any(knows_the_gateway(module) for module in ["execution.gateway_client.line", "execution"])


def test_the_environment_with_the_key_holds_what_is_pinned_and_little_of_it(root):
    lines = (root / "execution/gateway/requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all("==" in line for line in pins)
    assert len(pins) <= 3
