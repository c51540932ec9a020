from __future__ import annotations

import pytest

from rustdocker_tasks.machine_facts import architecture


@pytest.mark.parametrize(("told", "name"), [("arm64", "aarch64"), ("aarch64", "aarch64"), ("x86_64", "x86_64")])
def test_a_machine_is_called_as_in_target_triples(monkeypatch: pytest.MonkeyPatch, told: str, name: str) -> None:
    monkeypatch.setattr("rustdocker_tasks.machine_facts.machine", lambda: told)

    assert architecture() == name
