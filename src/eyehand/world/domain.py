"""Domains: how the world looks, is sensed, is set up, moves and keeps time, as data.

A domain is five frozen factors whose numeric fields are values: a number, `Uniform`, `Normal` or `Choice`. Drawing is
counter-based (`eyehand.world.counter`): a field's number is a function of the episode seed and the field's name.
Factors of two domains mix, and a domain hashes to the same text on every machine. A field that was added to a factor
later counts in the hash only where it is not at its default, so that domains of earlier days keep their hash.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np

from eyehand.errors import InvalidValueError
from eyehand.types import Floats, Integers
from eyehand.world import counter


@dataclass(frozen=True)
class Uniform:
    """A number drawn evenly between `low` and `high`."""

    low: float
    high: float

    def __post_init__(self) -> None:
        """Refuse an inverted or non-finite range."""
        if not self.low <= self.high or not np.isfinite([self.low, self.high]).all():
            raise InvalidValueError("range uniform", [self.low, self.high], "two finite numbers, the lower one first")


@dataclass(frozen=True)
class Normal:
    """A normally distributed number."""

    mean: float
    std: float

    def __post_init__(self) -> None:
        """Refuse a negative or non-finite spread."""
        if not self.std >= 0 or not np.isfinite([self.mean, self.std]).all():
            raise InvalidValueError("normal", [self.mean, self.std], "a finite mean and a spread of at least 0")


@dataclass(frozen=True)
class Choice:
    """One of several numbers, each as likely."""

    options: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse an empty or non-finite list."""
        if not self.options or not np.isfinite(self.options).all():
            raise InvalidValueError("choice", list(self.options), "a list of at least one finite number")


Value: TypeAlias = float | Uniform | Normal | Choice
_LATER: Mapping[str, bool] = {"later": True}  # marks fields that stay out of the digest at their default


@dataclass(frozen=True)
class Appearance:
    """What there is to see.

    Attributes:
        image: the image back end, a name that the task registers ("drawing", "traced"; "raster" in three dimensions).
        target: "virtual" (drawn into the frame), "physical", "none" or "two".
        occlusion: "none" or one of the task's occlusion cases.
        arm_albedo: reflectance of the arm's covers; 0 black, 1 white.
        background_albedo: reflectance of the wall, or grey level of a drawn background.
        lamp_scale: strength of the ceiling lamp relative to the nominal one.
        window_scale: strength of the daylight relative to the lamp.
        light_offset_m: sideways offset of the lamp from its nominal place.
        clutter_offset_m: sideways offset of the things in the background.
        arm_width_scale: width of the arm relative to the nominal one.
        objects: family of the objects in the scene, "train" or "held_out".
        shell: the robot's visual meshes, "plain" or "twin".
        textures: family of the textures that surfaces may be given, "train" or "held_out".
        background: what is behind everything: "plain" (grey of `background_albedo`), "colour" (any) or "photograph".
        object_colour_share: how much of an object's own colour gives way to any colour, 0 to 1.
        surface_colour_share: how much of the colour of table, floor and walls gives way to any colour, 0 to 1.
        robot_colour_share: how much of the robot's own colour gives way to any colour, 0 to 1.
        object_texture_share: probability that an object or a thing in the clutter is given a texture.
        surface_texture_share: probability that table, floor or a wall is given a texture.
        texture_repeat: how often such a texture repeats over its surface.
        gloss_share: how much of a surface's own highlights gives way to any highlights, 0 to 1.
        lamps: number of lamps, which share the light of one.
        lamp_elevation_rad: height of a lamp above the horizon of the workspace, each lamp its own draw.
        lamp_azimuth_rad: direction of a lamp about the vertical, each lamp its own draw.
        lamp_distance_m: distance of a lamp from the workspace.
        lamp_radius_m: radius of a lamp, which softens its shadows where they are traced.
        lamp_warmth: red gained and blue lost by the lamps, relative.
        window_azimuth_rad: direction of the daylight about the vertical.
        ambient: light from everywhere; with the nominal lamp it makes a white table white.
        clutter: number of things that only stand about.
    """

    image: str = "drawing"
    target: str = "virtual"
    occlusion: str = "none"
    arm_albedo: Value = 0.45
    background_albedo: Value = 1.0
    lamp_scale: Value = 1.0
    window_scale: Value = 0.0
    light_offset_m: Value = 0.0
    clutter_offset_m: Value = 0.0
    arm_width_scale: Value = 1.0
    objects: str = field(default="train", metadata=_LATER)
    shell: str = field(default="plain", metadata=_LATER)
    textures: str = field(default="train", metadata=_LATER)
    background: str = field(default="plain", metadata=_LATER)
    object_colour_share: Value = field(default=0.0, metadata=_LATER)
    surface_colour_share: Value = field(default=0.0, metadata=_LATER)
    robot_colour_share: Value = field(default=0.0, metadata=_LATER)
    object_texture_share: Value = field(default=0.0, metadata=_LATER)
    surface_texture_share: Value = field(default=0.0, metadata=_LATER)
    texture_repeat: Value = field(default=1.0, metadata=_LATER)
    gloss_share: Value = field(default=0.0, metadata=_LATER)
    lamps: Value = field(default=1.0, metadata=_LATER)
    lamp_elevation_rad: Value = field(default=1.1, metadata=_LATER)
    lamp_azimuth_rad: Value = field(default=0.8, metadata=_LATER)
    lamp_distance_m: Value = field(default=2.0, metadata=_LATER)
    lamp_radius_m: Value = field(default=0.1, metadata=_LATER)
    lamp_warmth: Value = field(default=0.0, metadata=_LATER)
    window_azimuth_rad: Value = field(default=1.6, metadata=_LATER)
    ambient: Value = field(default=0.4, metadata=_LATER)
    clutter: Value = field(default=0.0, metadata=_LATER)


