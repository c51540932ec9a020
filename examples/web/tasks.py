"""`invoke --list` shows what there is."""

from rustdocker_tasks import ns  # noqa: F401
