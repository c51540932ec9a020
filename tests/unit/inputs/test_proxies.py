from __future__ import annotations

import pytest

from rustdocker_tasks.inputs.proxies import Proxies, find_proxies


def test_each_is_passed_in_both_cases() -> None:
    found = find_proxies({"HTTPS_PROXY": "http://u:p@proxy:3128", "no_proxy": ".corp", "HOME": "/root"})

    address = "http://u:p@proxy:3128"
    assert found.variables == {
        "https_proxy": address,
        "HTTPS_PROXY": address,
        "no_proxy": ".corp",
        "NO_PROXY": ".corp",
    }
    assert found.secret().splitlines()[0] == "https_proxy=http://u:p@proxy:3128"


def test_of_two_cases_the_lower_one_counts() -> None:
    assert find_proxies({"http_proxy": "http://a", "HTTP_PROXY": "http://b"}).variables["HTTP_PROXY"] == "http://a"


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:3128",
        "localhost:3128",
        "http://u:p@[::1]:1",
        "127.1:1",
        "0.0.0.0:1",
        "localhost.:1",
        "[::ffff:127.0.0.1]:1",
    ],
)
def test_one_of_this_very_machine_is_told_and_not_passed(address: str) -> None:
    found = find_proxies({"HTTP_PROXY": address, "HTTPS_PROXY": "proxy:1", "NO_PROXY": "x"})

    assert found.unreachable == ("http_proxy",)
    assert set(found.variables) == {"https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"}


@pytest.mark.parametrize(
    "environment",
    [{}, {"NO_PROXY": "*"}, {"HTTP_PROXY": ""}, {"HTTP_PROXY": "http://a\nX=1"}, {"http_proxy": " "}],
)
def test_without_a_proxy_there_is_nothing_to_pass(environment: dict[str, str]) -> None:
    assert find_proxies(environment) == Proxies(variables={}, unreachable=())
