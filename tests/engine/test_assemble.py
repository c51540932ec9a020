"""The script that puts a program and its libraries into an image's tree: what it lets pass starts there.

It runs in containers of the build image, and the tree that it made, on top of the base, is started by chroot.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files

import docker
import pytest

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUST

pytestmark = pytest.mark.engine

# A program with a library of its own, and a base with glibc and nothing else: Debian's, or one with its libraries
# in lib64, as Fedora has them. An engine does not keep the order of two streams, so there is one.
_PREPARE = r"""
exec 2>&1; set -eu
mkdir -p /rustdocker /base/usr/lib /base/etc; cd /tmp
echo 'int foo(void) { return 42; }' > foo.c
echo 'int foo(void); int puts(const char *); int main(void) { return foo() == 42 ? puts("42") < 0 : 1; }' > main.c
gcc -shared -o libfoo.so.1 foo.c -Wl,-soname,libfoo.so.1
make_base() {
    mkdir -p "/base/$1" /base/usr/lib64
    ln -s usr/lib /base/lib; ln -s usr/lib64 /base/lib64
    cp -L /lib/x86_64-linux-gnu/libc.so.6 "/base/$1"
    cp -L /lib64/ld-linux-x86-64.so.2 "/base/$1/ld"
    ln -s "/$1/ld" /base/usr/lib64/ld-linux-x86-64.so.2
}
link() { gcc -o /rustdocker/program main.c "$@"; }
assemble() { code=0; sh /assemble.sh /out "$1" app dynamic /rustdocker/program || code=$?; }
start() {
    [ "$code" = 0 ] || exit 0
    mkdir -p /img; [ -z "$1" ] || cp -a "$1/." /img; cp -a /out/. /img; chroot /img /usr/local/bin/app
}
"""
_DEBIAN = "make_base usr/lib/x86_64-linux-gnu\n"
_FEDORA = """make_base usr/lib64
sed -i 's#/lib/x86_64-linux-gnu/#/lib64////////////////#g' /base/usr/lib64/ld
"""
_INSTALLED = "cp libfoo.so.1 /usr/local/lib; ldconfig; link /usr/local/lib/libfoo.so.1\n"
_LINKED_FOLDER = """mkdir -p /opt/foo-1/lib; ln -s foo-1 /opt/foo; cp libfoo.so.1 /opt/foo/lib
link -Wl,-rpath,/opt/foo/lib /opt/foo/lib/libfoo.so.1
"""
_BASE_KNOWS_IT = """mkdir -p /base/opt/acme; cp libfoo.so.1 /base/opt/acme
echo /opt/acme > /base/etc/ld.so.conf; ldconfig -r /base
"""
_BASE_HAS_FORGOTTEN_IT = """mkdir -p /base/usr/local/lib /base/etc/ld.so.conf.d; cp libfoo.so.1 /base/usr/local/lib
echo /usr/local/lib > /base/etc/ld.so.conf.d/libc.conf
"""


@pytest.fixture(scope="module")
def engine() -> Iterator[docker.DockerClient]:
    with closing(docker.DockerClient(base_url=CURRENT_ENGINE)) as client:
        yield client


def run(engine: docker.DockerClient, script: str) -> str:
    """Return what is printed in a container that has the script."""
    source = files("rustdocker_tasks.dockerfile").joinpath("assemble.sh")
    printed: bytes = engine.containers.run(
        RUST,
        ["sh", "-c", f"{_PREPARE}{script}"],
        volumes=[f"{source}:/assemble.sh:ro"],
        remove=True,
        network_disabled=True,
    )
    return printed.decode()


@pytest.mark.parametrize("runtime", ["/base", ""], ids=["base", "no base"])
def test_a_library_beside_the_program_stays_beside_it(engine: docker.DockerClient, runtime: str) -> None:
    shown = "ls /img/usr/local/bin"
    no_proc = "export LD_ORIGIN_PATH=/usr/local/bin"  # where a loader otherwise learns of it
    beside = "cp libfoo.so.1 /rustdocker; link -Wl,-rpath,'$ORIGIN' /rustdocker/libfoo.so.1\n"

    printed = run(engine, f"{_DEBIAN}{beside}assemble '{runtime}'; {no_proc}; start '{runtime}'; {shown}")

    assert printed.splitlines()[-3:] == ["42", "app", "libfoo.so.1"]


@pytest.mark.parametrize("runtime", ["/base", ""], ids=["base", "no base"])
def test_a_library_that_an_asset_brings_need_not_be_there(engine: docker.DockerClient, runtime: str) -> None:
    link = "link -Wl,-rpath,/opt/own ./libfoo.so.1; export RUSTDOCKER_LIBRARIES=/x/liba.so:/opt/own/libfoo.so.1\n"
    asset = "mkdir -p /out/opt/own; cp libfoo.so.1 /out/opt/own\n"

    printed = run(engine, f"{_DEBIAN}{link}assemble '{runtime}'\n{asset}start '{runtime}'")

    assert "libfoo.so.1 is taken to lie where the program looks for it" in printed
    assert printed.splitlines()[-1] == "42"


def test_an_old_glibc_brings_what_it_resolves_names_by(engine: docker.DockerClient) -> None:
    old = """cd /lib/x86_64-linux-gnu; cp libc.so.6 libc-2.31.so; ln -sf libc-2.31.so libc.so.6
