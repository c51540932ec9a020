from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from rustdocker_tasks.cargo.model import About, CargoConfig
from rustdocker_tasks.errors import BadValue, BuildxUnusable, SecretInLayer
from rustdocker_tasks.plan.compile_flags import compile_flags
from rustdocker_tasks.plan.model import GitState, ImagePlan, MachineFacts, NoGitState, Toolchain
from rustdocker_tasks.plan.planner import choose_backend, choose_variant, make_plan
from rustdocker_tasks.settings.options import Backend
from rustdocker_tasks.settings.resolve import resolve_settings
from rustdocker_tasks.settings.sources import Layer, Source
from rustdocker_tasks.variants import load_variants
from tests.models import ROOT, binary, package, project

NO_GIT = NoGitState("git is not installed")
BUILDX = MachineFacts(buildx_problem=None, git=NO_GIT, is_ci=False)
NO_BUILDX = MachineFacts(buildx_problem="no plugin", git=NO_GIT, is_ci=False)
GIT = GitState(commit="0123456789abcdef" * 2 + "01234567", branch="feature/new+x", dirty=False)
GNU, MUSL = "x86_64-unknown-linux-gnu", "x86_64-unknown-linux-musl"


def test_a_variable_that_the_build_s_scripts_have_is_refused_in_containers() -> None:
    refused: dict[str, Any] = {"build-env": {"project": "x", "https_proxy": "y"}}
    taken: dict[str, Any] = {"build-env": {"PROJECT": "x", "https_proxy": "y"}}

    with pytest.raises(BadValue) as caught:
        plan(facts=BUILDX, **refused)

    assert "those in small letters are of the scripts" in str(caught.value)
    assert plan(facts=NO_BUILDX, **refused).compile.environment == refused["build-env"]
    assert plan(facts=BUILDX, **taken).compile.environment == taken["build-env"]


def plan(
    *,
    name: str = "shop",
    version: str = "1.2.3",
    installed: tuple[str, ...] = (GNU,),
    host: str = GNU,
    facts: MachineFacts = NO_BUILDX,
    default_variant: str = "minimal",
    git: GitState | NoGitState = NO_GIT,
    has_sqlx_data: bool = False,
    secrets: tuple[str, ...] = (),
    profiles: frozenset[str] = frozenset({"release", "dev"}),
    **settings: object,
) -> ImagePlan:
    program = binary(name, required_features=("cli",))
    own = package(
        "shop",
        program,
        binary("migrate", required_features=("postgres",)),
        version=version,
        features={"default": (), "cli": (), "postgres": ()},
        about=About(description="Sells\n  things.", license="MIT", authors=("A <a@b.c>", "B")),
        manifest=ROOT / "Cargo.toml",
    )
    layer = Layer(source=Source.FLAG, where=lambda path: f"--{path[-1]}", base=ROOT, values=settings)
    toolchain = Toolchain(host_triple=host, installed_targets=frozenset(installed))
    resolved = resolve_settings([layer])
    backend = choose_backend(resolved, facts)
    return make_plan(
        replace(
            project(own, locked=frozenset({"shop"})),
            has_sqlx_data=has_sqlx_data,
            profiles=profiles,
            own_config=CargoConfig(secrets=secrets),
        ),
        own,
        program,
        resolved,
        outside=(),
        backend=backend,
        variant=choose_variant(resolved, backend.backend),
        default_variant=default_variant,
        toolchain=toolchain,
        facts=replace(facts, git=git),
    )


def test_a_dynamic_program_is_left_to_cargo_s_own_target() -> None:
    assert plan().compile.target_triple is None
    assert not plan().compile.crt_static


def test_static_takes_musl_where_it_is_installed_and_says_so() -> None:
    made = plan(variant="static", installed=(GNU, MUSL))

    assert (made.compile.target_triple, made.compile.crt_static) == (MUSL, False)
    assert made.linkage_reason == f"static with musl, as the target {MUSL} is installed"


