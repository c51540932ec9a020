"""Our reader against cargo's on a thousand workspaces that hypothesis makes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings

from tests.cargo.oracle import differences
from tests.cargo.workspaces import Files, workspaces
from tests.conftest import write_files

pytestmark = pytest.mark.cargo


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(workspaces())
def test_we_read_a_workspace_as_cargo_does_and_refuse_what_it_refuses(files: Files) -> None:
    with TemporaryDirectory() as name:
        folder = write_files(Path(name).resolve(), files) / "root"

        assert differences(folder) == []
