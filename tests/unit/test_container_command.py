"""What `fmt` hands back to the user's own files."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from rustdocker_tasks.container_command import _take_back
from rustdocker_tasks.context.folder import BuildContext
from rustdocker_tasks.context.sources import SourceFile
from rustdocker_tasks.plan.context import ContextFolders


class Told:
    """Progress that remembers its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def context_of(root: Path, *names: str) -> BuildContext:
    sources = {
        name: SourceFile(name, sha256(b"ugly").hexdigest(), executable=False, name=str(root / name), is_plain=True)
        for name in names
    }
    folders = ContextFolders(root=root, project=root)
    return BuildContext(folders=folders, names=(), sources=sources, patterns=(), changes=None)


def test_what_changed_meanwhile_is_left_alone_and_the_rest_is_written(tmp_path: Path) -> None:
    root, made = tmp_path / "root", tmp_path / "made"
    for folder in (root, made):
        folder.mkdir()
    for name in ("a.rs", "b.rs", "c.rs", "generated.rs", "link.rs"):
        (made / name).write_text("pretty")
    (root / "a.rs").write_text("ugly")
    (root / "b.rs").write_text("edited meanwhile")
    (root / "target.rs").write_text("ugly")
    (root / "link.rs").symlink_to("target.rs")
    told = Told()

    _take_back(made, context_of(root, "a.rs", "b.rs", "c.rs", "link.rs"), told)  # type: ignore[arg-type]

    assert (root / "a.rs").read_text() == "pretty"
    assert (root / "b.rs").read_text() == "edited meanwhile"
    assert not (root / "c.rs").exists()  # removed meanwhile
    assert not (root / "generated.rs").exists()  # no source
    assert (root / "link.rs").is_symlink()
    assert (root / "target.rs").read_text() == "pretty"
    assert [line.split("/")[-1] for line in told.lines] == [
        "a.rs",
        "b.rs was changed meanwhile, and is left alone",
        "c.rs was changed meanwhile, and is left alone",
        "link.rs",
    ]
