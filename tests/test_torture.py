from __future__ import annotations

import importlib.util
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

# Counts to ten and keeps its sum in checkpoints of the usual layout, without importing anything slow.
CHILD = """
import json, os, shutil, sys, time
out, forgetful = sys.argv[1], sys.argv[2]
folder = os.path.join(out, "checkpoints")
os.makedirs(folder, exist_ok=True)
if os.path.exists(os.path.join(out, "config.json")) and forgetful == "fails":
    sys.exit("cannot resume")
open(os.path.join(out, "config.json"), "w").close()
steps = [int(n) for n in os.listdir(folder) if n.isdecimal()]
step, total = 0, 1
if steps:
    step = max(steps)
    state = json.load(open(os.path.join(folder, str(step), "state.json")))
    total = state["total"] + (forgetful == "forgets")
while step < 10:
    step += 1
    total = total * 31 % 1000003
    time.sleep(0.003)
    tmp = os.path.join(folder, f"step-{step}.tmp-{os.getpid()}")
    os.mkdir(tmp)
    with open(os.path.join(tmp, "model.safetensors"), "w") as file:
        file.write(str(total))
    time.sleep(0.005)
    with open(os.path.join(tmp, "state.json"), "w") as file:
        json.dump({"total": total, "phase": "early" if step < 6 else "late"}, file)
    os.rename(tmp, os.path.join(folder, str(step)))
    with open(os.path.join(folder, "last"), "w") as file:
        file.write(str(step))
with open(os.path.join(folder, "last"), "w") as file:
    file.write(str(step))
"""


@pytest.fixture(scope="module")
def torture() -> ModuleType:
    path = Path(__file__).parents[1] / "scripts" / "torture.py"
    spec = importlib.util.spec_from_file_location("torture", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["torture"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def job(torture: ModuleType, manner: str) -> object:
    command = (sys.executable, "-S", "-E", "-c", CHILD, "{out}", manner)
    return torture.Job("toy", command, command)


def test_a_job_that_resumes_exactly_passes(torture: ModuleType, tmp_path: Path) -> None:
    tally = torture.torture(job(torture, "remembers"), tmp_path, 6, 2, random.Random(1))
    assert tally.kills >= 6
    assert tally.inside_write >= 2
    assert tally.finished >= 1
    assert sum(tally.phases.values()) == tally.kills


def test_a_job_that_forgets_is_found_out(torture: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(torture.TortureError, match=r"toy: the weights in .*toy-\d+ differ from those"):
        torture.torture(job(torture, "forgets"), tmp_path, 4, 2, random.Random(1))


def test_a_job_that_cannot_resume_is_shown_with_its_words(torture: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(torture.TortureError, match=r"(?s)toy: a process exited with 1 by itself:.*cannot resume"):
        torture.torture(job(torture, "fails"), tmp_path, 4, 2, random.Random(1))


def test_the_commands_of_the_house_survive_three_kills(torture: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert torture.main(["--kills", "3", "--inside-write", "1", "--seed", "1"]) == 0, capsys.readouterr().err