def test_static_falls_back_to_glibc_with_an_explicit_target_and_says_so() -> None:
    made = plan(variant="static")

    assert (made.compile.target_triple, made.compile.crt_static) == (GNU, True)
    assert made.linkage_reason == (
        f"static with glibc (+crt-static for {GNU}), as the target {MUSL} is not installed"
    )


def test_static_on_a_machine_of_musl_is_its_own_target() -> None:
    assert plan(variant="static", host=MUSL, installed=(MUSL,)).compile.target_triple == MUSL


def test_required_features_of_the_binary_are_turned_on() -> None:
    assert plan().compile.features == ("cli",)
    assert plan(features=["postgres", "cli"]).compile.features == ("postgres", "cli")


def test_what_to_compile_reaches_cargo_in_the_same_words() -> None:
    without: Any = {"default-features": False}
    flags = compile_flags(plan(features=["postgres", "dep/x"], profile="dev", **without).compile)

    assert flags == ["--profile=dev", "--features=postgres,dep/x,cli", "--no-default-features", "--locked"]
    assert compile_flags(plan(locked=False).compile) == ["--profile=release", "--features=cli"]


@pytest.mark.parametrize(("typed", "meant"), [("debug", "dev"), ("realease", "release"), ("prod", "release")])
def test_a_profile_that_there_is_not_is_answered_with_one_that_may_be_meant(typed: str, meant: str) -> None:
    with pytest.raises(BadValue) as caught:
        plan(profile=typed)

    assert caught.value.hint == f'write it like "{meant}"'


def test_a_profile_of_ours_is_defined_by_cargo_s_environment() -> None:
    own: Any = {"build-env": {"CARGO_PROFILE_SMALL_LTO": "thin", "A": "1"}}
    step = plan(profile="small", **own).compile

    assert compile_flags(step)[0] == "--profile=small"
    assert step.profile_folder == "small"
    assert step.environment == {
        "CARGO_PROFILE_SMALL_INHERITS": "release",
        "CARGO_PROFILE_SMALL_LTO": "thin",  # the user's own word
        "CARGO_PROFILE_SMALL_CODEGEN_UNITS": "1",
        "CARGO_PROFILE_SMALL_STRIP": "symbols",
        "A": "1",
    }
    assert "CARGO_PROFILE_SMALLEST_PANIC" in plan(profile="smallest").compile.environment


def test_a_profile_of_the_project_s_own_outranks_ours() -> None:
    assert plan(profiles=frozenset({"release", "small"}), profile="small").compile.environment == {}


def test_an_unknown_feature_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadValue) as caught:
        plan(features=["postgress"])

    assert str(caught.value) == (
        "`features` cannot take this value: the features of shop are cli, default, postgres\n"
        "  found: postgress\n"
        "  set by: --features\n"
        '  hint: write it like ["postgres"]'
    )


def test_an_unknown_profile_is_refused_with_the_nearest() -> None:
    with pytest.raises(BadValue) as caught:
        plan(profile="relase")

    assert str(caught.value) == (
        "`profile` cannot take this value: /repo/Cargo.toml, cargo and we have the profiles dev, "
        "release, small, smallest\n"
        "  found: relase\n"
        "  set by: --profile\n"
        '  hint: write it like "release"'
    )


def test_labels_come_from_cargo_toml_and_the_user_s_own_outrank_them() -> None:
    made = plan(labels={"org.opencontainers.image.licenses": "GPL-3.0-only", "team": "shop"})

    assert made.config.labels == {
        "org.opencontainers.image.title": "shop",
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.description": "Sells things.",
        "org.opencontainers.image.licenses": "GPL-3.0-only",
        "org.opencontainers.image.authors": "A <a@b.c>, B",
        "team": "shop",
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("env", {"a": "b\nUSER root"}),
        ("env", {"a\nUSER root": "b"}),
        ("labels", {"a": "b\rc"}),
        ("labels", {"a\nUSER root": "b"}),
        ("workdir", "/a\nUSER root"),
    ],
)
def test_a_line_break_is_refused_where_a_dockerfile_would_have_to_hold_it(key: str, value: Any) -> None:
    settings: Any = {key: value}
    with pytest.raises(BadValue, match=f"`{key}`"):
        plan(facts=BUILDX, **settings)

    assert plan(**settings).backend is Backend.HOST