@dataclass(frozen=True)
class Sensor:
    """How light becomes an image; all zeros and ones is a perfect sensor.

    Attributes:
        exposure: mean level that the exposure loop steers to, 0 to 1; 0 leaves the radiance as it is.
        exposure_jitter: relative error of the exposure loop from frame to frame (standard deviation).
        white_balance_red: residual gain of the red channel after white balance.
        white_balance_blue: residual gain of the blue channel after white balance.
        vignetting: loss of light in the corners, 0 to 1.
        lens_k1: first radial distortion coefficient, in units of half the image height.
        blur_px: standard deviation of the lens blur in sensor pixels.
        full_well_e: electrons at saturation, sets the photon noise; 0 for none.
        read_noise_e: read noise in electrons (standard deviation).
        tone_gamma: exponent of the tone curve, output = linear ** (1 / gamma).
        jpeg_quality: 1 to 100; 0 for no compression.
        binning: pixels of the sensor, along each side, that are averaged into one pixel of the picture.
        shutter_s: how long light gathers, which smears what moves.
        depth: where depth comes from: "exact" (the renderer) or "stereo" (two views, a pattern, a block matcher).
        stereo_baseline_m: distance between the two cameras of the depth sensor.
        stereo_binning: pixels of the depth sensor, along each side, for one pixel of the picture.
        stereo_block_px: side of the block that is matched.
        stereo_nearest_m: nearest distance that the matcher searches.
        stereo_uniqueness: how much worse, relative, the second best match must be.
        projector_strength: light of the projected pattern at 1 m relative to white in the scene's light.
    """

    exposure: Value = 0.0
    exposure_jitter: Value = 0.0
    white_balance_red: Value = 1.0
    white_balance_blue: Value = 1.0
    vignetting: Value = 0.0
    lens_k1: Value = 0.0
    blur_px: Value = 0.0
    full_well_e: Value = 0.0
    read_noise_e: Value = 0.0
    tone_gamma: Value = 1.0
    jpeg_quality: Value = 0.0
    binning: Value = field(default=1.0, metadata=_LATER)
    shutter_s: Value = field(default=0.0, metadata=_LATER)
    depth: str = field(default="exact", metadata=_LATER)
    stereo_baseline_m: Value = field(default=0.05, metadata=_LATER)
    stereo_binning: Value = field(default=4.0, metadata=_LATER)
    stereo_block_px: Value = field(default=7.0, metadata=_LATER)
    stereo_nearest_m: Value = field(default=0.3, metadata=_LATER)
    stereo_uniqueness: Value = field(default=0.1, metadata=_LATER)
    projector_strength: Value = field(default=1.0, metadata=_LATER)


@dataclass(frozen=True)
class Calibration:
    """True set-up minus believed set-up.

    Attributes:
        camera_offset_m: size of the error of the camera position, in a direction of its own.
        camera_rotation_rad: size of the error of the camera orientation, in a direction of its own.
        moved_m: how far the camera has moved since the recording, sideways and up.
        moved_rad: how far the camera has turned since the recording, about all axes.
        encoder_bias_rad: what the encoders read too much, each joint its own draw.
        focal_error: true focal length over the believed one, less 1.
        principal_error_px: error of the principal point, columns and rows each their own draw.
        shake_rad: how far the camera turns from frame to frame about each axis (standard deviation).
    """

    camera_offset_m: Value = 0.0
    camera_rotation_rad: Value = 0.0
    moved_m: Value = 0.0
    moved_rad: Value = 0.0
    encoder_bias_rad: Value = 0.0
    focal_error: Value = field(default=0.0, metadata=_LATER)
    principal_error_px: Value = field(default=0.0, metadata=_LATER)
    shake_rad: Value = field(default=0.0, metadata=_LATER)


