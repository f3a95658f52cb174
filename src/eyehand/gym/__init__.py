"""The tasks of the house as Gymnasium environments, single and vectorised.

Importing this module registers `eyehand/PlanarReach-v0` and so on, one for every task, those of packages outside the
tree included; it imports no task and starts nothing.

    import gymnasium
    import eyehand.gym

    env = gymnasium.make("eyehand/PlanarReach-v0", joints=2, observation="state")
    envs = gymnasium.make_vec("eyehand/PlanarReach-v0", num_envs=64, domain="randomized", autoreset_mode="SameStep")

What an environment shows (`observation`): "pixels" is a dictionary of what a robot could read, one uint8 image
(H, W, 3) per camera by its name, `proprio` (J,) and, where the task has one, `goal` (an image or a vector); "state" is
one float32 vector of encoders, of what recordings tell of the scene and of a goal that is a vector, which no robot
could read; "both" is the dictionary with the vector under `state`. Pictures with a side below 36 pixels are shown a
whole number of times larger, because the usual convolutional networks take no smaller ones.

Actions are `Discrete` where the task's commands come from a table, else `Box(-1, 1)`, scaled to the command's limits.
`terminated` is the task's own end, `truncated` its time limit. `info` has `is_success`, `episode_seed` and the task's
measures. Row i of a vector environment reset with seed s plays the same episodes as a single one reset with seed s + i.
"""

from __future__ import annotations

import gymnasium

from eyehand.gym.rows import environment_id
from eyehand.gym.single import TaskEnv
from eyehand.gym.vector import TaskVectorEnv
from eyehand.tasks import task_names

__all__ = ["TaskEnv", "TaskVectorEnv", "environment_id", "register_tasks"]


def register_tasks() -> tuple[str, ...]:
    """Register every task that is not registered yet; returns the names of all."""
    for task in task_names():
        if environment_id(task) not in gymnasium.registry:
            gymnasium.register(  # pyright: ignore[reportUnknownMemberType] - its `kwargs` say not of what
                environment_id(task),
                entry_point=f"{TaskEnv.__module__}:TaskEnv",
                vector_entry_point=f"{TaskVectorEnv.__module__}:TaskVectorEnv",
                kwargs={"task": task},
            )
    return tuple(environment_id(task) for task in task_names())


register_tasks()
