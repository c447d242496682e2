"""The files around the code agree with it: the example settings, the pinned versions, the make file."""

import re
import tomllib
from importlib.metadata import distribution

from packaging.requirements import Requirement

from settings import env_example


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(root):
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_the_example_settings_are_the_knobs_as_they_are(root):
    """After a change of a knob: python -c 'import settings; print(settings.env_example(), end="")' > .env.example ."""
    assert (root / ".env.example").read_text(encoding="utf-8") == env_example()


def test_every_package_the_desk_or_its_tests_stand_on_is_pinned_exactly(root):
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {canonical(name) for name in pins(root)}
    wanted = [Requirement(line) for line in [*project["dependencies"], *project["optional-dependencies"]["test"]]]
    seen, queue = set(), wanted
    while queue:
        requirement = queue.pop()
        if canonical(requirement.name) in seen:
            continue
        seen.add(canonical(requirement.name))
        needs = [Requirement(line) for line in distribution(requirement.name).requires or ()]
        extras = [{"extra": extra} for extra in requirement.extras] or [{"extra": ""}]
        queue += [need for need in needs if need.marker is None or any(need.marker.evaluate(e) for e in extras)]
    assert seen <= pinned


def test_the_constraints_are_exact_and_name_no_host(root):
    text = (root / "constraints.txt").read_text(encoding="utf-8")
    assert "//" not in text
    assert "@" not in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line) for line in lines)
    assert lines == sorted(lines, key=str.lower)


def test_every_linter_exception_has_a_reason_beside_it(root):
    section = (root / "pyproject.toml").read_text(encoding="utf-8").split("[tool.ruff.lint.mccabe]")[0]
    exceptions = re.findall(r'^    "[A-Z]+\d+",(.*)$', section, flags=re.MULTILINE)
    assert len(exceptions) > 10
    assert all(re.fullmatch(r" +# .{15,}", reason) for reason in exceptions)


def test_ci_runs_what_make_test_runs(root):
    assert (root / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("make test")
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    for word in ("ruff format --check", "ruff check", "mypy --strict", "pytest"):
        assert word in makefile
