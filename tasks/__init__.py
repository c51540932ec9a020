"""The project's own tasks: what a contributor and CI call."""

from __future__ import annotations

from invoke.collection import Collection

from rustdocker_tasks import collection
from tasks import check, examples
from tasks.applications import applications
from tasks.corpus import corpus
from tasks.debian_files import debian_files
from tasks.docs import docs
from tasks.lab import lab
from tasks.matrix import matrix

ns = Collection(
    check.lint,
    check.typecheck,
    check.test,
    check.check,
    check.bench,
    applications,
    corpus,
    debian_files,
    docs,
    lab,
    matrix,
    examples.demo,
    collection(root=examples.HELLO, name="hello"),
    collection(root=examples.WEB, name="web"),
)