@pytest.mark.parametrize(
    ("name", "version", "variant", "tag"),
    [
        ("shop", "1.2.3", "minimal", "shop:1.2.3"),
        ("shop", "1.2.3", "static", "shop:1.2.3-static"),
        ("shop_api", "1.0.0", "minimal", "shop_api:1.0.0"),
        ("My__App-", "1.0.0", "minimal", "my-app:1.0.0"),
        ("ünïcode", "1.0.0", "minimal", "n-code:1.0.0"),
        ("shop", "1.0.0-rc.1+git.5", "minimal", "shop:1.0.0-rc.1_git.5"),
    ],
)
def test_the_tag_is_name_and_version(name: str, version: str, variant: str, tag: str) -> None:
    assert plan(name=name, version=version, variant=variant).tags == (tag,)


def test_the_project_s_default_variant_has_no_suffix() -> None:
    assert plan(variant="static", default_variant="static").tags == ("shop:1.2.3",)
    assert plan(variant="minimal", default_variant="static").tags == ("shop:1.2.3-minimal",)


def test_a_tag_of_the_user_s_own_takes_the_place_of_ours() -> None:
    assert plan(tag=["a:1", "b:2"], variant="static").tags == ("a:1", "b:2")


@pytest.mark.parametrize(
    ("settings", "tags"),
    [
        ({"name": "shop-api"}, ("shop-api:1.2.3",)),
        ({"repository": "ghcr.io/acme/{name}"}, ("ghcr.io/acme/shop:1.2.3",)),
        ({"repository": "h:5000/x"}, ("h:5000/x:1.2.3",)),
        (
            {"repository": "ghcr.io/acme/{name}", "tag": [":{version}", ":latest", "shop:{major}.{minor}"]},
            ("ghcr.io/acme/shop:1.2.3", "ghcr.io/acme/shop:latest", "shop:1.2"),
        ),
        ({"tag": ["{package}/{variant}:{profile}"]}, ("shop/minimal:release",)),
        ({"tag": [":{git-sha}", ":{branch}"]}, ("shop:0123456789ab", "shop:feature-new_x")),
        ({"tag": ["{branch}:1"]}, ("feature-new-x:1",)),
        ({"tag": ["shop"]}, ("shop:latest",)),
        ({"tag": ["h:5000/shop"]}, ("h:5000/shop:latest",)),
    ],
)
def test_names_are_templates(settings: Any, tags: tuple[str, ...]) -> None:
    assert plan(git=GIT, **settings).tags == tags


def test_a_tag_of_a_commit_says_that_the_sources_differ_from_it() -> None:
    assert plan(git=replace(GIT, dirty=True), tag=[":{git-sha}"]).tags == ("shop:0123456789ab-dirty",)


@pytest.mark.parametrize(
    ("git", "template", "problem"),
    [
        (NO_GIT, ":{git-sha}", "there is no {git-sha}: git is not installed"),
        (replace(GIT, branch=None), ":{branch}", "there is no {branch}: no branch is checked out"),
        (replace(GIT, branch="x" * 200), ":{branch}", "a tag is a lower-case image name with an optional :tag"),
        (replace(GIT, branch="-x"), ":{branch}", "a tag is a lower-case image name with an optional :tag"),
    ],
)
def test_a_template_without_a_value_is_an_error(git: GitState | NoGitState, template: str, problem: str) -> None:
    with pytest.raises(BadValue) as caught:
        plan(git=git, tag=[template])

    assert caught.value.what == f"`tag` cannot take this value: {problem}"
    assert caught.value.set_by == "--tag"


def test_features_that_contradict_each_other_are_refused() -> None:
    wanted: Any = {"features": ["default"], "default-features": False}
    with pytest.raises(BadValue, match="`default-features` is false, set by --default-features"):
        plan(**wanted)


