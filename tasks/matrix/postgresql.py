"""A PostgreSQL server of Debian's packages, for the program of the matrix that asks one."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tasks.lab.engine import HOST
from tasks.lab.images import RUNTIME

_PASSWORD = "matrix"
_IMAGE = "rustdocker-matrix-postgresql"
_DOCKERFILE = f"""FROM {RUNTIME}
RUN apt-get update -q && apt-get install -qy --no-install-recommends postgresql
USER postgres
RUN pg_ctlcluster 17 main start && psql -c "alter user postgres password '{_PASSWORD}'" \\
    && echo "host all all all scram-sha-256" >> /etc/postgresql/17/main/pg_hba.conf
CMD ["/usr/lib/postgresql/17/bin/postgres", "-D", "/var/lib/postgresql/17/main", \\
    "-c", "config_file=/etc/postgresql/17/main/postgresql.conf", "-c", "listen_addresses=*"]
"""
_PATIENCE = 60  # seconds

# libpq reads where its server is from the environment.
QUESTION = """use pq_sys::*;
fn main() {
    unsafe {
        let connection = PQconnectdb(c"".as_ptr());
        assert!(PQstatus(connection) == ConnStatusType::CONNECTION_OK, "{:?}", text(PQerrorMessage(connection)));
        let result = PQexec(connection, c"select 40 + 2, version()".as_ptr());
        println!("{} of {}", text(PQgetvalue(result, 0, 0)), text(PQgetvalue(result, 0, 1)));
    }
}
unsafe fn text(from: *const std::ffi::c_char) -> String {
    unsafe { std::ffi::CStr::from_ptr(from).to_string_lossy().into_owned() }
}
"""


@contextmanager
def postgresql(engine: str = HOST) -> Iterator[Mapping[str, str]]:
    """Run the server; yield the variables that tell the program where it is."""
    _docker(engine, "build", "--quiet", f"--tag={_IMAGE}", "-", given=_DOCKERFILE)
    container = _docker(engine, "run", "--detach", "--rm", _IMAGE)
    try:
        _wait(engine, container)
        address = _docker(engine, "inspect", "--format={{.NetworkSettings.IPAddress}}", container)
        variables = {"PGHOST": address, "PGUSER": "postgres", "PGPASSWORD": _PASSWORD, "PGDATABASE": "postgres"}
        table = ", ".join(f'{name} = "{value}"' for name, value in variables.items())
        yield {"RUSTDOCKER_ENV": f"{{ {table} }}"}
    finally:
        _docker(engine, "kill", container)


def _wait(engine: str, container: str) -> None:
    deadline = time.monotonic() + _PATIENCE
    words = ["docker", f"--host={engine}", "exec", container, "pg_isready", "--quiet"]
    while subprocess.run(words, check=False, capture_output=True).returncode:
        if time.monotonic() > deadline:
            message = f"PostgreSQL does not answer after {_PATIENCE} s"
            raise TimeoutError(message)
        time.sleep(0.5)


def _docker(engine: str, *words: str, given: str | None = None) -> str:
    done = subprocess.run(
        ["docker", f"--host={engine}", *words], input=given, text=True, check=True, stdout=subprocess.PIPE
    )
    return done.stdout.strip()