touch libnss_files.so.2 libnss_dns.so.2 libresolv.so.2; cd /tmp; link libfoo.so.1 -Wl,-rpath,/tmp
"""
    printed = run(engine, f"{_DEBIAN}{old}assemble ''; ls /out/usr/lib/x86_64-linux-gnu")

    brought = {"libc.so.6", "libnss_files.so.2", "libnss_dns.so.2", "libresolv.so.2"}
    assert brought <= set(printed.splitlines()), printed


@pytest.mark.parametrize("runtime", ["/base", ""], ids=["base", "no base"])
@pytest.mark.parametrize("base", [_DEBIAN, _FEDORA], ids=["debian", "fedora"])
@pytest.mark.parametrize("program", [_INSTALLED, _LINKED_FOLDER], ids=["installed", "linked folder"])
def test_a_library_is_put_where_it_is_found(
    engine: docker.DockerClient, runtime: str, base: str, program: str
) -> None:
    printed = run(engine, f"{base}{program}assemble '{runtime}'; start '{runtime}'")

    assert printed.splitlines()[-1] == "42"


def test_a_library_that_the_base_knows_is_left_to_it(engine: docker.DockerClient) -> None:
    script = f"{_DEBIAN}{_INSTALLED}{_BASE_KNOWS_IT}assemble /base; find /out -name 'libfoo*'; start /base"

    assert run(engine, script).splitlines() == ["42"]


def test_a_library_that_the_base_s_loader_was_not_told_of_is_added(engine: docker.DockerClient) -> None:
    script = f"{_DEBIAN}{_INSTALLED}{_BASE_HAS_FORGOTTEN_IT}assemble /base; find /out -name 'libfoo*'; start /base"

    assert run(engine, script).splitlines() == ["/out/usr/lib/x86_64-linux-gnu/libfoo.so.1", "42"]


@pytest.mark.parametrize(
    ("script", "mark"),
    [
        (f"{_DEBIAN}{_INSTALLED}rm /base/lib64; assemble /base", "no loader: /lib64/ld-linux-x86-64.so.2"),
        (f"{_DEBIAN}{_INSTALLED}rm /usr/local/lib/libfoo.so.1; assemble /base", "no library: libfoo.so.1 "),
    ],
    ids=["no loader", "no library"],
)
def test_what_would_not_start_is_refused(engine: docker.DockerClient, script: str, mark: str) -> None:
    printed = run(engine, f'{script}; echo "code $code"')

    assert printed.splitlines()[-2:] == [f"rustdocker: {mark}", "code 67"]