def test_the_image_names_its_commit() -> None:
    revision = "org.opencontainers.image.revision"

    assert plan(git=GIT).config.labels[revision] == GIT.commit
    assert plan(git=replace(GIT, dirty=True)).config.labels[revision] == f"{GIT.commit}-dirty"
    assert revision not in plan().config.labels


def test_base_images_of_docker_s_own_registry_come_from_the_mirror() -> None:
    wanted: Any = {"base-registry": "mirror.acme.com/hub", "runtime-image": "ghcr.io/acme/base:1"}
    container = plan(facts=BUILDX, **wanted).container

    assert container is not None
    assert container.build_image == "mirror.acme.com/hub/library/rust:1-slim-trixie"
    assert container.runtime_image == "ghcr.io/acme/base:1"


def test_the_backend_says_why() -> None:
    assert plan().backend_reason == "no plugin; the local cargo compiles, no base image is needed"
    assert plan(backend="host").backend_reason == "set by --backend"
    assert plan(facts=BUILDX).backend_reason == "buildx and an engine answer"
    assert plan(backend="buildx", facts=BUILDX).backend_reason == "set by --backend"


@pytest.mark.parametrize(
    ("facts", "settings", "backend", "variant"),
    [
        (BUILDX, {}, Backend.BUILDX, "slim"),
        (BUILDX, {"variant": "minimal"}, Backend.BUILDX, "minimal"),
        (BUILDX, {"backend": "host"}, Backend.HOST, "minimal"),
        (NO_BUILDX, {}, Backend.HOST, "minimal"),
        (NO_BUILDX, {"variant": "static"}, Backend.HOST, "static"),
    ],
)
def test_auto_takes_buildx_where_it_can_be_used(
    facts: MachineFacts, settings: Any, backend: Backend, variant: str
) -> None:
    made = plan(facts=facts, **settings)

    assert (made.backend, made.variant.name) == (backend, variant)


@pytest.mark.parametrize("settings", [{"backend": "buildx"}, {"variant": "slim"}, {"variant": "simple"}])
def test_what_only_buildx_can_build_is_refused_without_it(settings: Any) -> None:
    with pytest.raises(BuildxUnusable) as caught:
        plan(facts=NO_BUILDX, **settings)

    assert caught.value.found == "no plugin"


@pytest.mark.parametrize(("variant", "hint"), [("slim", "--backend host --variant minimal"), ("static", "host")])
def test_what_to_type_without_buildx_is_what_the_host_can_build(variant: str, hint: str) -> None:
    with pytest.raises(BuildxUnusable) as caught:
        plan(facts=NO_BUILDX, backend="buildx", variant=variant)

    assert caught.value.hint.split(", as")[0].endswith(hint)


def test_a_toolchain_that_the_local_cargo_would_pass_over_is_refused() -> None:
    with pytest.raises(BadValue) as caught:
        plan(facts=replace(NO_BUILDX, has_rustup=False), toolchain="1.85")
    assert "none of rustup's" in caught.value.what

    assert plan(facts=NO_BUILDX, toolchain="1.85").compile.environment["RUSTUP_TOOLCHAIN"] == "1.85"
    assert plan(facts=replace(BUILDX, has_rustup=False), toolchain="1.85").container is not None


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "shop-1.2.3-minimal.tar"),
        ({"variant": "static"}, "shop-1.2.3-static.tar"),
        ({"repository": "acme/{package}"}, "acme+shop-1.2.3-minimal.tar"),
        ({"repository": "localhost:5000/shop"}, "localhost+5000+shop-1.2.3-minimal.tar"),
    ],
)
def test_an_archive_is_called_like_its_image(settings: dict[str, Any], name: str) -> None:
    assert plan(**settings).archive_name == name


def test_the_host_backend_has_no_variant_with_a_base_image() -> None:
    with pytest.raises(BadValue) as caught:
        plan(facts=BUILDX, backend="host", variant="slim")

    assert caught.value.what == (
        "`variant` cannot take this value: "
        "the variants are minimal and static on the host backend, which has no base image"
    )


