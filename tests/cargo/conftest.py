"""What tests of cargo's artefacts share: where cargo keeps its units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import UNITS_OF_THEIR_OWN


@pytest.fixture(params=["in common folders", "in folders of their own"])
def units(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Have cargo keep its units as it did before 1.100, and as it does since; it is asked where they are."""
    is_new = request.param == "in folders of their own"
    old = {"__CARGO_TEMPORARY_BUILD_DIR_NEW_LAYOUT_OPT_OUT": "1"}
    for name, value in (UNITS_OF_THEIR_OWN if is_new else old).items():
        monkeypatch.setenv(name, value)
    yield
    common = {path for path in tmp_path.rglob(".fingerprint") if any(path.iterdir())}
    assert not (common if is_new else [*tmp_path.rglob("build/*/*/fingerprint")])
