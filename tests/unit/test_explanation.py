from __future__ import annotations

from rustdocker_tasks.explanation import Changes, Explanation, decode, encode, explanation_text, find_changes

TOLD = Explanation(
    plan="shop 0.1.0, variant slim",
    cache="mount: this builder is there tomorrow",
    failed=("mail: `cargo build` failed",),
    changes=Changes(added=("a.rs",), changed=tuple(f"{n}.rs" for n in range(12))),
    compiled=("shop v0.1.0",),
    seconds={"compile": 2.04, "load": 0.01},
    slowest={"shop": 1.96, "fresh": 0.0},
    from_cache=("assemble",),
    sent=1234,
)


def test_a_build_is_told_in_rows() -> None:
    assert explanation_text(TOLD).splitlines() == [
        "build           shop 0.1.0, variant slim",
        "failed          mail: `cargo build` failed",
        "cache           mount: this builder is there tomorrow",
        "added           1: a.rs",
        "changed         12: 0.rs, 1.rs, 2.rs, 3.rs, 4.rs, 5.rs, 6.rs, 7.rs, 8.rs, 9.rs and 2 more",
        "compiled        1: shop v0.1.0",
        "slowest         shop 2.0 s",
        "from the cache  assemble",
        "sent            1.2 kB",
        "seconds         compile 2.0",
    ]


def test_it_outlives_the_build() -> None:
    assert decode(encode(TOLD)) == TOLD
    assert decode(b"{}") is None
    assert decode(b"no JSON") is None


def test_a_file_s_name_cannot_look_like_a_row() -> None:
    told = Explanation(
        plan="x",
        cache="x",
        failed=(),
        changes=Changes(added=("a\nsent  9",)),
        compiled=(),
        seconds={},
        slowest={},
        from_cache=(),
        sent=0,
    )

    assert "added           1: a\\nsent  9" in explanation_text(told).splitlines()


def test_changes_are_found_by_content() -> None:
    before = {"same": "1", "other": "1", "gone": "1"}

    assert find_changes(None, before) is None
    assert find_changes(before, before) == Changes()
    assert find_changes(before, {"same": "1", "other": "2", "new": "1"}) == Changes(
        added=("new",), changed=("other",), removed=("gone",)
    )
