"""Our reader of Cargo's files against cargo's own, on checkouts of other projects."""

from __future__ import annotations

from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task


@task(auto_shortflags=False, help={"folder": "Where the checkouts are."})
def corpus(_: Context, folder: str) -> None:
    """Compare what we read of every Cargo.toml below a folder with what cargo reads."""
    from tests.cargo.oracle import differences

    manifests = sorted(Path(folder).resolve().rglob("Cargo.toml"))
    different = {manifest: lines for manifest in manifests if (lines := differences(manifest.parent))}
    for manifest, lines in different.items():
        print(manifest)
        print("".join(f"  {line}\n" for line in lines), end="")
    print(f"{len(manifests)} manifests compared, {len(different)} read differently")
    if different:
        raise Exit(code=1)
