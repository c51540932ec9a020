"""Base images that have a folder of ours in their own way: as a link, as Fedora's have, or with another owner."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
import trustme

from tasks.lab.engine import HOST as CURRENT_ENGINE
from tasks.lab.images import RUNTIME
from tests.conftest import Write, crate, invoke
from tests.engine.base_image import base_image

pytestmark = pytest.mark.engine

LINKED = f"""FROM {RUNTIME}
RUN mkdir -p /etc/ssl /etc/pki/tls/certs /var/usrlocal/bin && touch /etc/pki/tls/certs/own \\
    && rm -rf /etc/ssl/certs /usr/local && ln -s ../pki/tls/certs /etc/ssl/certs \\
    && ln -s /var/usrlocal /usr/local && ln -s usr/local /shortcut \\
    && rm -rf /var/tmp && ln -s ../tmp /var/tmp \\
    && mkdir /behind /far && ln -s /behind /near && ln -s /far /behind/more
"""
MAIN = r"""fn main() {
    let certificates = std::fs::read_to_string("/etc/ssl/certs/ca-certificates.crt").unwrap();
    println!("{}", certificates.contains("BEGIN CERTIFICATE"));
    std::fs::write("/var/run/shop/state", "1").unwrap();
    println!("{}", std::fs::read_to_string("/shortcut/bin/page.html").unwrap());
    for link in ["/etc/ssl/certs", "/var/run", "/usr/local", "/shortcut", "/var/tmp", "/behind/more"] {
        assert!(std::fs::symlink_metadata(link).unwrap().is_symlink(), "{link}");
    }
    assert!(std::path::Path::new("/etc/pki/tls/certs/own").exists());
    std::fs::write("/var/tmp/data/state", "1").unwrap();
    std::fs::write("/tmp/own", "1").unwrap();
    println!("{}", std::fs::read_to_string("/near/more/page.html").unwrap());
}
"""
PAGE = '{{ source = "page.html", destination = "{}/page.html" }}'


@pytest.mark.parametrize("packages", ["[]", '["jq"]'])
def test_a_folder_that_is_a_link_in_the_base_stays_one(write: Write, tmp_path: Path, packages: str) -> None:
    files = {"src/main.rs": MAIN, "page.html": "of a page"}
    folder = write(crate(f"linked-{uuid.uuid4().hex[:8]}", **files))
    settings = {
        "RUSTDOCKER_BACKEND": "buildx",
        "DOCKER_HOST": CURRENT_ENGINE,
        "RUSTDOCKER_VOLUMES": '["/var/run/shop", "/var/tmp/data"]',
        "RUSTDOCKER_ASSETS": f"[{', '.join(map(PAGE.format, ('/shortcut/bin', '/near/more')))}]",
        "RUSTDOCKER_RUNTIME_PACKAGES": packages,
    }

    with base_image(tmp_path, LINKED) as base:
        done = invoke("run", folder=folder, **settings, **base)

    assert done.result.splitlines() == ["true", "of a page", "of a page"]


OWNED = f"""FROM {RUNTIME}
RUN install -d -o 1001 -g 1001 -m 750 /srv/app && chmod 700 /root && chmod 1777 /var/tmp
"""
STATES = r"""use std::os::unix::fs::MetadataExt;
fn main() {
    for folder in ["/srv/app", "/root", "/var/tmp", "/var/tmp/shop"] {
        let found = std::fs::metadata(folder).unwrap();
        println!("{folder} {}:{} {:o}", found.uid(), found.gid(), found.mode() & 0o7777);
    }
    print!("{}", std::fs::read_to_string("/srv/app/etc/passwd").unwrap());
}
"""


def test_a_folder_of_the_base_keeps_owner_and_mode(write: Write, tmp_path: Path) -> None:
    files = {"src/main.rs": STATES, "page.html": "of a page", "jail/etc/passwd": "of the jail"}
    folder = write(crate(f"owned-{uuid.uuid4().hex[:8]}", **files))
    settings = {
        "RUSTDOCKER_BACKEND": "buildx",
        "DOCKER_HOST": CURRENT_ENGINE,
        "RUSTDOCKER_USER": "1001",
        "RUSTDOCKER_VOLUMES": '["/var/tmp/shop"]',
        "RUSTDOCKER_ASSETS": '[{ source = "jail", destination = "/srv/app/" }, '
        '{ source = "page.html", destination = "/root/page.html" }]',
    }

    with base_image(tmp_path, OWNED) as base:
        done = invoke("run", folder=folder, **settings, **base)

    assert done.result.splitlines() == [
        "/srv/app 1001:1001 750",
        "/root 0:0 700",
        "/var/tmp 0:0 1777",
        "/var/tmp/shop 1001:1001 755",
        "of the jail",
    ]


def test_a_volume_that_the_image_has_a_folder_for_is_the_user_s(write: Write) -> None:
    main = 'fn main() { std::fs::write("/srv/state", "1").unwrap(); println!("written"); }\n'
    folder = write(crate(f"srv-{uuid.uuid4().hex[:8]}", **{"src/main.rs": main}))
    settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_VOLUMES": '["/srv"]'}

    found = [invoke("run", f"--variant={each}", folder=folder, **settings).result for each in ("simple", "slim")]

    assert found == ["written", "written"]


# A file that ends in no line break, none of glibc's, and a certificate of a company's.
OTHER_FILES = f"""FROM {RUNTIME}
COPY company.pem /etc/ssl/certs/ca-certificates.crt
RUN rm -f /etc/nsswitch.conf && printf '%s\\nlast:x:1001:1001::/srv:/bin/sh' "$(cat /etc/passwd)" > /etc/passwd
"""
READS = r"""fn main() {
    for file in ["/etc/passwd", "/etc/nsswitch.conf", "/etc/ssl/certs/ca-certificates.crt"] {
        print!("{}", std::fs::read_to_string(file).unwrap());
    }
}
"""


def test_what_a_base_has_of_files_that_an_image_needs_is_kept_and_completed(write: Write, tmp_path: Path) -> None:
    folder = write(crate(f"others-{uuid.uuid4().hex[:8]}", **{"src/main.rs": READS}))
    certificate = trustme.CA().cert_pem.bytes().decode()
    (tmp_path / "company.pem").write_text(certificate)

    with base_image(tmp_path, OTHER_FILES) as base:
        done = invoke("run", folder=folder, RUSTDOCKER_BACKEND="buildx", DOCKER_HOST=CURRENT_ENGINE, **base)

    lines = done.result.splitlines()
    assert "last:x:1001:1001::/srv:/bin/sh" in lines
    assert "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin" in lines
    assert "hosts: files dns" in lines
    assert certificate.strip() in done.result
    assert done.result.count("BEGIN CERTIFICATE") > 100


def test_certificates_that_an_asset_brings_stand_alone(write: Write, tmp_path: Path) -> None:
    folder = write(crate(f"others-{uuid.uuid4().hex[:8]}", **{"src/main.rs": READS}))
    for name in ("company.pem", "own.pem"):
        (tmp_path / name).write_bytes(trustme.CA().cert_pem.bytes())
    own = '[{ source = "own.pem", destination = "/etc/ssl/certs/ca-certificates.crt" }]'

    with base_image(tmp_path, OTHER_FILES) as base:
        settings = {"RUSTDOCKER_BACKEND": "buildx", "DOCKER_HOST": CURRENT_ENGINE, "RUSTDOCKER_ASSETS": own}
        done = invoke("run", folder=folder, **settings, **base)

    assert done.result.endswith((tmp_path / "own.pem").read_text().strip())
    assert done.result.count("BEGIN CERTIFICATE") == 1
