from __future__ import annotations

from pathlib import Path

import pytest

from rustdocker_tasks.commands import plan_command
from rustdocker_tasks.plan.commands import TEST, CommandWords, developer_profile
from rustdocker_tasks.plan.model import MachineFacts, NoGitState
from tests.conftest import crate, write_files


@pytest.mark.parametrize(
    ("words", "profile"),
    [
        ((), "dev"),
        (("--release",), "release"),
        (("-vr",), "release"),
        (("-v",), "dev"),
        (("--profile", "small"), "small"),
        (("--profile=small", "--release"), "small"),
        (("--", "--release"), "dev"),
    ],
)
def test_the_words_of_a_command_may_name_its_profile(tmp_path: Path, words: tuple[str, ...], profile: str) -> None:
    facts = MachineFacts(is_ci=False, buildx_problem="not asked for", git=NoGitState("not asked for"))
    plan = plan_command(write_files(tmp_path, crate()), (), TEST, CommandWords(words=words), facts=facts).plan

    assert developer_profile(plan) == profile
