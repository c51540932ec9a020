"""Which images one call of cargo compiles, over a real workspace's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tomli
from msgspec.structs import replace

from rustdocker_tasks.cargo.project import load_project
from rustdocker_tasks.dockerfile.compose import compose
from rustdocker_tasks.dockerfile.render import render
from rustdocker_tasks.pipeline import plan_image
from rustdocker_tasks.plan.compile_flags import program_flags
from rustdocker_tasks.plan.groups import group_images
from rustdocker_tasks.plan.model import ImageGroup, ImagePlan, MachineFacts, NoGitState
from rustdocker_tasks.plan.tools import BuildPackage
from rustdocker_tasks.settings.sources import Layer, Source
from tests.unit.dockerfile.test_dockerfile import NAMES

MEMBERS = ("api", "mail", "web")
FACTS = MachineFacts(buildx_problem=None, is_ci=False, git=NoGitState("not asked"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "Cargo.toml").write_text('[workspace]\nresolver = "2"\nmembers = ["crates/*"]\n')
    packages = "".join(f'[[package]]\nname = "{name}"\nversion = "0.1.0"\n' for name in MEMBERS)
    (tmp_path / "Cargo.lock").write_text(f"version = 4\n{packages}")
    for name in MEMBERS:
        folder = tmp_path / "crates" / name
        (folder / "src").mkdir(parents=True)
        features = "[features]\nfast = []\n"
        (folder / "Cargo.toml").write_text(f'[package]\nname = "{name}"\nversion = "0.1.0"\n{features}')
        (folder / "src/main.rs").write_text("fn main() {}")
    return tmp_path


def planned(root: Path, package: str, **settings: Any) -> ImagePlan:
    values = {"package": package, **settings}
    layer = Layer(source=Source.FLAG, where=lambda path: f"--{path[-1]}", base=root, values=values)
    return plan_image(root, [layer], facts=FACTS).plan


def grouped(root: Path, *images: ImagePlan) -> list[ImageGroup]:
    return group_images(images, load_project(root), ())


def names(groups: list[ImageGroup]) -> list[list[str]]:
    return [[image.name for image in group.images] for group in groups]


def test_programs_that_are_compiled_alike_are_compiled_at_once(root: Path) -> None:
    assert names(grouped(root, *(planned(root, name) for name in MEMBERS))) == [["api", "mail", "web"]]


@pytest.mark.parametrize(
    "settings",
    [
        {"variant": "static"},
        {"variant": "minimal"},
        {"profile": "dev"},
        {"features": ["fast"]},
        {"default-features": False},
        {"build-env": {"A": "1"}},
        {"locked": False},
        {"build-image": "other:1"},
        {"runtime-image": "other:1"},
        {"cache": "layer"},
    ],
    ids=str,
)
def test_one_that_is_compiled_otherwise_is_compiled_apart(root: Path, settings: dict[str, object]) -> None:
    images = (planned(root, "api"), planned(root, "mail", **settings), planned(root, "web"))

    assert names(grouped(root, *images)) == [["api", "web"], ["mail"]]


@pytest.mark.parametrize(
    "settings", [{"env": {"A": "1"}}, {"user": "1000"}, {"expose": [80]}, {"tag": ["x:1"]}], ids=str
)
def test_what_is_of_the_image_alone_parts_nobody(root: Path, settings: dict[str, object]) -> None:
    images = (planned(root, "api"), planned(root, "mail", **settings))

    assert names(grouped(root, *images)) == [["api", "mail"]]


def test_each_simple_image_is_compiled_in_itself(root: Path) -> None:
    images = [planned(root, name, variant="simple") for name in MEMBERS]

    assert names(grouped(root, *images)) == [["api"], ["mail"], ["web"]]


def test_a_group_has_the_packages_of_all(root: Path) -> None:
    images = []
    for name in ("api", "mail"):
        image = planned(root, name)
        assert image.container is not None
        packages = (
            BuildPackage(package="cmake", because=name),
            BuildPackage(package=f"lib{name}-dev", because=name),
        )
        images.append(replace(image, container=replace(image.container, packages=packages)))
    (group,) = grouped(root, *images)

    assert [(each.package, each.because) for each in group.container.packages] == [
        ("cmake", "api, mail"),
        ("libapi-dev", "api"),
        ("libmail-dev", "mail"),
    ]


def test_in_layer_mode_the_skeleton_holds_the_programs_of_all(root: Path) -> None:
    (group,) = grouped(root, *(planned(root, name, cache="layer") for name in ("api", "web")))
    skeleton = group.container.skeleton

    assert skeleton is not None
    assert skeleton.packages == ("api", "web")
    assert {path.relative_to(root).as_posix() for path in skeleton.files} == {
        *("Cargo.toml", "Cargo.lock"),
        *(f"crates/{name}/{file}" for name in ("api", "web") for file in ("Cargo.toml", "src/main.rs")),
    }


def test_the_dockerfile_of_a_group_compiles_once_and_has_a_stage_for_each_image(root: Path) -> None:
    images = (planned(root, "api"), planned(root, "mail"), planned(root, "web", user="1000"))
    (group,) = grouped(root, *images)
    made = render(compose(group, replace(NAMES, files=("a.tar", "a.tar", "b.tar"))))

    programs = '"--package=api", "--package=mail", "--package=web", "--bin=api", "--bin=mail", "--bin=web"'
    assert made.count(programs) == 1
    assert [line for line in made.splitlines() if line.startswith(("FROM", "COPY"))] == [
        "FROM debian:trixie-slim AS rustdocker-runtime",
        "FROM rust:1-slim-trixie AS rustdocker-files-1",
        "FROM rust:1-slim-trixie AS rustdocker-files-2",
        "FROM rust:1-slim-trixie AS rustdocker-build",
        "FROM rustdocker-runtime AS rustdocker-image-1",
        "COPY --from=rustdocker-files-1 /rustdocker/out/ /",
        "COPY --from=rustdocker-build /rustdocker/out/api/ /",
        "FROM rustdocker-runtime AS rustdocker-image-2",
        "COPY --from=rustdocker-files-1 /rustdocker/out/ /",
        "COPY --from=rustdocker-build /rustdocker/out/mail/ /",
        "FROM rustdocker-runtime AS rustdocker-image-3",
        "COPY --from=rustdocker-files-2 /rustdocker/out/ /",
        "COPY --from=rustdocker-build /rustdocker/out/web/ /",
    ]


def add_binary(root: Path, package: str, name: str) -> None:
    folder = root / "crates" / package / "src" / "bin"
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.rs").write_text("fn main() {}")


def test_binaries_of_one_name_are_compiled_apart(root: Path) -> None:
    # Cargo would put the one over the other: both are target/release/server.
    for package in ("api", "mail"):
        add_binary(root, package, "server")
    images = [planned(root, name, bin="server") for name in ("api", "mail")]

    assert names(grouped(root, *images)) == [["server"], ["server"]]


def test_a_binary_that_nobody_asks_for_and_has_another_s_name_keeps_them_apart_too(root: Path) -> None:
    add_binary(root, "mail", "api")
    images = [planned(root, "api"), planned(root, "mail", bin="mail"), planned(root, "web")]

    assert names(grouped(root, *images)) == [["api", "web"], ["mail"]]


def test_the_skeleton_has_all_binaries_of_a_package(root: Path) -> None:
    add_binary(root, "api", "worker")
    images = [planned(root, "api", bin=name, cache="layer") for name in ("api", "worker")]
    (group,) = grouped(root, *images)

    assert group.container.skeleton is not None
    manifest = tomli.loads(group.container.skeleton.files[root / "crates/api/Cargo.toml"])
    assert [each["name"] for each in manifest["bin"]] == ["api", "worker"]


def test_a_package_that_shares_its_name_with_a_dependency_is_named_by_its_folder(root: Path) -> None:
    with (root / "Cargo.lock").open("a") as lock:
        lock.write('[[package]]\nname = "web"\nversion = "9.0.0"\nsource = "registry+https://x"\n')
    (group,) = grouped(root, planned(root, "api"), planned(root, "web"))

    assert program_flags(group, lambda path: f"/kept/{path.relative_to(root)}")[1:3] == [
        "--package=api",
        "--package=file:///kept/crates/web#web",
    ]


def test_all_groups_have_one_context_with_the_sources_of_each(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")

    def seeing_git(image: ImagePlan) -> ImagePlan:
        assert image.container is not None
        context = replace(image.container.context, git=root / ".git")
        container = replace(image.container, context=context, sees_git=True)
        return replace(image, container=container)

    images = (
        planned(root, "api", sources=[str(other)]),
        planned(root, "mail"),
        planned(root, "web", features=["fast"]),
    )
    groups = grouped(root, *map(seeing_git, images))

    assert names(groups) == [["api", "mail"], ["web"]]
    for group in groups:
        context = group.container.context
        assert (context.root, context.beside) == (root.parent, (other,))
        assert group.container.git == f"{root.name}/.git"
