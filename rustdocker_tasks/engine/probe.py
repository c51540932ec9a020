"""Whether a program listens behind a published port."""

from __future__ import annotations

import socket

_SECONDS = 0.1


def is_listening(address: tuple[str, int]) -> bool:
    """Return whether a connection to the address stays open.

    The engine's proxy accepts every connection, and closes it at once if nothing in the container takes it.
    """
    try:
        with socket.create_connection(address, timeout=1) as connection:
            connection.settimeout(_SECONDS)
            return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False
