"""Generated blocks of the documentation that come from the code: verbs, presets, domains, Protocols, paper tables."""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import inspect
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from importlib.resources import files
from pathlib import Path
from types import ModuleType

from eyehand.cli.verbs import VERBS, Verb
from eyehand.learning.method import Method
from eyehand.learning.networks import ConvLayer
from eyehand.methods import mask_grasp, modular_dqn
from eyehand.world.domain import FACTORS, Domain, set_fields
from eyehand.world.domain_files import SPLITS, dump_domain, load_domain, shipped_domains
from eyehand.world.support import Range, outside_support
from eyehand.world.task import Task

TASK = "planar_reach"
METHODS: Mapping[str, ModuleType] = {"modular_dqn": modular_dqn, "mask_grasp": mask_grasp}
_ENTRY = re.compile(r"(\w+) = (.+)")


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; bars inside entries are escaped."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(entry.replace("|", "\\|") for entry in line) + " |" for line in lines)


def verb_block(verb: Verb, root: Path) -> str:
    """A verb's example and its options, from the docstrings of its `Options`."""
    del root
    rows = [[f"`{name}`", default, text] for name, default, text in _options(verb) if name != "--json"]
    table = markdown(["option", "default", "meaning"], rows) if rows else "No options besides `--help` and `--json`."
    return f"```bash\n{verb.example}\n```\n\n{table}"


def verbs_block(root: Path) -> str:
    """All verbs with their summaries."""
    del root
    return markdown(["verb", "does"], [[f"[`{v.name}`](#eyehand-{v.name})", v.summary] for v in VERBS])


def presets_block(method: ModuleType, root: Path) -> str:
    """Every field of the configuration of a method in every preset."""
    del root
    columns = [dict(_fields(make())) for make in method.PRESETS.values()]
    rows = [[f"`{key}`", *(column[key] for column in columns)] for key in columns[0]]
    return markdown(["field", *method.PRESETS], rows)


def differences_block(method: ModuleType, root: Path) -> str:
    """The numbered differences from the paper, from the docstring of the method's file."""
    del root
    section = (method.__doc__ or "").partition("Differences from the paper:\n")[2].split("\n\n")[0]
    return inspect.cleandoc(section)


def twin_block(root: Path, task: str = TASK) -> str:
    """The five factors of the twin: what each number means, what it is in `sim` and `twin`, and its source."""
    del root
    sim, target = load_domain("sim", task), load_domain("twin", task)
    nominal, twin, sources = _dumped(sim), _dumped(target), twin_sources(task)
    used = {f"{name}.{field}" for name in FACTORS for field in set_fields(getattr(target, name))}
    if task != TASK:  # only what it changes: the other fields are those of tasks in a plane
        used = {key for key in used if twin[key][1] != nominal[key][1]}
    rows = [
        [f"`{key}`", nominal[key][0], nominal[key][1], twin[key][1], _source(key, nominal, twin, sources)]
        for key in twin
        if key in used
    ]
    return markdown(["key", "meaning", "`sim`", "`twin`", "source of the range"], rows)


def twin_identity_block(root: Path, task: str = TASK) -> str:
    """Version, hash and draws of the twin."""
    del root
    twin = load_domain("twin", task)
    folder = files("eyehand.world") / "domains" / task
    frozen = (folder / "twin.sha256").read_text(encoding="utf-8").strip()
    rows = [
        ["version", str(twin.version)],
        ["SHA-256 of its numbers", f"`{twin.digest()}`"],
        ["frozen hash, `twin.sha256`", "the same" if frozen == twin.digest() else f"`{frozen}`, **not the same**"],
    ]
    rows += [[f"draws of `twin/{split}`", f"{first} to {first + n - 1}"] for split, (first, n) in SPLITS.items()]
    return markdown(["", ""], rows)


def support_block(root: Path, task: str = "view_reach") -> str:
    """The axes of the twin outside the support of the randomised domain."""
    del root
    outside = outside_support(load_domain("twin", task), load_domain("randomized", task))
    rows = [[f"`{key}`", _span(there), _span(here)] for key, (there, here) in outside.items()]
    return markdown(["key", "`twin`", "`randomized`"], rows)


def domains_block(root: Path, task: str = TASK) -> str:
    """Every shipped domain of a task, with the first comment of its file."""
    del root
    rows: list[list[str]] = []
    for name in shipped_domains(task):
        domain = load_domain(name, task)
        resource = files("eyehand.world") / "domains" / task / f"{name}.toml"
        text = resource.read_text(encoding="utf-8") if resource.is_file() else "# The nominal domain: every default."
        said = " ".join(line.lstrip("# ") for line in text.split("\n\n")[0].splitlines() if line.startswith("#"))
        rows.append([f"`{name}`", "held out" if domain.held_out else "", said])
    return markdown(["domain", "", "what it is"], rows)


def members_block(protocol: type, root: Path) -> str:
    """The members of a Protocol with the first line of their docstrings."""
    del root
    rows: list[list[str]] = []
    for name, member in vars(protocol).items():
        if name.startswith("_") or not (isinstance(member, property) or inspect.isfunction(member)):
            continue
        function = member.fget if isinstance(member, property) else member
        arguments = (
            "" if isinstance(member, property) else f"({', '.join([*inspect.signature(member).parameters][1:])})"
        )
        rows.append([f"`{name}{arguments}`", (inspect.getdoc(function) or "").splitlines()[0]])
    return markdown(["member", "what it gives"], rows)


