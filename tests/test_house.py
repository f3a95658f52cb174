"""What holds the house up: floors, sizes, documentation, safety, and that importing does nothing."""

from __future__ import annotations

import ast
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"

# A module imports from its own floor or from one below. `tasks` and `interfaces` share a floor in the plan; a task
# names the interface whose truth its state defines, never the other way round.
FLOORS = {
    "": 0,
    "types": 0,
    "errors": 0,
    "registry": 0,
    "data": 1,
    "world": 2,
    "interfaces": 3,
    "tasks": 4,
    "learning": 5,
    "methods": 6,
    "evaluation": 7,
    "testing": 8,
    "gym": 8,
    "cli": 9,
    "__main__": 10,
}
SEES_ONLY = {"deploy": {"", "types", "deploy"}}  # the robot's side starts without torch and mujoco
STRANGERS = {("tasks", "methods"), ("methods", "tasks")}  # they meet through types

LOCAL_IMPORTS = {  # (module, imported): why it cannot stand at the top of the file without a condition
    ("eyehand.data.journal", "fcntl"): "not there on Windows",
    ("eyehand.cli.scaling", "resource"): "not there on Windows",
}
DYNAMIC_IMPORTS = {
    "eyehand.registry": "tasks and methods are loaded by name",
    "eyehand.cli": "verbs are loaded when they are used",
    "eyehand.evaluation.claims": "claims are loaded by the name of their method",
    "eyehand.world.robots.menagerie": "an optional package",
    "eyehand.learning.foreign_eyes": "a user's function by name, and an optional package",
    "eyehand.cli.doctor": "a missing dependency is what the doctor tells about",
}

FILE_LINES, FUNCTION_LINES, PARAMETERS = 500, 80, 8
SMALLER_FILES = {"src/eyehand/types.py": 300, "src/eyehand/methods/": 400, "README.md": 120}
FORBIDDEN_IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
FORBIDDEN_CALLS = {"eval", "exec", "torch.load", "torch.save", "yaml.load", "os.system"}
HEAVY = ("torch", "mujoco", "numba", "matplotlib")


@cache
def modules() -> dict[str, ast.Module]:
    """Every module of the package by dotted name."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    return found


def imported(node: ast.AST, module: str) -> Iterator[str]:
    """Dotted names that an import statement makes its module depend on."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"{module}: imports are absolute"
        for alias in node.names:
            whole = f"{node.module}.{alias.name}"
            yield whole if whole in modules() else str(node.module)


def own_imports() -> Iterator[tuple[str, str]]:
    for module, tree in modules().items():
        for node in ast.walk(tree):
            for target in imported(node, module):
                if target.split(".")[0] == "eyehand":
                    yield module, target


def component(module: str) -> str:
    return [*module.split("."), ""][1]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_component_has_a_floor() -> None:
    unknown = {component(name) for name in modules()} - FLOORS.keys() - SEES_ONLY.keys()
    assert not unknown, f"say on which floor these live: {sorted(unknown)}"


def test_imports_run_downward_only() -> None:
    wrong = []
    for module, target in own_imports():
        here, there = component(module), component(target)
        if here in SEES_ONLY:
            allowed = there in SEES_ONLY[here]
        else:
            allowed = there in FLOORS and FLOORS[there] <= FLOORS[here] and (here, there) not in STRANGERS
        if not allowed:
            wrong.append(f"{module} imports {target}")
    assert not wrong, wrong


def test_methods_do_not_know_each_other() -> None:
    wrong = [
        f"{module} imports {target}"
        for module, target in own_imports()
        if component(module) == component(target) == "methods" and module.count(".") >= 2 and module != target
    ]
    assert not wrong, wrong


