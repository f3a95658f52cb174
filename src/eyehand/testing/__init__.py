"""The contract suite: what every task and every method must keep to, in this tree and in packages outside it.

Call `check_task` and `check_method` from a test of your own package. Both are made of small checks, in `of_tasks` and
`of_methods`, that can be called by themselves; each raises AssertionError with a sentence about what was broken and
where. Nothing here needs pytest.

Example:
    def test_my_task_keeps_its_contract():
        task = MyTask()
        check_task(task, [load_domain("sim", task.name), load_domain("mine.toml", task.name)])
"""

from __future__ import annotations

from eyehand.testing.of_methods import check_method
from eyehand.testing.of_tasks import check_task

__all__ = ["check_method", "check_task"]