def _arguments(function: Callable[..., object]) -> list[str]:
    return [*inspect.signature(function).parameters][1:]  # without `self`


def twin_sources(task: str = TASK) -> dict[str, str]:
    """The comment above every key of `twin.toml`; keys in a row share the comment above the first of them."""
    text = (files("eyehand.world") / "domains" / task / "twin.toml").read_text(encoding="utf-8")
    sources: dict[str, str] = {}
    table, comment, open_comment = "", list[str](), False
    for line in text.splitlines():
        if line.startswith("["):
            table, comment = line.strip("[]"), []
        elif line.startswith("#"):
            comment = [*comment, line.lstrip("# ")] if open_comment else [line.lstrip("# ")]
        elif found := _ENTRY.match(line):
            sources[f"{table}.{found[1]}"] = " ".join(comment)
        open_comment = line.startswith("#")
    return sources


def _source(
    key: str, nominal: Mapping[str, tuple[str, str]], twin: Mapping[str, tuple[str, str]], sources: Mapping[str, str]
) -> str:
    """The comment of a key; one that the twin leaves as it is in `sim` needs no source."""
    return "as in `sim`" if nominal[key][1] == twin[key][1] else sources.get(key, "") or "a choice, not a range"


def _dumped(domain: Domain) -> dict[str, tuple[str, str]]:
    """(meaning, printed value) of every number of a domain by "factor.key"."""
    found: dict[str, tuple[str, str]] = {}
    table, meaning = "", ""
    for line in dump_domain(domain).splitlines():
        if line.startswith("["):
            table = line.strip("[]")
        elif line.startswith("#"):
            meaning = line.lstrip("# ")
        elif table in FACTORS and (entry := _ENTRY.match(line)):
            found[f"{table}.{entry[1]}"] = (meaning, _shown(tomllib.loads(f"value = {entry[2]}")["value"]))
    return found


def _span(value: Range) -> str:
    if isinstance(value, str):
        return f"`{value}`"
    return f"{value[0]:g}" if value[0] == value[1] else f"{value[0]:g} to {value[1]:g}"


def _shown(value: object) -> str:
    if isinstance(value, dict):
        ((kind, numbers),) = value.items()
        if kind == "uniform":
            return f"{numbers[0]:g} to {numbers[1]:g}"
        return f"normal, mean {numbers[0]:g}, sd {numbers[1]:g}" if kind == "normal" else f"one of {numbers}"
    return f"`{value}`" if isinstance(value, str) else f"{value:g}"


def _fields(config: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and printed values of a nested configuration."""
    for field in dataclasses.fields(config):  # pyright: ignore[reportArgumentType] - any dataclass
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from _fields(value, f"{prefix}{field.name}.")
        else:
            yield prefix + field.name, _value(value)


def _value(value: object) -> str:
    if isinstance(value, ConvLayer):
        return f"{value.filters} of {value.kernel}x{value.kernel}/{value.stride}"
    if isinstance(value, tuple):
        return ", ".join(map(_value, value)) or "none"
    if isinstance(value, bool | str):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) and abs(value) >= 10_000 else f"{value:g}"


def _options(verb: Verb) -> Iterator[tuple[str, str, str]]:
    """Name, default and help of every option, read from the source so that nothing has to be parsed by tyro."""
    spec = importlib.util.find_spec(verb.module)
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8") if spec and spec.origin else "")
    (options,) = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Options")
    for field, text in zip(options.body, options.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            name = ast.unparse(field.target)
            positional = "Positional" in ast.unparse(field.annotation)
            shown = name.upper() if positional else f"--{name.replace('_', '-')}"
            yield shown, _default(field.value), " ".join(str(text.value.value).split())


def _default(value: ast.expr | None) -> str:
    if value is None:
        return "required"
    if isinstance(value, ast.Call) and value.args:  # Path("runs/demo")
        value = value.args[0]
    said = ast.literal_eval(value) if isinstance(value, ast.Constant | ast.Tuple | ast.UnaryOp) else ast.unparse(value)
    if said in (None, "", ()):
        return ""
    return f"`{said}`" if not isinstance(said, bool) else "on" if said else "off"


BLOCKS: Mapping[str, Callable[[Path], str]] = {
    "verbs": verbs_block,
    **{f"verb-{verb.name}": partial(verb_block, verb) for verb in VERBS},
    **{f"{name}-presets": partial(presets_block, method) for name, method in METHODS.items()},
    **{f"{name}-differences": partial(differences_block, method) for name, method in METHODS.items()},
    "twin-factors": twin_block,
    "twin-identity": twin_identity_block,
    "domains": domains_block,
    "view-reach-factors": partial(twin_block, task="view_reach"),
    "view-reach-identity": partial(twin_identity_block, task="view_reach"),
    "view-reach-domains": partial(domains_block, task="view_reach"),
    "view-reach-support": support_block,
    "sphere-grasp-factors": partial(twin_block, task="sphere_grasp"),
    "sphere-grasp-identity": partial(twin_identity_block, task="sphere_grasp"),
    "sphere-grasp-domains": partial(domains_block, task="sphere_grasp"),
    "sphere-grasp-support": partial(support_block, task="sphere_grasp"),
    "task-members": partial(members_block, Task),
    "method-members": partial(members_block, Method),
}