@dataclass(frozen=True)
class Dynamics:
    """How the arm answers commands.

    Attributes:
        motion: the motion back end, a name that the task registers ("kinematic", "servo", "mujoco").
        step_gain: share of a commanded step that is carried out.
        dead_band_rad: commanded motion below which a joint stays where it is.
        mass_scale: masses of the robot's links and of the objects relative to the nominal ones.
        friction_scale: sliding friction relative to the nominal one.
        damping_scale: damping of the joints relative to the nominal one.
        gain_scale: stiffness of the position servos relative to the nominal one.
        joint_friction_nm: dry friction of every joint, newton metres.
        backlash_rad: play of every joint: motion that is lost when it turns back.
        payload_kg: mass that hangs on the hand and that the controller does not know of.
        push_n: force of a push on the hand in a random level direction, newtons, each push its own draw.
        push_share: probability of such a push in a control step, all through it.
        rolling_scale: friction of rolling relative to the nominal one.
        patience: time limit of an episode relative to the nominal one, for robots that are slower (its mean counts).
    """

    motion: str = "kinematic"
    step_gain: Value = 1.0
    dead_band_rad: Value = 0.0
    mass_scale: Value = field(default=1.0, metadata=_LATER)
    friction_scale: Value = field(default=1.0, metadata=_LATER)
    damping_scale: Value = field(default=1.0, metadata=_LATER)
    gain_scale: Value = field(default=1.0, metadata=_LATER)
    joint_friction_nm: Value = field(default=0.0, metadata=_LATER)
    backlash_rad: Value = field(default=0.0, metadata=_LATER)
    payload_kg: Value = field(default=0.0, metadata=_LATER)
    push_n: Value = field(default=0.0, metadata=_LATER)
    push_share: Value = field(default=0.0, metadata=_LATER)
    rolling_scale: Value = field(default=1.0, metadata=_LATER)
    patience: Value = field(default=1.0, metadata=_LATER)


@dataclass(frozen=True)
class Timing:
    """When things happen.

    Attributes:
        lag: share of a motion that is still to come when the next frame is taken, 0 to below 1.
        latency_s: age of a frame when it arrives: the robot has moved on meanwhile.
        delay_steps: control steps by which every command comes late, rounded.
        delay_jitter_steps: further steps by which a command may come late, rounded, each command its own draw.
        dropped_frames: probability that a frame is lost and the one before is seen again.
    """

    lag: Value = 0.0
    latency_s: Value = field(default=0.0, metadata=_LATER)
    delay_steps: Value = field(default=0.0, metadata=_LATER)
    delay_jitter_steps: Value = field(default=0.0, metadata=_LATER)
    dropped_frames: Value = field(default=0.0, metadata=_LATER)


Factor: TypeAlias = Appearance | Sensor | Calibration | Dynamics | Timing
F = TypeVar("F", Appearance, Sensor, Calibration, Dynamics, Timing)
FACTORS: Mapping[str, type[Factor]] = {
    "appearance": Appearance,
    "sensor": Sensor,
    "calibration": Calibration,
    "dynamics": Dynamics,
    "timing": Timing,
}
GROUPS: Mapping[str, tuple[str, ...]] = {
    "visual": ("appearance", "sensor"),
    "setup": ("calibration", "timing"),
    "motion": ("dynamics",),
}


