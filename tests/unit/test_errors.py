"""The full text of every error, as a user reads it."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest

from rustdocker_tasks import errors
from rustdocker_tasks.errors import RustDockerError

CARGO_TOML = Path("/shop/Cargo.toml")

TEXTS: list[tuple[RustDockerError, int, str]] = [
    (
        errors.UnknownKey("expos", where="--set", known=["args", "expose"], nearest="expose"),
        64,
        "there is no setting `expos`\n  found: expos\n  set by: --set\n  hint: did you mean `expose`?",
    ),
    (
        errors.UnknownKey("zzz", where="--set", known=["args", "expose"], nearest=None),
        64,
        "there is no setting `zzz`\n  found: zzz\n  set by: --set\n  hint: the settings are: args, expose",
    ),
    (
        errors.BadValue("user", value="me", where="--user", problem="a user is a number", example='"1000"'),
        64,
        "`user` cannot take this value: a user is a number\n  found: me\n  set by: --user\n"
        '  hint: write it like "1000"',
    ),
    (
        errors.BadFlag("--port", value="x", problem="it is no port", example="8080:80"),
        64,
        "--port cannot take this value: it is no port\n  found: x\n  set by: --port\n"
        "  hint: write it like 8080:80",
    ),
    (
        errors.UnsupportedSystem("Windows"),
        67,
        "rustdocker-tasks works on Linux and macOS\n  found: Windows\n  set by: this machine\n"
        "  hint: on Windows, work in WSL 2, where docker and cargo are those of Linux",
    ),
    (
        errors.PathTaken(PurePosixPath("/etc"), by="a file and a folder", set_by="--x"),
        64,
        "two things of the image would have one path\n  found: /etc: a file and a folder\n  set by: --x\n"
        "  hint: give one of them another path in the image",
    ),
    (
        errors.UnreadableFile("ca-certificates", Path("/ca.pem"), where="--x", problem="No such file"),
        64,
        "the file that `ca-certificates` names cannot be used: No such file\n  found: /ca.pem\n"
        "  set by: --x\n"
        "  hint: name a file that holds what is asked for; "
        "a relative path starts at the folder of the file that sets it",
    ),
    (
        errors.NoCargoToml(Path("/shop")),
        65,
        "there is no Cargo.toml here\n  found: none in /shop or a folder above it\n"
        "  set by: the folder that the task was started in, or the root of collection() or workspace()\n"
        "  hint: change to a Cargo project, make one with `cargo init`, or name another root",
    ),
    (
        errors.BrokenToml(Path("/shop/Cargo.lock"), line=3, column=1, problem="Invalid statement"),
        65,
        "Cargo.lock is not valid TOML: Invalid statement\n  found: /shop/Cargo.lock, line 3, column 1\n"
        "  set by: /shop/Cargo.lock\n"
        "  hint: mend line 3; of a merge take one side, and then `cargo update --workspace`",
    ),
    (
        errors.BrokenPattern(Path("/shop/.dockerignore"), "[z-a]", problem="bad range"),
        65,
        "docker would refuse this file of patterns: bad range\n  found: [z-a] in /shop/.dockerignore\n"
        "  set by: /shop/.dockerignore\n"
        "  hint: mend it: [a-z] is one of several characters, and \\[ is the bracket itself",
    ),
    (
        errors.IgnoredManifest(Path("/shop/venv/Cargo.toml"), []),
        65,
        "what cargo asks for is kept out of the build\n  found: /shop/venv/Cargo.toml is not sent\n"
        "  set by: its place among folders that hold no sources\n"
        "  hint: take the mark away (CACHEDIR.TAG or pyvenv.cfg in a folder above it, or a name such as "
        "node_modules), or take the package from what needs it",
    ),
    (
        errors.BrokenToml(CARGO_TOML, line=3, column=7, problem="Invalid value"),
        65,
        "Cargo.toml is not valid TOML: Invalid value\n  found: /shop/Cargo.toml, line 3, column 7\n"
        "  set by: /shop/Cargo.toml\n"
        "  hint: mend line 3; `cargo metadata --no-deps` shows the place as cargo sees it",
    ),
    (
        errors.BrokenManifest(CARGO_TOML, "[package] has no name", hint='add name = "…" to [package]'),
        65,
        "cargo would refuse this project\n  found: [package] has no name (/shop/Cargo.toml)\n"
        '  set by: /shop/Cargo.toml\n  hint: add name = "…" to [package]',
    ),
    (
        errors.NoBinary([CARGO_TOML]),
        65,
        "this project has no binary to put into an image\n"
        "  found: no src/main.rs, no file in src/bin, no [[bin]] in /shop/Cargo.toml\n"
        "  set by: Cargo's own rules for binaries\n"
        "  hint: add src/main.rs, or run the task in the package that has one",
    ),
    (
        errors.SeveralBinaries([("shop", "server"), ("shop", "worker")], root=Path("/shop")),
        65,
        "this project has several binaries and none is chosen\n"
        "  found: `server` (package shop), `worker` (package shop)\n"
        "  set by: nobody: /shop/Cargo.toml has no default-run\n"
        '  hint: run again with --bin server, or set default-run = "server" in its [package]; '
        "`rustdocker init` writes a task file that builds all",
    ),
    (
        errors.AmbiguousBinary("server", packages=["api", "shop"], set_by="--bin"),
        65,
        "several packages have a binary named `server`\n"
        "  found: the packages api, shop\n"
        "  set by: --bin\n"
        "  hint: run again with --package api --bin server",
    ),
    (
        errors.BinariesBehindFeatures([("shop", "server", ["serve", "tls"])], manifest=CARGO_TOML),
        65,
        "cargo would build no binary of this project: they need features that are off\n"
        "  found: `server` (package shop) needs serve, tls\n"
        "  set by: /shop/Cargo.toml, required-features\n"
        "  hint: run again with --bin server, which turns them on, or with --features serve,tls "
        '(in Cargo.toml: features = ["serve", "tls"])',
    ),
    (
        errors.MisplacedKey("variant", where="/shop/Cargo.toml, line 4", table="bin.server.static"),
        64,
        "`variant` cannot stand in the table `bin.server.static`, which counts only after it is chosen\n"
        "  found: variant\n  set by: /shop/Cargo.toml, line 4\n  hint: write it in the table around",
    ),
    (
        errors.MisplacedKey("retries", where="/shop/Cargo.toml, line 4", belongs="healthcheck"),
        64,
        "`retries` is a part of `healthcheck`, and no setting by itself\n"
        "  found: retries\n  set by: /shop/Cargo.toml, line 4\n  hint: write it as healthcheck.retries",
    ),
    (
        errors.MisplacedTable(
            "package.rustdocker", where="/shop/Cargo.toml, line 4", right="package.metadata.rustdocker"
        ),
        64,
        "nobody reads the table [package.rustdocker]\n  found: [package.rustdocker]\n"
        "  set by: /shop/Cargo.toml, line 4\n  hint: write it as [package.metadata.rustdocker]",
    ),
    (
        errors.NoSuchBinary("srever", candidates=["server", "worker"], set_by="--bin", nearest="server"),
        65,
        "there is no binary named `srever`\n  found: `server`, `worker`\n  set by: --bin\n"
        "  hint: run again with --bin server",
    ),
    (
        errors.NoSuchPackage("shp", candidates=["shop"], set_by="--package", nearest="shop"),
        65,
        "there is no package named `shp`\n  found: `shop`\n  set by: --package\n"
        "  hint: run again with --package shop",
    ),
    (
        errors.NoCargo(),
        66,
        "cargo is not installed, or not on PATH\n  found: no program named `cargo` on PATH\n"
        "  set by: the host backend, which compiles with the local cargo\n"
        "  hint: install Rust with rustup (https://rustup.rs), then open a new shell",
    ),
    (
        errors.CargoFailed(command="cargo build", code=101, found="its message stands above", hint="mend it"),
        66,
        "`cargo build` failed with exit code 101\n  found: its message stands above\n  set by: cargo\n"
        "  hint: mend it",
    ),
    (
        errors.TestsFailed(101),
        66,
        "tests failed\n  found: `cargo test` ended with exit code 101; what it said stands above\n"
        '  set by: the tests\n  hint: mend what they name; one of them alone is run by --args "its_name"',
    ),
    (
        errors.UnknownCargoLayout(Path("/shop/target"), package="shop"),
        66,
        "this cargo keeps its artefacts in a way that is not known here, so stale ones would not be noticed\n"
        "  found: no artefact of shop in /shop/target\n"
        "  set by: the cargo in use, or a flag such as -Zbuild-dir-new-layout\n"
        "  hint: update rustdocker-tasks, or use an earlier cargo",
    ),
    (
        errors.UnusableSource(Path("/shop/a\\b"), "a list of files cannot hold this name"),
        65,
        "a file of the project cannot be sent to the build: a list of files cannot hold this name\n"
        "  found: /shop/a\\b\n"
        "  set by: the folder of the workspace, which the build gets as a whole\n"
        "  hint: rename it or make it readable, or name it in .dockerignore if the build does not need it",
    ),
    (
        errors.OutdatedLock(Path("/shop/Cargo.lock"), "shop 0.2.0", set_by="default"),
        65,
        "Cargo.lock is not up to date, and is to be used as it is\n"
        "  found: /shop/Cargo.lock does not have shop 0.2.0\n"
        "  set by: locked: default\n"
        "  hint: `cargo update --workspace` renews it; `locked = false` lets cargo do so in each build",
    ),
    (
        errors.IgnoredManifest(Path("/lib/Cargo.toml"), [Path("/shop/.dockerignore")]),
        65,
        "what cargo asks for is kept out of the build\n"
        "  found: /lib/Cargo.toml is not sent\n"
        "  set by: /shop/.dockerignore\n"
        "  hint: remove the pattern that matches it, or take the package from what needs it",
    ),
    (
        errors.OutsideOfContext(Path("/lib"), root=Path("/shop"), set_by="`path` in rust-toolchain.toml"),
        65,
        "the project needs a folder that a build in containers does not get\n"
        "  found: /lib is outside of /shop\n"
        "  set by: `path` in rust-toolchain.toml\n"
        "  hint: move it into the workspace's folder, or build with --backend host",
    ),
    (
        errors.SecretInLayer(("`http.proxy` in /shop/.cargo/config.toml",), layer="the image", set_by="--variant"),
        65,
        "what nobody else may read would be in the image\n"
        "  found: `http.proxy` in /shop/.cargo/config.toml\n"
        "  set by: --variant\n"
        "  hint: keep a token in credentials.toml or config.toml of cargo's home, or in a variable such as "
        "CARGO_REGISTRIES_NAME_TOKEN, and a repository's password with git's credential helper: those are in "
        "no layer",
    ),
    (
        errors.BuildFailed("no space left on device"),
        67,
        "the build in containers failed\n"
        "  found: no space left on device\n"
        "  set by: a step of the build\n"
        "  hint: mend what it names, then build again",
    ),
    (
        errors.UnnameableFolder(Path("/shop/$a"), root=Path("/shop")),
        67,
        "a build in containers cannot name the project's folder\n"
        "  found: /shop/$a has a quote, a backslash, a dollar sign or a control character in its name\n"
        "  set by: what the project needs outside of it, which makes /shop the build context\n"
        "  hint: rename the folder, or build with --backend host",
    ),
    (
        errors.UnusableTarget(Path("/shop/target"), "it is a link"),
        67,
        "the target folder cannot hold what the build needs\n"
        "  found: /shop/target: it is a link\n"
        "  set by: cargo's default for its target folder, which the build context brings along\n"
        "  hint: make it a folder that can be written (build.target-dir in .cargo/config.toml names another "
        "for cargo), or build with --backend host",
    ),
    (
        errors.BuildxUnusable("docker has no buildx plugin here", set_by="--backend"),
        68,
        "this image is built by docker buildx, which cannot be used here\n"
        "  found: docker has no buildx plugin here\n"
        "  set by: --backend\n"
        "  hint: install it (https://docs.docker.com/go/buildx) and start an engine of 20.10 or later, "
        "or build with the local cargo: --backend host",
    ),
    (
        errors.NoBaseImage("rust:9", problem="not found", set_by="--x"),
        68,
        "the base image rust:9 cannot be had\n"
        "  found: not found\n"
        "  set by: --x\n"
        "  hint: check its name and the network; the settings `build-image` and `runtime-image` name other ones, "
        "and --backend host needs none",
    ),
    (
        errors.BaseImageRefused("ghcr.io/acme/rust:9", registry="ghcr.io", problem="unauthorized", set_by="--x"),
        68,
        "the registry refused the base image ghcr.io/acme/rust:9\n"
        "  found: unauthorized\n"
        "  set by: --x\n"
        "  hint: log in with an account that may pull it: `docker login ghcr.io`",
    ),
    (
        errors.BaseImageUntrusted("h:5000/rust:9", registry="h:5000", problem="x509: unknown", set_by="--x"),
        68,
        "the engine does not trust the certificate of the registry of the base image h:5000/rust:9\n"
        "  found: x509: unknown\n"
        "  set by: --x\n"
        "  hint: put the CA's certificate into /etc/docker/certs.d/h:5000/ca.crt on the engine's machine; "
        "the builds of Engine 20.10 do not look there: `docker pull h:5000/rust:9` first",
    ),
    (
        errors.EngineFull("write /data: no space left on device"),
        68,
        "the engine's disk is full\n"
        "  found: write /data: no space left on device\n"
        "  set by: the engine\n"
        "  hint: `docker system df` shows what takes the space, `docker buildx prune` frees the build cache; "
        "then build again",
    ),
    (
        errors.BuildImageUnusable("rust:1-slim", problem="no rustup", set_by="--x"),
        66,
        "this program cannot be compiled in rust:1-slim\n"
        "  found: no rustup\n"
        "  set by: --x\n"
        "  hint: name an image that can by the setting `build-image`, or build where it can be: --backend host",
    ),
    (
        errors.NothingToExplain(Path("/shop/target/x.json")),
        65,
        "no build has left anything to explain\n"
        "  found: no /shop/target/x.json, or one of another version\n"
        "  set by: the target folder\n"
        "  hint: `invoke build` first",
    ),
    (
        errors.MountsNotTold(3),
        68,
        "this engine does not tell which mounts are this project's\n"
        "  found: 3 mounts of builds of ours, of all projects\n"
        "  set by: the engine, which is older than 23\n"
        "  hint: `docker builder prune --filter type=exec.cachemount` removes all mounts of all builds",
    ),
    (
        errors.NoCacheExport(set_by="--x"),
        68,
        "this engine's builder cannot leave layers for other machines\n"
        "  found: a builder of the docker driver, on an engine without containerd's image store\n"
        "  set by: `cache-to`, by --x\n"
        "  hint: leave `cache-to` out, or make a builder that can: "
        '`docker buildx create --name ci --driver docker-container`, and set builder = "ci"',
    ),
    (
        errors.SeveralTargets(["a-unknown-linux-gnu", "b-unknown-linux-gnu"], set_by="/shop/.cargo/config.toml"),
        65,
        "cargo's configuration names several targets, and an image holds a program for one\n"
        "  found: a-unknown-linux-gnu, b-unknown-linux-gnu\n"
        "  set by: build.target in /shop/.cargo/config.toml\n"
        "  hint: run again with --target a-unknown-linux-gnu",
    ),
    (
        errors.NoCargoInImage("debian:trixie-slim", set_by="--x"),
        66,
        "the image to compile in has no cargo\n"
        "  found: no program named `cargo` on the PATH of debian:trixie-slim\n"
        "  set by: --x\n"
        "  hint: name an image with Rust by the setting `build-image`, such as rust:1-slim",
    ),
    (
        errors.CannotBeStatic(
            "alsa-sys 0.3.1", needs="libasound2-dev", used_by=(), instead=None, set_by="--libc", is_of_musl=False
        ),
        66,
        "alsa-sys 0.3.1 cannot be part of a static program of glibc\n"
        "  found: it links with libasound2-dev, which Debian has for static linking in part at most\n"
        "  set by: --libc\n"
        "  hint: build another variant: --variant minimal",
    ),
    (
        errors.CannotBeStatic(
            "pq-sys 0.7.8",
            needs="libpq-dev",
            used_by=["diesel"],
            instead="the feature `bundled`",
            set_by="--variant",
            glibc_serves=True,
        ),
        66,
        "pq-sys 0.7.8 cannot be part of a static program of musl\n"
        "  found: it links with libpq-dev for diesel, which Debian has for glibc alone\n"
        "  set by: --variant\n"
        "  hint: take the feature `bundled`; or link it with glibc: --libc gnu; or build another variant: "
        "--variant minimal",
    ),
    (
        errors.LacksPackage("no library x", crate="x-sys", packages=("libx-dev",), asked=("make",)),
        66,
        "the program cannot be compiled with what the build image has\n"
        "  found: no library x\n"
        "  set by: the crate x-sys\n"
        '  hint: set `build-packages = ["make", "libx-dev"]`, which has it',
    ),
    (
        errors.LacksPackage("no library x", crate=None, packages=("libx-dev",), installed=True, is_of_musl=True),
        66,
        "the program cannot be compiled with what the build image has\n"
        "  found: no library x\n"
        "  set by: the linker\n"
        "  hint: Debian has libx-dev for glibc alone: --libc gnu, or build another variant, --variant minimal",
    ),
    (
        errors.OlderLibrary("debian:bookworm-slim", symbols="GLIBC_2.39 of libc.so.6", set_by="--x"),
        67,
        "the program would not start: its base image has an older library than it needs\n"
        "  found: debian:bookworm-slim lacks GLIBC_2.39 of libc.so.6\n"
        "  set by: --x\n"
        "  hint: take both images of one Debian release, as `debian-release` does, or another `runtime-image`",
    ),
    (
        errors.LibraryNotInImage("liba.so.1", image="rust:1", set_by="--x"),
        67,
        "the program would not start: it needs shared libraries that are not there\n"
        "  found: rust:1, in which it was compiled, has no liba.so.1\n"
        "  set by: --x\n"
        "  hint: set `build-packages` to the packages that have them: Debian's search for packages knows files",
    ),
    (
        errors.WouldNotStart("there is no /lib64/x", image="alpine:3", set_by="--x"),
        67,
        "the program would not start in alpine:3\n"
        "  found: there is no /lib64/x\n"
        "  set by: --x\n"
        "  hint: name a base image of glibc by `runtime-image`, or take a variant without one: --variant minimal",
    ),
    (
        errors.CheckFailed("shop:1", found="it ended with exit code 1", set_by="the program"),
        67,
        "shop:1 does not work where nothing is granted\n"
        "  found: it ended with exit code 1\n"
        "  set by: the program\n"
        "  hint: its log stands above; a folder that it writes to is one of `volumes`, what it is told comes "
        "with --env and --args",
    ),
    (
        errors.PackagesNotInstalled("libx-dev", set_by="--x"),
        66,
        "Debian's packages were not got: libx-dev\n"
        "  found: apt-get's message stands above\n"
        "  set by: --x\n"
        "  hint: look for the name in this release with Debian's search for packages, and set it right, or "
        "`debian-release`",
    ),
    (
        errors.SeveralBadSettings(
            [
                errors.UnknownKey("a", where="--x", known=["tag"], nearest="tag"),
                errors.UnknownKey("b", where="--y", known=["tag"], nearest=None),
            ]
        ),
        64,
        "there is no setting `a`\n  found: a\n  set by: --x\n  hint: did you mean `tag`?\n"
        "there is no setting `b`\n  found: b\n  set by: --y\n  hint: the settings are: tag",
    ),
    (
        errors.BadArgument("register", "rusts", value="1.85", problem="float is no text", example='["1.85"]'),
        64,
        "`rusts` of register() cannot take this value: float is no text\n"
        "  found: 1.85\n"
        "  set by: register(rusts=…)\n"
        '  hint: write it like rusts=["1.85"]',
    ),
    (
        errors.NoSuchFlag("build", found="backnd=…", nearest="backend"),
        64,
        "the task `build` has no such argument\n"
        "  found: backnd=…\n"
        "  set by: the task that calls it\n"
        "  hint: did you mean backend=…?",
    ),
    (
        errors.NoRevision("main", problem="this is no git repository"),
        64,
        "what differs from main cannot be told\n"
        "  found: this is no git repository\n"
        "  set by: --changed-since\n"
        "  hint: name a commit, a branch or a tag of this repository (`git branch --all` lists branches), "
        "or build all without it",
    ),
    (
        errors.NotOfOneProgram("bin", value="a"),
        64,
        "`bin` chooses one program, and a workspace's tasks are for all\n"
        "  found: a\n"
        "  set by: workspace(bin=…)\n"
        "  hint: take collection(root, bin=…) for one, or its own collection of the workspace's",
    ),
    (
        errors.NoRepository("shop:1", set_by="the default"),
        64,
        "the image's name shop:1 says no registry to push to\n"
        "  found: shop:1\n"
        "  set by: the default\n"
        '  hint: set repository = "ghcr.io/you/{name}" in [package.metadata.rustdocker] '
        "(docker.io/you is Docker Hub), or name it whole: --tag ghcr.io/you/shop:1",
    ),
    (
        errors.PushRefused("r.io/shop:1", registry="r.io", problem="denied"),
        68,
        "the registry refused r.io/shop:1\n"
        "  found: denied\n"
        "  set by: the registry, by the credentials in docker's configuration\n"
        "  hint: log in with an account that may push there: `docker login r.io`",
    ),
    (
        errors.RegistryUnreachable("r.io/shop:1", problem="no such host", set_by="--tag"),
        68,
        "the registry of r.io/shop:1 cannot be reached\n"
        "  found: no such host\n"
        "  set by: --tag\n"
        "  hint: check the name and the network, then push again: what arrived stays there",
    ),
    (
        errors.RegistryUntrusted("r.io/shop:1", registry="r.io", problem="x509: unknown authority"),
        68,
        "the engine does not trust the certificate of the registry of r.io/shop:1\n"
        "  found: x509: unknown authority\n"
        "  set by: the registry's certificate authority\n"
        "  hint: put the CA's certificate into /etc/docker/certs.d/r.io/ca.crt on the engine's machine",
    ),
    (
        errors.PushFailed("r.io/shop:1", problem="EOF"),
        68,
        "r.io/shop:1 could not be pushed\n"
        "  found: EOF\n"
        "  set by: the registry, or the way to it\n"
        "  hint: push again: what arrived stays there",
    ),
    (
        errors.NoCredentials("r.io", problem="docker-credential-x not installed or not available in PATH"),
        68,
        "what keeps the password for r.io does not answer\n"
        "  found: docker-credential-x not installed or not available in PATH\n"
        "  set by: `credsStore` or `credHelpers` in docker's config.json\n"
        "  hint: install it, or take the key out and run `docker login r.io`",
    ),
    (
        errors.ImagesNotMade(
            ["api", "web"],
            total=12,
            first=errors.CargoFailed(command="cargo build", code=101, found="x", hint="y"),
        ),
        66,
        "2 of 12 images failed: api, web\n  found: the reason for each stands above\n"
        "  set by: cargo\n  hint: mend them, then run it again: what is made stays",
    ),
    (
        errors.SameImage("shop:1", programs=("api", "web"), set_by="--tag"),
        64,
        "two programs would become one image, shop:1\n  found: api and web have it among their tags\n"
        "  set by: --tag\n  hint: give each its own, for example with {name} in `tag` or `repository`",
    ),
    (
        errors.TaskFileExists(Path("/shop/tasks.py"), needed="import a\n\nns = a\n"),
        65,
        "there is a tasks.py already, which is not touched\n  found: /shop/tasks.py\n"
        "  set by: you, or another tool\n"
        "  hint: add to it:\n    import a\n    \n    ns = a",
    ),
    (
        errors.LacksPackage("no library pcap", crate="pcap", packages=("libpcap-dev",), on_host=True),
        66,
        "the program cannot be compiled with what this machine has\n  found: no library pcap\n"
        "  set by: the crate pcap\n"
        "  hint: install it, which on Debian libpcap-dev has: `apt-get install libpcap-dev`; "
        "--backend buildx needs nothing of this machine",
    ),
    (
        errors.FileNotWritten(Path("/shop/tasks.py"), "Is a directory"),
        65,
        "tasks.py could not be written\n  found: /shop/tasks.py: Is a directory\n"
        "  set by: the project's folder\n"
        "  hint: make it writable, or move away what is there",
    ),
    (
        errors.TableExists(CARGO_TOML, needed='[package.metadata.rustdocker]\nvariant = "static"\n'),
        65,
        "settings cannot be added below what Cargo.toml has, which is not touched\n  found: /shop/Cargo.toml\n"
        "  set by: you, or another tool\n"
        "  hint: write them where its other metadata stand:\n"
        '    [package.metadata.rustdocker]\n    variant = "static"',
    ),
    (
        errors.NotReady(["engine", "disk"]),
        68,
        "nothing can be built here: engine, disk\n  found: what is wrong with each stands above\n"
        "  set by: this machine\n  hint: do what stands below each, then run `invoke doctor` again",
    ),
    (
        errors.NotOurs(Path("/shop/Dockerfile")),
        67,
        "there is something in the way that rustdocker-tasks did not make, and so does not replace\n"
        "  found: /shop/Dockerfile\n"
        "  set by: you, or another tool\n"
        "  hint: move it away, then run `invoke dockerfile` again",
    ),
    (
        errors.NotLinux("shop", "it is not an ELF file"),
        67,
        "the compiled program cannot run in a Linux container\n  found: shop: it is not an ELF file\n"
        "  set by: `build.target` in .cargo/config.toml, or this machine's own platform\n"
        "  hint: build on Linux, or set build.target to a Linux target triple",
    ),
    (
        errors.LibraryNotFound("libfoo.so.1", program="shop"),
        67,
        "the program needs a shared library that this machine lacks: libfoo.so.1\n"
        "  found: shop names it, the loader does not find it\n  set by: a crate that links it\n"
        "  hint: find its package with `apt-file search libfoo.so.1` and install it",
    ),
    (
        errors.NotStatic(program="shop", found="needs libz.so.1", target_triple="x86_64-unknown-linux-gnu"),
        67,
        "the program is not fully static\n  found: shop: needs libz.so.1\n"
        "  set by: variant static, compiled for x86_64-unknown-linux-gnu\n"
        "  hint: turn on the crate's `vendored` or `bundled` feature, "
        "or use `invoke build --variant minimal`",
    ),
    (
        errors.ForeignCertificates("/x/cacert.pem", "it has been changed since it was installed"),
        67,
        "the certificates to ship are not the ones that certifi published\n"
        "  found: /x/cacert.pem: it has been changed since it was installed\n  set by: this Python environment\n"
        "  hint: restore them with `pip install --force-reinstall certifi`, "
        "and name your own CA with the setting `ca-certificates`",
    ),
    (
        errors.CannotWrite(Path("/shop/target/x.tar"), "No space left on device"),
        67,
        "the image could not be written\n  found: /shop/target/x.tar: No space left on device\n"
        "  set by: cargo's target folder, where images are kept\n"
        "  hint: free some space or make the folder writable, then build again; nothing half-written was left",
    ),
    (
        errors.NoEngine(address="unix:///x.sock", problem="No such file or directory", set_by="DOCKER_HOST"),
        68,
        "no container engine answers\n  found: unix:///x.sock: No such file or directory\n  set by: DOCKER_HOST\n"
        "  hint: start it (`sudo systemctl start docker`), or point DOCKER_HOST at one that runs",
    ),
    (
        errors.NoEngine(address="unix:///x.sock", problem="Permission denied", set_by="DOCKER_HOST"),
        68,
        "no container engine answers\n  found: unix:///x.sock: Permission denied\n  set by: DOCKER_HOST\n"
        "  hint: join the group docker (`sudo usermod -aG docker $USER`) and log in again",
    ),
    (
        errors.LoadFailed("shop:1", problem="no space left on device"),
        68,
        "the engine did not take the image shop:1\n  found: no space left on device\n  set by: the engine\n"
        "  hint: look at the engine's log and its free space (`docker system df`), then build again",
    ),
    (
        errors.PortTaken(8080, container_port="80", set_by="--port 8080:80", other=8081),
        68,
        "port 8080 of this machine is taken\n  found: something listens on port 8080 already\n"
        "  set by: --port 8080:80\n"
        "  hint: stop it (`invoke stop`, if it is this project's), or take another port: --port 8081:80",
    ),
    (
        errors.EngineGone("the connection to it broke off"),
        68,
        "the engine did not do what it was asked for\n  found: the connection to it broke off\n"
        "  set by: the engine\n  hint: look at `docker ps -a` and the engine's log, then try again",
    ),
    (
        errors.RunFailed("shop:1", problem="mount denied"),
        68,
        "the engine could not run shop:1\n  found: mount denied\n  set by: the engine\n"
        "  hint: mend what it names; `invoke plan` shows what is set, and by whom",
    ),
    (
        errors.NotListening(["8080"], seconds=30, set_by="--port 8080"),
        68,
        "nothing listens on port 8080 of the container after 30 s\n"
        "  found: the program runs, but a connection to the port is closed at once\n"
        "  set by: --port 8080\n"
        "  hint: let the program listen on 0.0.0.0 (127.0.0.1 is the container's own), "
        "or name the port that it uses",
    ),
    (
        errors.NotHealthy(("/x", "a b"), seconds=30, found="exit code 1: down", set_by="Cargo.toml, line 4"),
        68,
        "the healthcheck `/x 'a b'` did not succeed within 30 s: exit code 1: down\n"
        "  found: exit code 1: down\n"
        "  set by: Cargo.toml, line 4\n"
        "  hint: its program has to be in the image: there is no shell or curl that a base does not bring",
    ),
    (
        errors.Unexpected(KeyError("s3cr3t")),
        70,
        "rustdocker-tasks met something that it does not know how to handle\n  found: KeyError\n"
        "  set by: a defect of rustdocker-tasks, or something odd in the project or on this machine\n"
        "  hint: run again as `invoke --debug …` for the whole story, and report it",
    ),
    (
        errors.NoContainer("shop"),
        68,
        "no container of shop is there\n  found: none that `invoke run` started\n  set by: the engine\n"
        "  hint: start one with `invoke run --detach`",
    ),
]


@pytest.mark.parametrize(("error", "code", "text"), TEXTS, ids=lambda value: type(value).__name__)
def test_error_reads_as_four_parts(error: RustDockerError, code: int, text: str) -> None:
    assert str(error) == text
    assert error.exit_code == code


def test_every_error_class_has_its_text_tested() -> None:
    families = RustDockerError.__subclasses__()
    causes = {cause for family in families for cause in family.__subclasses__()}

    assert {type(error) for error, _, _ in TEXTS} == causes


def test_a_terminal_s_commands_in_a_name_are_shown_and_not_obeyed() -> None:
    error = errors.NoSuchBinary("\x1b[2J\r", candidates=["\x9b"], set_by="--bin", nearest=None)

    assert error.what == "there is no binary named `\x1b[2J\r`"
    assert str(error).startswith(r"there is no binary named `\x1b[2J\r`")
    assert r"found: `\x9b`" in str(error)


def test_a_value_of_several_lines_stays_within_its_part() -> None:
    error = errors.RunFailed("shop:1", problem="one\ntwo")

    assert "  found: one\n    two\n  set by:" in str(error)