def test_modules_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for module, target in own_imports():
        graph[module].add(target)
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail[trail.index(name) :], name))
        if name not in finished:
            for target in graph.get(name, ()):
                visit(target, (*trail, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


def test_private_names_stay_in_their_module() -> None:
    wrong = [
        f"{module} imports {alias.name} of {node.module}"
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("eyehand")
        for alias in node.names
        if alias.name.startswith("_") and not alias.name.endswith("__")
    ]
    assert not wrong, wrong


def test_imports_stand_at_the_top() -> None:
    wrong = []
    for module, tree in modules().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and node not in tree.body:
                wrong += [
                    f"{module}:{node.lineno} imports {target} locally"
                    for target in imported(node, module)
                    if (module, target) not in LOCAL_IMPORTS and module != "eyehand.types"
                ]
        calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        if module not in DYNAMIC_IMPORTS:
            wrong += [f"{module} calls {c}" for c in calls if c in ("importlib.import_module", "__import__")]
    assert not wrong, wrong


def test_type_checking_is_asked_for_in_types_only() -> None:
    wrong = [
        name
        for name, tree in modules().items()
        if name != "eyehand.types"
        and any(
            isinstance(node, ast.Name | ast.alias) and "TYPE_CHECKING" in ast.unparse(node) for node in ast.walk(tree)
        )
    ]
    assert not wrong, wrong


def test_no_module_is_a_drawer_for_odds_and_ends() -> None:
    drawers = {"util", "utils", "helper", "helpers", "common", "misc"}
    wrong = [name for name in modules() if drawers & set(name.split("."))]
    assert not wrong, wrong


def written_files() -> Iterator[Path]:
    for folder in ("src", "tests", "scripts", "bench", "reproduce"):
        yield from sorted((ROOT / folder).rglob("*.py"))
    yield ROOT / "README.md"


def test_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    files: dict[str, int] = {}
    lengths: dict[str, int] = {}
    widths: dict[str, int] = {}
    for path in written_files():
        name = path.relative_to(ROOT).as_posix()
        text = path.read_text(encoding="utf-8")
        files[name] = text.count("\n")
        if path.suffix == ".py":
            for function in functions(ast.parse(text)):
                where = f"{name}:{function.lineno} {function.name}"
                lengths[where] = (function.end_lineno or 0) - function.lineno + 1
                given = function.args
                counted = [a.arg for a in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
                widths[where] = len([a for a in counted if a not in ("self", "cls")])
    ours = [n for name, n in files.items() if name.startswith("src/")]
    row = (
        f"sizes: file median {statistics.median(ours):.0f} max {max(ours)} | "
        f"function median {statistics.median(lengths.values()):.0f} max {max(lengths.values())} | "
        f"parameters max {max(widths.values())}"
    )
    with capsys.disabled():
        print(f"\n{row}")
    over = [f"{name}: {n} lines" for name, n in files.items() if n > _file_limit(name)]
    over += [f"{where}: {n} lines" for where, n in lengths.items() if n > FUNCTION_LINES]
    over += [f"{where}: {n} parameters" for where, n in widths.items() if n > PARAMETERS]
    assert not over, (row, over)


def _file_limit(name: str) -> int:
    return next((limit for prefix, limit in SMALLER_FILES.items() if name.startswith(prefix)), FILE_LINES)


def public_definitions() -> Iterator[tuple[str, ast.AST]]:
    """Modules, and the public classes, functions and methods in them."""
    for module, tree in modules().items():
        yield module, tree
        for node in tree.body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
                continue
            yield f"{module}.{node.name}", node
            if isinstance(node, ast.ClassDef):
                for member in node.body:
                    if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                        yield f"{module}.{node.name}.{member.name}", member


def test_every_public_name_is_documented() -> None:
    wrong = []
    for name, node in public_definitions():
        assert isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if len((ast.get_docstring(node) or "").split()) < 2:
            wrong.append(name)
    assert not wrong, wrong


def test_every_public_signature_is_typed() -> None:
    wrong = []
    for name, node in public_definitions():
        if isinstance(node, ast.FunctionDef) and not _is_kernel(node):
            given = node.args
            named = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
            bare = [a.arg for a in named if a and not a.annotation and a.arg not in ("self", "cls")]
            if bare or node.returns is None:
                wrong.append(f"{name}: {', '.join(bare) or 'return value'}")
    assert not wrong, wrong


def _is_kernel(node: ast.FunctionDef) -> bool:
    """Numba types a kernel by itself, from the arrays that it is called with."""
    return any("njit" in ast.unparse(decorator) for decorator in node.decorator_list)


def test_no_file_can_run_code() -> None:
    wrong = []
    for module, tree in modules().items():
        for node in ast.walk(tree):
            names = {target.split(".")[0] for target in imported(node, module)}
            wrong += [f"{module} imports {name}" for name in names & FORBIDDEN_IMPORTS]
            if isinstance(node, ast.Call):
                call = ast.unparse(node.func)
                said = {word.arg: ast.unparse(word.value) for word in node.keywords}
                pickles = call == "np.load" and said.get("allow_pickle") != "False"
                if call in FORBIDDEN_CALLS or pickles or said.get("allow_pickle") == "True":
                    wrong.append(f"{module}:{node.lineno} calls {call}")
    assert not wrong, wrong


def test_nothing_of_one_machine_or_of_tomorrow_is_written_down() -> None:
    patterns = {
        "an absolute path": re.compile("/(?:work|home|root)" + r"/\w|/tmp/\w"),
        "a note to self": re.compile("TO" + "DO|FIX" + "ME|XX" + "X"),
        "a banner": re.compile(r"^\s*#\s*[-=*#~]{4,}", re.MULTILINE),
    }
    documents = [*written_files(), ROOT / "Makefile", ROOT / "pyproject.toml", *(ROOT / "docs").rglob("*.md")]
    wrong = [
        f"{path.relative_to(ROOT)}: {what} ({match.group().strip()})"
        for path in documents
        if path != Path(__file__)
        for what, pattern in patterns.items()
        if (match := pattern.search(path.read_text(encoding="utf-8")))
    ]
    assert not wrong, wrong


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_help_is_quick_and_light() -> None:
    code = (
        "import sys; from eyehand.cli import main; assert main(['--help']) == 0; "
        f"print('loaded:', [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        done = python(code)
        seconds.append(time.perf_counter() - begin)
        assert done.returncode == 0, done.stderr
        assert done.stderr.strip() == "loaded: []"
    assert min(seconds) < 0.5, seconds


def test_importing_does_nothing() -> None:
    names = [name for name in modules() if name != "eyehand.__main__"]
    code = (
        "import gymnasium, importlib, os, sys; before = dict(os.environ)\n"  # gymnasium silences pygame's greeting
        f"for name in {names}:\n"
        "    importlib.import_module(name)\n"
        "    changed = dict(os.environ).items() ^ before.items()\n"
        "    if changed: sys.exit(f'{name} changes the environment: {changed}')\n"
    )
    done = python(code)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
