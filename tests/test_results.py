"""results.json: round trip, schema, look-ups, merging, and what is refused."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from eyehand.data.ledger import Budget, Ledger
from eyehand.errors import EyehandError, FileFormatError, InvalidValueError
from eyehand.evaluation import gap, results, results_file, schema

SIM = results.DomainIdentity("sim", 1, "0" * 64)
TWIN = results.DomainIdentity("twin/val", 2, "a" * 64, held_out=True)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Shaped like the episodes that a roll-out returns."""

    seeds: np.ndarray
    success: np.ndarray
    truncated: np.ndarray
    steps: np.ndarray
    total_reward: np.ndarray
    measures: dict[str, np.ndarray]


def episodes(share: float, n: int = 20, draw: int = 0) -> Outcome:
    success = np.arange(n) < round(share * n)
    distance = np.where(success, 0.04, 0.5) + np.arange(n) / 3000
    reward = np.where(success, 0.9, -0.2)
    seeds = (draw << 32) + np.arange(n)
    return Outcome(seeds, success, ~success, np.arange(n) + 50, reward, {"distance_m": distance})


def example() -> results.Results:
    cells = tuple(
        results.cell(arm, domain, seed, episodes(share, draw=draw), run=f"runs/{arm}")
        for arm, domain, share, draw in [
            ("sim_only", "sim", 0.95, 0), ("sim_only", "twin/val", 0.1, 3), ("oracle", "twin/val", 1.0, 3)
        ]
        for seed in (0, 1)
    )  # fmt: skip
    values = np.linspace(0.1, 0.3, 20)
    errors = (results.InterfaceErrors("sim_only", "twin/val", 0, "theta", "", np.arange(20), values),)
    ledger = (results.LedgerEntry("frames", "twin/val", 200, 1418), results.LedgerEntry("trials", "twin/val", 40, None))
    provenance = results.Provenance("abc123", {"numpy": "2.0"}, "two cores", 61.5, ("eyehand demo",))
    flags = {s: gap.Outcomes(np.arange(20) >= 6 * len(s)) for s in gap.subsets()}
    given = gap.GapInput(
        "sim_only", "sim", "twin/val", np.arange(20), np.zeros(20, np.int64),
        {"perception": gap.Outcomes(np.ones(20, bool)), "control": None}, [(0.0, np.ones(20, bool))], "theta", 0.2,
    )  # fmt: skip
    gaps = (gap.measure_gap(flags, given),)
    return results.Results(
        "demo", "modular_dqn", "planar_reach", "quick", "c" * 64, "d" * 64, {"twin/test": 0}, provenance,
        (SIM, TWIN), cells, errors, ledger, gaps,
    )  # fmt: skip


def document() -> dict:
    return json.loads(json.dumps(results_file.to_json(example())))


def test_what_is_written_reads_back(tmp_path):
    path = tmp_path / "results.json"
    written = example()
    results_file.write_results(written, path)
    read = results_file.read_results(tmp_path)  # the run folder will do
    assert results_file.to_json(read) == results_file.to_json(written)
    assert read.gaps == written.gaps
    assert read.provenance == written.provenance
    for ours, theirs in zip(written.cells, read.cells, strict=True):
        assert theirs.file == str(path)
        np.testing.assert_array_equal(ours.seeds, theirs.seeds)
        np.testing.assert_allclose(ours.measures["distance_m"], theirs.measures["distance_m"], rtol=1e-6)


def test_episode_seeds_of_a_late_draw_survive_json(tmp_path):
    late = results.Results("a", "m", "t", domains=(SIM,), cells=(results.cell("x", "sim", 0, episodes(1, draw=2**30)),))
    results_file.write_results(late, tmp_path / "r.json")
    assert (results_file.read_results(tmp_path / "r.json").cells[0].seeds >> 32 == 2**30).all()


