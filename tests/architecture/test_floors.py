"""Arrows point down: a folder imports only what stands on a lower floor, and meets the world through ports."""

import ast

FLOORS = (
    {"domain"},
    {"indicators"},
    {"strategy", "risk", "execution", "market", "gate", "forecast", "db"},
    {"agents"},
    {"desk"},
    {"web", "backtest", "console", "notices"},
    {"configuration"},
    {"settings"},
    {"wiring"},
    {"cli"},
    {"main"},
)
FLOOR_OF = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}
WORLD = {"market", "execution", "gate", "db"}


def imported_folders(source):
    """Yield (folder, node) for every import of one of our own folders, wherever in the file it stands."""
    for node in ast.walk(source.tree):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        for folder in {module.split(".")[0] for module in modules} & FLOOR_OF.keys() - {source.folder}:
            yield folder, node


def uphill(sources):
    return [
        f"{source.at(node)} imports {folder}"
        for source in sources
        for folder, node in imported_folders(source)
        if FLOOR_OF[source.folder] <= FLOOR_OF[folder]
    ]


def test_every_folder_of_the_product_stands_on_a_floor(rooms, sources):
    assert rooms <= FLOOR_OF.keys()
    assert {source.folder for source in sources} <= FLOOR_OF.keys()


def test_arrows_point_down_and_rooms_side_by_side_never_see_each_other(sources):
    assert uphill(sources) == []


def test_an_arrow_up_or_sideways_is_seen_even_inside_a_function(source_of):
    up = source_of("risk/rules.py", "def rule():\n    from agents.master import MasterAgent\n")
    sideways = source_of("risk/rules.py", "import execution.paper\n")
    down = source_of("risk/rules.py", "from domain.record import Record\nimport indicators.atr\n")
    assert len(uphill([up, sideways, down])) == 2


def test_agents_and_the_runner_meet_the_world_only_through_ports(sources):
    assert [
        f"{source.at(node)} imports {folder}"
        for source in sources
        if source.folder in {"agents", "desk"}
        for folder, node in imported_folders(source)
        if folder in WORLD
    ] == []


def test_nobody_but_the_front_door_imports_the_settings(sources):
    assert [
        source.at(node)
        for source in sources
        if source.folder not in {"main", "wiring", "cli", "settings", "configuration"}
        for folder, node in imported_folders(source)
        if folder in {"settings", "configuration", "main"}
    ] == []


def test_no_import_is_hidden_from_the_check_in_a_string(sources):
    hidden = {"import_module", "__import__"}
    assert [
        source.at(node)
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in hidden
    ] == []
