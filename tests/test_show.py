"""`eyehand show`: the axes of a domain, the contact sheet, the video of the expert, and the verb."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from eyehand.cli import main
from eyehand.errors import InvalidValueError, UnknownNameError
from eyehand.evaluation import axes, contact_sheet
from eyehand.evaluation.expert_video import film_expert
from eyehand.tasks.planar_reach import PlanarReach
from eyehand.world.domain import Choice, Domain, Normal, Uniform
from eyehand.world.domain_files import SPLITS, load_domain
from eyehand.world.simulation import SimulatedWorld

CAMERA = "webcam"
MIXED = """
base = "sim"
name = "mixed"
[appearance]
background_albedo = { uniform = [0.4, 1.0] }
arm_width_scale = { choice = [1.3, 0.7, 1.0] }
[calibration]
encoder_bias_rad = { normal = [0.0, 0.01] }
[dynamics]
motion = "servo"
step_gain = { uniform = [0.5, 1.0] }
"""


@pytest.fixture
def mixed(tmp_path: Path) -> Domain:
    path = tmp_path / "mixed.toml"
    path.write_text(MIXED)
    return load_domain(str(path), "planar_reach")


def decoded(video: bytes) -> list[Any]:
    with av.open(io.BytesIO(video)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_levels_walk_along_a_distribution() -> None:
    assert axes.levels(Uniform(1.0, 3.0)) == (1.0, 1.5, 2.0, 2.5, 3.0)
    assert axes.levels(Normal(1.0, 0.5)) == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert axes.levels(Choice((3.0, 1.0, 3.0))) == (1.0, 3.0)
    assert axes.levels(Choice(tuple(range(9)))) == (0.0, 2.0, 4.0, 6.0, 8.0)
    assert axes.levels(0.7) == (0.7,)
    assert axes.levels("traced") == ()


def test_the_axes_are_the_numbers_that_are_spread_out(mixed: Domain) -> None:
    assert axes.distributions(Domain()) == {}
    assert list(axes.distributions(mixed)) == [
        "appearance.background_albedo",
        "appearance.arm_width_scale",
        "calibration.encoder_bias_rad",
        "dynamics.step_gain",
    ]
    assert axes.distributions(axes.at(mixed, "dynamics.step_gain", 0.6)).keys() == axes.distributions(mixed).keys() - {
        "dynamics.step_gain"
    }


def test_the_centre_of_a_domain_is_one_of_its_draws(mixed: Domain) -> None:
    plain = axes.centred(mixed)
    assert axes.distributions(plain) == {}
    assert (plain.appearance.background_albedo, plain.appearance.arm_width_scale) == (0.7, 1.0)
    assert plain.dynamics.motion == "servo"
    assert axes.centre(Choice((0.0, 1.0, 1.0, 1.0))) == 1.0  # not 0.75, which is no option


def test_a_strip_changes_one_number_alone(mixed: Domain) -> None:
    task = PlanarReach()
    found = {key: axes.strip(task, mixed, key, CAMERA, seed=4) for key in axes.distributions(mixed)}
    wall = found["appearance.background_albedo"]
    assert wall.values == (0.4, 0.55, 0.7, 0.85, 1.0)
    assert wall.spread == "0.4 to 1"
    assert wall.meaning.startswith("reflectance of the wall")
    brightness = wall.frames.mean((1, 2, 3))
    assert (np.diff(brightness) > 10).all()
    assert wall.change == pytest.approx(np.abs(wall.frames[-1].astype(float) - wall.frames[0]).mean())
    assert found["appearance.arm_width_scale"].values == (0.7, 1.0, 1.3)
    assert found["appearance.arm_width_scale"].change > 0
    assert found["calibration.encoder_bias_rad"].change == 0
    round_about = dataclasses.replace(wall, frames=wall.frames[[0, 4, 0]])  # an angle from -pi to pi
    assert round_about.change == wall.change
    middles = [one.frames[len(one.values) // 2] for one in found.values() if one.key != "dynamics.step_gain"]
    assert all((middle == middles[0]).all() for middle in middles)


def test_a_strip_of_the_motion_shows_the_arm_on_its_way(mixed: Domain) -> None:
    assert axes.strip(PlanarReach(), mixed, "dynamics.step_gain", CAMERA, seed=4).change > 0


def test_draws_of_a_population_are_none_that_a_split_reads() -> None:
    twin = contact_sheet.own_draws(load_domain("twin", "planar_reach"), 64)
    draws = set((twin.seeds(np.arange(64)) >> 32).tolist())
    assert len(draws) == 64
    assert not draws & {n for first, count in SPLITS.values() for n in range(first, first + count)}
    sim = Domain()
    assert contact_sheet.own_draws(sim, 64) is sim


def test_scenes_are_first_frames_of_episodes(mixed: Domain) -> None:
    scenes = contact_sheet.draw_scenes(PlanarReach(), mixed, 5, CAMERA)
    obs = SimulatedWorld(PlanarReach(), mixed, frozenset({"camera"})).reset(mixed.seeds(np.arange(5)))
    assert np.array_equal(scenes, obs.cameras[CAMERA].rgb)
    for wrong in (0, 257):
        with pytest.raises(InvalidValueError, match="1 to 256"):
            contact_sheet.draw_scenes(PlanarReach(), mixed, wrong, CAMERA)


def test_an_unknown_camera_tells_the_closest() -> None:
    assert contact_sheet.camera_of(PlanarReach(), "") == CAMERA
    with pytest.raises(UnknownNameError, match="Did you mean 'webcam'"):
        contact_sheet.camera_of(PlanarReach(), "webcan")


@pytest.mark.parametrize("size", [(128, 128), (210, 160), (8, 8), (480, 640)])
def test_a_sheet_has_eight_columns_and_a_row_for_every_axis(size: tuple[int, int]) -> None:
    scenes = np.zeros((64, *size, 3), np.uint8)
    scenes[:] = np.arange(64, dtype=np.uint8)[:, None, None, None]
    frames = np.repeat(np.array([200, 210, 220, 230, 240], np.uint8), size[0] * size[1] * 3).reshape(5, *size, 3)
    strip = axes.Strip("sensor.blur_px", "how blurred it is, " * 20, "0 to 1", (0.0, 0.25, 0.5, 0.75, 1.0), frames)
    bare = contact_sheet.compose("title", scenes, [])
    sheet = contact_sheet.compose("title", scenes, [strip, strip])
    assert sheet.dtype == np.uint8
    assert (sheet[: len(bare) - 4] == bare[:-4]).all()
    height, width = bare.shape[:2]
    scale = 128 / max(size)
    tile = round(size[1] * scale) + 4
    middles = np.arange(8) * tile + tile // 2
    found = bare[32 + round(size[0] * scale) // 2, middles, 0]
    assert found.tolist() == list(range(8))
    last = bare[-4 - round(size[0] * scale) // 2, middles, 0]
    assert last.tolist() == list(range(56, 64))
    for value in (200, 220, 240):
        column = (sheet[height:] == value).all(axis=2)
        assert column.sum() >= 2 * round(size[0] * scale) * (tile - 4)
    assert sheet.shape[1] == width


def test_a_goal_that_is_a_picture_is_shown_in_the_corner() -> None:
    frames = np.full((2, 90, 120, 3), 50, np.uint8)
    goals = np.stack([np.full((20, 20, 3), 99, np.uint8), np.full((20, 20, 3), 199, np.uint8)])
    shown = contact_sheet.with_goals(frames, goals)
    assert shown[0, 20, 20, 0] == 99
    assert shown[1, 20, 20, 0] == 199
    assert (shown[:, 45:, 45:] == 50).all()
    assert (frames == 50).all()
    assert contact_sheet.with_goals(frames, None) is frames
    assert contact_sheet.with_goals(frames, np.zeros((2, 3))) is frames


def test_the_expert_is_filmed_until_every_episode_is_over() -> None:
    video, outcomes = film_expert(PlanarReach(joints=1), Domain(), 2, CAMERA)
    frames = decoded(video)
    assert [outcome.success for outcome in outcomes] == [True, True]
    assert outcomes[0].steps != outcomes[1].steps
    assert all(outcome.measures["distance_m"] < 0.05 for outcome in outcomes)
    assert len(frames) == max(outcome.steps for outcome in outcomes) + 1
    assert [outcome.episode_seed for outcome in outcomes] == [0, 1]


@pytest.mark.usefixtures("short_episodes")
def test_the_verb_writes_a_sheet_and_a_video(told: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "mixed.toml").write_text(MIXED)
    folder = tmp_path / "new" / "folder"
    where = ["--domain", tmp_path / "mixed.toml", "--out", folder]
    data = told("show", "planar_reach", *where, "--draws", 9, "--episodes", 2, "--option", "joints=2")
    assert (data["task"], data["domain"], data["draws"]) == ("planar_reach", "mixed", 9)
    assert [axis["key"] for axis in data["axes"]][-1] == "dynamics.step_gain"
    assert data["axes"][0]["change"] > 10
    with Image.open(data["sheet"]) as sheet:
        assert sheet.format == "PNG"
    assert len(decoded(Path(data["video"]).read_bytes())) == 9
    assert [episode["steps"] for episode in data["episodes"]] == [8, 8]
    assert sorted(path.name for path in folder.iterdir()) == ["expert.mp4", "sheet.png"]


def test_a_fixed_domain_has_no_axes_and_no_video_where_none_is_wanted(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["show", "planar_reach", "--output", str(tmp_path), "--draws", "1", "--episodes", "0"]
    assert main(command) == 0
    said = capsys.readouterr()
    assert f"1 draws and 0 axes: {tmp_path / 'sheet.png'}" in said.out
    assert "every number of the domain is fixed" in said.err
    assert main([*command, "--json"]) == 0
    said = capsys.readouterr()
    assert not said.err
    assert json.loads(said.out)["video"] is None


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["planar_reech"], "Did you mean 'planar_reach'?"),
        (["planar_reach", "--domain", "twinn"], "Did you mean 'twin'?"),
        (["planar_reach", "--camera", "web"], "Allowed: webcam."),
        (["planar_reach", "--draws", "0"], "allowed is 1 to 256"),
        (["planar_reach", "--episodes", "7"], "allowed is 0 to 6"),
        (["planar_reach", "--option", "joint=2"], "Did you mean 'joints'?"),
    ],
)
def test_bad_input_writes_nothing(arguments: list[str], hint: str, refused: Callable[..., str], tmp_path: Path) -> None:
    assert hint in refused("show", *arguments, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_place_that_is_a_file_is_refused(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "out" in refused("show", "planar_reach", "--draws", 1, "--out", tmp_path / "out")
    assert (tmp_path / "out").read_text() == "mine"