def test_own_validator_agrees_with_jsonschema():
    rules = schema.load_schema(results_file.SCHEMA)
    jsonschema.Draft202012Validator.check_schema(rules)
    judge = jsonschema.Draft202012Validator(rules)
    broken = []
    for path, value in [
        (("schema",), "other"), (("cells", 0, "success"), 1.5), (("cells", 0, "episodes", "seeds", 2), -1),
        (("cells", 1, "training_seed"), "zero"), (("domains", 0, "digest"), "xyz"), (("ledger", 0, "allowed"), 1.5),
        (("extra",), 1), (("gaps", 0, "decompositions", 0, "measure"), "luck"), (("cells", 0, "episodes", "seeds"), []),
        (("cells", 0, "episodes", "measures", "Bad name"), [1.0]), (("name",), ""),
        (("provenance", "wall_time_s"), True),
    ]:  # fmt: skip
        damaged = document()
        place = damaged
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        broken.append(damaged)
    lacking = document()
    del lacking["provenance"]["commit"]
    for one in [document(), *broken, lacking]:
        assert (not schema.problems(one, rules)) == judge.is_valid(one)
    assert judge.is_valid(document())
    assert not any(judge.is_valid(one) for one in broken)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda d: d["cells"][1]["episodes"]["success"].append(7), r"cells\[1\].episodes.success\[20\] is 7"),
        (lambda d: d.pop("ledger"), "the document lacks 'ledger'"),
        (lambda d: d.__setitem__("surprise", 1), "surprise is not known"),
        (lambda d: d["cells"][0].__setitem__("arm", 3), r"cells\[0\].arm is 3, allowed is string"),
        (lambda d: d["cells"][0].__setitem__("success", 0.5), r"cells\[0\].success is 0.5, but its episodes give 0.95"),
        (lambda d: d["cells"][0]["episodes"]["steps"].pop(), "column steps"),
        (lambda d: d["interface_errors"][0].__setitem__("mean", 9.0), r"interface_errors\[0\].mean is 9.0"),
        (lambda d: d["cells"].append(copy.deepcopy(d["cells"][0])), "twice"),
        (lambda d: d["cells"][0].__setitem__("domain", "mars"), "mars"),
    ],
)  # fmt: skip
def test_damaged_files_are_refused_with_the_place(tmp_path, edit, message):
    damaged = document()
    edit(damaged)
    path = tmp_path / "results.json"
    path.write_text(json.dumps(damaged))
    with pytest.raises(FileFormatError, match=message) as caught:
        results_file.read_results(path)
    assert str(path) in str(caught.value)


def test_not_a_number_is_neither_written_nor_read(tmp_path):
    path = tmp_path / "results.json"
    infinite = dataclasses.replace(example(), provenance=results.Provenance(wall_time_s=float("inf")))
    with pytest.raises(FileFormatError, match="wall_time_s is inf"):
        results_file.write_results(infinite, path)
    assert not path.exists()
    spoilt = document()
    spoilt["cells"][0]["episodes"]["total_reward"][0] = float("nan")
    path.write_text(json.dumps(spoilt))
    with pytest.raises(FileFormatError, match=r"total_reward\[0\] is nan"):
        results_file.read_results(path)


def test_missing_and_torn_files_say_what_to_do(tmp_path):
    with pytest.raises(FileFormatError, match=r"does not exist.*eyehand evaluate"):
        results_file.read_results(tmp_path / "results.json")
    (tmp_path / "results.json").write_text('{"schema": "eyeh')
    with pytest.raises(FileFormatError, match="cannot be read as JSON"):
        results_file.read_results(tmp_path)


