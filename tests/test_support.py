"""What the twin does that randomised simulation never shows."""

from __future__ import annotations

import pytest

from eyehand.world.domain import Choice, Domain, Normal, Sensor, Timing, Uniform
from eyehand.world.domain_files import load_domain
from eyehand.world.support import outside_support

# Every axis on which the twin of view_reach leaves the support of its randomised domain: a change of either domain
# that moves an axis in or out must be said here.
VIEW_REACH = {
    "appearance": "image objects shell textures background clutter lamp_scale window_scale light_offset_m "
    "lamp_radius_m lamp_warmth",
    "sensor": "exposure exposure_jitter white_balance_red white_balance_blue vignetting lens_k1 blur_px full_well_e "
    "read_noise_e tone_gamma jpeg_quality binning shutter_s depth stereo_baseline_m "
    "stereo_nearest_m stereo_uniqueness projector_strength",
    "calibration": "camera_offset_m camera_rotation_rad focal_error principal_error_px encoder_bias_rad",
    "dynamics": "step_gain mass_scale friction_scale damping_scale gain_scale joint_friction_nm backlash_rad "
    "payload_kg",
    "timing": "latency_s delay_jitter_steps dropped_frames",
}


def test_the_twins_axes_outside_the_randomised_support():
    outside = outside_support(load_domain("twin", "view_reach"), load_domain("randomized", "view_reach"))
    expected = {f"{factor}.{name}" for factor, names in VIEW_REACH.items() for name in names.split()}
    assert set(outside) == expected
    assert outside["sensor.blur_px"] == ((0.45, 0.75), (0.0, 0.0))
    assert outside["appearance.image"] == ("traced", "raster")


def test_what_randomisation_covers_is_not_listed():
    outside = outside_support(load_domain("twin", "view_reach"), load_domain("randomized", "view_reach"))
    covered = {"surface_colour_share", "surface_texture_share", "lamps", "lamp_azimuth_rad", "gloss_share", "ambient"}
    assert not {f"appearance.{name}" for name in covered} & set(outside)


@pytest.mark.parametrize(
    ("there", "here", "outside"),
    [
        (0.5, 0.5, False),
        (0.5, 0.4, True),
        (Uniform(0.2, 0.3), Uniform(0.1, 0.3), False),
        (Uniform(0.2, 0.4), Uniform(0.1, 0.3), True),
        (Choice((0.1, 0.3)), Uniform(0.1, 0.3), False),
        (Normal(0.2, 0.1), Uniform(-0.2, 0.6), False),
        (Normal(0.2, 0.1), Uniform(0.0, 0.5), True),
    ],
)
def test_ranges_are_compared_end_by_end(there, here, outside):
    found = outside_support(Domain(timing=Timing(lag=there)), Domain(timing=Timing(lag=here)))
    assert ("timing.lag" in found) == outside


def test_a_domain_is_inside_itself():
    domain = Domain(sensor=Sensor(blur_px=Normal(1.0, 0.2), depth="stereo"))
    assert outside_support(domain, domain) == {}
