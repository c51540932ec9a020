"""python-on-whales in a process of its own, where it is imported while a build is planned.

It reads one line, the call, and prints what buildx says; without that line it was not needed. Its exit code tells
how the call ended.
"""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# What Python itself ends with is none of them.
FAILED, NO_DOCKER = 64, 65
# Source: pydantic, plugin/_loader.py.
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@contextmanager
def without_plugins() -> Iterator[None]:
    """Keep pydantic from looking for plugins in every installed package, which takes longer than to import it."""
    own = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        if own is None:
            del os.environ[_PLUGINS]
        else:
            os.environ[_PLUGINS] = own


def main() -> int:
    """Return the exit code."""
    with without_plugins():
        from python_on_whales import DockerClient
        from python_on_whales.client_config import ClientNotFoundError
        from python_on_whales.exceptions import DockerException

    line = sys.stdin.readline()
    if not line:
        return 0
    call = json.loads(line)
    try:
        buildx = DockerClient(client_call=call["client_call"]).buildx
        method: Any = {"build": buildx.build, "bake": buildx.bake}[call["task"]]
        for text in method(*call["arguments"], **call["options"], stream_logs=True):
            sys.stdout.buffer.write(text.encode())
            sys.stdout.flush()
    except (DockerException, UnicodeDecodeError):
        # The second where buildx wrote something that is no UTF-8, and failed.
        return FAILED
    except ClientNotFoundError:
        return NO_DOCKER
    return 0


if __name__ == "__main__":
    # Ctrl-C reaches docker too, which ends then; its last lines are yet to be read.
    signal.signal(signal.SIGINT, lambda *_: None)
    code = main()
    sys.stdout.flush()
    # What was imported takes as long to be taken down as a small build.
    os._exit(code)