def test_a_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "results.json"
    results_file.write_results(example(), path)
    before = path.read_bytes()
    with pytest.raises(FileFormatError):
        results_file.write_results(dataclasses.replace(example(), name=""), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_samples_pool_the_training_seeds():
    found = example().sample("sim_only", "twin/val", "success")
    assert found is not None
    assert (len(found.values), found.seeds, found.values.mean()) == (40, 2, pytest.approx(0.1))
    assert example().sample("sim_only", "mars", "success") is None
    assert example().sample("sim_only", "sim", "grip_n") is None
    errors = example().error_sample("sim_only", "twin/val", "theta")
    assert errors is not None
    assert errors.values.mean() == pytest.approx(0.2)


def test_results_merge_unless_their_domains_differ():
    whole = example()
    parts = [
        dataclasses.replace(whole, cells=(c,), errors=(), gaps=(), test_reads={"twin/test": 1}) for c in whole.cells
    ]
    merged = results.merge(parts)
    assert len(merged.cells) == len(whole.cells)
    moved = dataclasses.replace(parts[0], domains=(SIM, dataclasses.replace(TWIN, version=3, digest="b" * 64)))
    with pytest.raises(EyehandError, match="different versions do not compare"):
        results.merge([parts[1], moved])
    with pytest.raises(EyehandError, match="do not merge"):
        results.merge([parts[0], dataclasses.replace(parts[1], method="other")])


def test_episodes_spread_over_several_files_merge_into_one_cell():
    parts = [
        results.Results("a", "m", "t", domains=(SIM,), cells=(results.cell("x", "sim", 0, episodes(share, draw=draw)),))
        for share, draw in ((1.0, 0), (0.5, 1))
    ]
    (one,) = results.merge(parts).cells
    assert (len(one.seeds), one.rate.value) == (40, 0.75)
    assert (one.seeds >> 32).tolist() == [0] * 20 + [1] * 20
    assert len(one.measures["distance_m"]) == 40
    with pytest.raises(InvalidValueError, match="an episode seed twice"):
        results.merge([parts[0], parts[0]])


TEST = results.DomainIdentity("twin/test", 2, "a" * 64, held_out=True)


def scored() -> results.Results:
    """Two arms in a test domain, one of them from two trainings; errors of the same images in three units."""
    cells = [results.cell("a", "twin/test", seed, episodes(0.5)) for seed in (0, 1)]
    cells += [results.cell("b", "twin/test", 0, episodes(0.5)), results.cell("a", "sim", 0, episodes(0.5))]
    errors = [
        results.InterfaceErrors("a", domain, 0, unit, unit, np.arange(4), np.ones(4))
        for domain in ("sim", "twin/test")
        for unit in ("theta", "cm", "deg")
    ]
    return results.Results(
        "x", "m", "t", test_reads={"twin/test": 99}, domains=(SIM, TEST), cells=tuple(cells), errors=tuple(errors)
    )


def test_a_scoring_is_an_arm_of_one_training_however_many_units_its_errors_have():
    found = scored()
    assert results.scorings(found.cells, found.errors, ["twin/test"]) == {"twin/test": 4}
    assert results.scorings(found.cells, (), ["twin/test"]) == {"twin/test": 3}
    assert results.scorings((), found.errors, ["twin/test", "live/test"]) == {"twin/test": 1, "live/test": 0}


def test_scorings_are_counted_from_what_a_file_holds_and_not_from_what_it_says(tmp_path):
    results_file.write_results(scored(), tmp_path / "r.json")
    assert '"test_reads": {"twin/test":99}' in (tmp_path / "r.json").read_text()
    assert results_file.read_results(tmp_path / "r.json").test_reads == {"twin/test": 4}


def test_episodes_of_one_arm_in_several_files_are_one_scoring():
    parts = [
        results.Results(
            "a", "m", "t", domains=(TEST,), test_reads={"twin/test": 1},
            cells=(results.cell("x", "twin/test", training, episodes(0.5, draw=draw)),),
        )
        for training, draw in ((0, 0), (0, 1), (1, 0))
    ]  # fmt: skip
    assert results.merge(parts).test_reads == {"twin/test": 2}


def test_cells_refuse_columns_that_do_not_fit():
    good = episodes(0.5)
    with pytest.raises(InvalidValueError, match="column steps in cell x on sim: got '19 numbers'"):
        results.cell("x", "sim", 0, dataclasses.replace(good, steps=good.steps[1:]))
    with pytest.raises(InvalidValueError, match="not finite"):
        results.cell("x", "sim", 0, dataclasses.replace(good, measures={"distance_m": good.total_reward * np.nan}))
    with pytest.raises(InvalidValueError, match="an episode seed twice"):
        results.cell("x", "sim", 0, dataclasses.replace(good, seeds=good.seeds * 0))


def test_terminal_table_shows_every_arm_with_its_interval_and_seeds():
    lines = results.table(example()).splitlines()
    assert lines[0].split() == ["arm", "sim", "twin/val"]
    assert "0.95 [0.83-0.99] (38/40), median 4.3 cm, 2 seeds" in lines[1]
    assert lines[2].split()[:2] == ["oracle", "-"]


def test_ledger_lines_name_budget_and_spending():
    ledger = Ledger(Budget(frames=1418))
    ledger.spend("frames", 200, "adaptation")
    ledger.spend("trials", 40, "evaluation")
    found = results.ledger_entries(ledger, "twin/val")
    assert found == (
        results.LedgerEntry("frames", "twin/val", 200, 1418), results.LedgerEntry("trials", "twin/val", 40, None)
    )  # fmt: skip


def test_the_schema_ships_beside_the_code():
    assert (Path(schema.__file__).parent / results_file.SCHEMA).is_file()
