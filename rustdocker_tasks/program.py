"""The program `rustdocker`: the tasks where there is no task file, and `init`, which writes one."""

from __future__ import annotations

from importlib.metadata import version

from invoke.program import Program

from rustdocker_tasks.collection import program_collection

program = Program(
    name="rustdocker", binary="rustdocker", namespace=program_collection(), version=version("rustdocker-tasks")
)