def test_an_empty_variant_is_not_the_usual_one() -> None:
    with pytest.raises(BadValue, match="`variant` cannot take this value"):
        plan(variant="")


def test_both_base_images_are_of_one_debian_release() -> None:
    wanted: Any = {"debian-release": "bookworm"}
    container = plan(facts=BUILDX, **wanted).container

    assert container is not None
    assert (container.build_image, container.runtime_image) == ("rust:1-slim-bookworm", "debian:bookworm-slim")


def test_a_base_image_of_the_user_s_own_takes_the_place_of_ours() -> None:
    digest = "debian@sha256:" + "0" * 64
    wanted: Any = {"build-image": "rust:1.90", "runtime-image": digest}
    container = plan(facts=BUILDX, **wanted).container

    assert container is not None
    assert (container.build_image, container.runtime_image) == ("rust:1.90", digest)


def test_caches_are_shared_by_variants_that_compile_the_same_and_by_no_others() -> None:
    def cache(**settings: Any) -> str:
        container = plan(facts=BUILDX, **settings).container
        assert container is not None
        return container.cache_id

    assert cache(variant="slim") == cache(variant="minimal")
    others = {cache(), cache(variant="static"), cache(**{"build-image": "rust:1.90"})}
    assert len(others) == 3


def test_every_variant_says_what_it_is() -> None:
    for name, variant in load_variants().items():
        assert variant.name == name
        assert variant.summary


@pytest.mark.parametrize(
    ("has_data", "own", "environment"),
    [
        (False, {}, {}),
        (True, {}, {"SQLX_OFFLINE": "true"}),
        (True, {"SQLX_OFFLINE": "false", "A": "b"}, {"SQLX_OFFLINE": "false", "A": "b"}),
    ],
)
def test_queries_are_checked_against_what_the_project_has_saved(
    has_data: bool,  # noqa: FBT001 - pytest passes it by name
    own: dict[str, str],
    environment: dict[str, str],
) -> None:
    settings: Any = {"build-env": own}

    assert plan(facts=BUILDX, has_sqlx_data=has_data, **settings).compile.environment == environment
    assert plan(facts=NO_BUILDX, has_sqlx_data=has_data, **settings).compile.environment == own


@pytest.mark.parametrize(
    ("settings", "layer"),
    [
        ({"variant": "simple"}, "the image, which holds the sources"),
        ({"cache": "layer"}, "the layer of the dependencies"),
        ({"cache": "mount", "offline": True}, "the layer of what was fetched"),
    ],
)
def test_a_secret_of_the_configuration_is_in_no_layer(settings: Any, layer: str) -> None:
    secrets = ("`registries.own.token` in /shop/.cargo/config.toml",)
    with pytest.raises(SecretInLayer, match=layer) as refused:
        plan(facts=BUILDX, secrets=secrets, **settings)

    assert refused.value.set_by == f"--{[*settings][-1]}"
    assert plan(facts=BUILDX, secrets=secrets, variant="slim", cache="mount").container is not None
    assert plan(facts=NO_BUILDX, secrets=secrets).container is None


EXTRA: Any = {"extra-bins": ["migrate", "migrate"]}


def test_extra_binaries_are_compiled_with_the_features_that_they_need() -> None:
    made = plan(**EXTRA).compile

    assert made.binaries == ("shop", "migrate")
    assert made.features == ("cli", "postgres")


def test_an_extra_binary_that_there_is_not_is_refused() -> None:
    wanted: Any = {"extra-bins": ["migrat"]}
    with pytest.raises(BadValue, match="the binaries of shop are migrate, shop") as refused:
        plan(**wanted)

    assert refused.value.hint == 'write it like ["migrate"]'


def test_what_is_said_for_all_binaries_of_a_package_names_none_twice() -> None:
    wanted: Any = {"extra-bins": ["shop", "migrate"]}

    assert plan(**wanted).compile.binaries == ("shop", "migrate")


def test_the_local_cargo_links_one_program_with_a_static_glibc() -> None:
    with pytest.raises(BadValue, match="`extra-bins`"):
        plan(variant="static", **EXTRA)