@dataclass(frozen=True)
class Domain:
    """How the world looks, is sensed, is set up, moves and keeps time.

    Attributes:
        name: the name on the command line.
        version: raised whenever a number changes; results of different versions do not compare.
        held_out: stands for the real robot: training may not construct it.
        population: draws exist and are numbered; else every episode is a draw of its own.
        first_draw: number of the first draw that this split uses.
        draws: how many draws this split uses.
    """

    name: str = "sim"
    version: int = 1
    held_out: bool = False
    population: bool = False
    first_draw: int = 0
    draws: int = 1
    appearance: Appearance = Appearance()
    sensor: Sensor = Sensor()
    calibration: Calibration = Calibration()
    dynamics: Dynamics = Dynamics()
    timing: Timing = Timing()

    def numbers(self, key: str, seeds: Integers, count: int = 1) -> Floats:
        """The numbers of one field for every episode.

        Args:
            key: factor and field, for example "dynamics.step_gain".
            seeds: (B,) episode seeds.
            count: how many independent draws of the field each episode has, for example one per joint.

        Returns:
            (B,) numbers, or (B, count) where count is above 1.
        """
        factor, name = key.split(".")
        value: Value = getattr(getattr(self, factor), name)
        draw_seeds = counter.draw_of(seeds) if self.population else seeds
        index = np.arange(count)
        numbers = _draw(value, draw_seeds[:, None], f"domain/{key}", index)
        return numbers if count > 1 else numbers[:, 0]

    def seeds(self, episodes: Integers) -> Integers:
        """Episode seeds that spread episode numbers evenly over the split's draws: (N,) to (N,)."""
        draws = self.first_draw + np.asarray(episodes, dtype=np.int64) % self.draws
        return (draws << counter.DRAW_BITS) | np.asarray(episodes, dtype=np.int64)

    def digest(self) -> str:
        """SHA-256 over the factors and the version: the identity of the numbers, whatever the split."""
        content = {name: _content(getattr(self, name)) for name in FACTORS}
        text = json.dumps({"version": self.version, **content}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def set_fields(factor: Factor) -> tuple[str, ...]:
    """Names of the fields that make up a factor's identity: the first ones, and later ones away from their default."""
    return tuple(
        entry.name
        for entry in dataclasses.fields(factor)
        if entry.metadata != _LATER or getattr(factor, entry.name) != entry.default
    )


def _content(factor: Factor) -> dict[str, Any]:
    """The entries of a factor that its domain's digest is made of."""
    content = dataclasses.asdict(factor)
    return {name: content[name] for name in set_fields(factor)}


def _draw(value: Value, seeds: Integers, name: str, index: Integers) -> Floats:
    shape = np.broadcast_shapes(seeds.shape, index.shape)
    if isinstance(value, Uniform):
        return value.low + (value.high - value.low) * counter.uniform(seeds, name, index=index)
    if isinstance(value, Normal):
        return value.mean + value.std * counter.normal(seeds, name, index=index)
    if isinstance(value, Choice):
        options = np.asarray(value.options)
        return options[(counter.uniform(seeds, name, index=index) * len(options)).astype(np.int64)]
    return np.full(shape, float(value))


def mix(base: Domain, other: Domain, groups: tuple[str, ...]) -> Domain:
    """`base` with the factors of the named groups ("visual", "setup", "motion") taken from `other`."""
    factors = {factor: getattr(other, factor) for group in groups for factor in GROUPS[group]}
    name = f"{base.name}+{'+'.join(groups)}({other.name})" if groups else base.name
    population = base if base.population else other
    return dataclasses.replace(
        base,
        name=name,
        held_out=base.held_out or (other.held_out and bool(groups)),
        population=base.population or other.population,
        first_draw=population.first_draw,
        draws=population.draws,
        **factors,
    )


def scale_severity(domain: Domain, nominal: Domain, severity: float) -> Domain:
    """Every numeric value moved to `nominal + severity * (value - nominal)`; 0 is nominal, 1 the domain itself.

    Names of back ends stay the domain's own.
    """
    factors: dict[str, Any] = {
        name: _scaled_factor(getattr(domain, name), getattr(nominal, name), severity) for name in FACTORS
    }
    return dataclasses.replace(domain, name=f"{domain.name}@{severity:g}", **factors)


def _scaled_factor(ours: F, theirs: F, severity: float) -> F:
    changes: dict[str, Any] = {}
    for entry in dataclasses.fields(ours):
        value: Value | str = getattr(ours, entry.name)
        if not isinstance(value, str):
            changes[entry.name] = _scaled(value, getattr(theirs, entry.name), severity)
    return dataclasses.replace(ours, **changes)


def _scaled(value: Value, nominal: Value, severity: float) -> Value:
    centre = mean(nominal)

    def move(number: float) -> float:
        return centre + severity * (number - centre)

    if isinstance(value, Uniform):
        return Uniform(move(value.low), move(value.high))
    if isinstance(value, Normal):
        return Normal(move(value.mean), severity * value.std)
    if isinstance(value, Choice):
        return Choice(tuple(move(option) for option in value.options))
    return move(value)


def bounds(value: Value) -> tuple[float, float]:
    """Least and largest number of a value; three standard deviations either way for a normal one."""
    if isinstance(value, Uniform):
        return value.low, value.high
    if isinstance(value, Normal):
        return value.mean - 3 * value.std, value.mean + 3 * value.std
    if isinstance(value, Choice):
        return min(value.options), max(value.options)
    return float(value), float(value)


def mean(value: Value) -> float:
    """The expected number of a value."""
    if isinstance(value, Uniform):
        return (value.low + value.high) / 2
    if isinstance(value, Normal):
        return value.mean
    if isinstance(value, Choice):
        return float(np.mean(value.options))
    return float(value)
