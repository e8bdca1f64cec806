"""The table of faults: complete, documented by number, understood or refused in one line, and counted exactly."""

from __future__ import annotations

import pytest
import requests

from pipelines.errors import ConfigurationError
from pipelines.sandbox.faults import FAULTS, NOT_HERE
from pipelines.sandbox.instead import INSTEAD
from pipelines.sandbox.mangled import MANGLED
from pipelines.sandbox.poison import POISON
from pipelines.sandbox.server import Sandbox, parse_fault
from tests.sandbox import test_faults_answers, test_faults_paging, test_faults_records
from tests.sandbox.client import ids
from tests.sandbox.conftest import Open


def test_every_fault_of_the_table_is_tried() -> None:
    tried = {
        text.partition(":")[0]
        for module in (test_faults_answers, test_faults_paging, test_faults_records)
        for text in module.SEEN
    }
    assert tried | {"twin", "invalid-utf8"} == set(FAULTS)
    assert {*INSTEAD, *MANGLED, *POISON} <= set(FAULTS)


def test_every_number_up_to_the_images_is_there_or_said_not_to_be() -> None:
    numbered = {number for kind in FAULTS.values() for number in kind.numbers}
    assert numbered | set(NOT_HERE) == set(range(1, 78))
    assert not numbered & set(NOT_HERE)


def test_a_fault_of_one_page_leaves_the_others_and_the_token_alone(open_shop: Open) -> None:
    shop, client = open_shop("http-500:page=2")
    assert [client.page(page).status_code for page in (1, 2, 3)] == [200, 500, 200]
    assert client.session.get(f"{client.v2}/product/{ids(shop.products)[0]}", headers=client.headers).ok


def test_a_fault_heals_after_so_many_times_and_can_be_set_anew(open_shop: Open) -> None:
    shop, client = open_shop("html:times=2,page=1", "http-503:times=1,at=token")
    assert [client.token().status_code for _ in range(2)] == [503, 200]
    assert ["<html>" in client.page(1).text for _ in range(4)] == [True, True, False, False]
    shop.set_faults(("down",))
    with pytest.raises(requests.ConnectionError):
        client.page(1)
    shop.set_faults(())
    assert client.page(1).ok


def test_a_fault_that_will_heal_moves_no_product(open_shop: Open) -> None:
    shop, client = open_shop("bad-records:count=1,times=1", "duplicate:times=1")
    assert len(client.all(active="ALL")) == 122
    assert client.all(active="ALL") == shop.products


def test_an_unknown_fault_names_the_known_ones() -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_fault("explode")
    assert "'explode'" in str(refused.value)
    assert all(name in str(refused.value) for name in FAULTS)
    with pytest.raises(ConfigurationError, match="Unknown fault"):
        Sandbox(products=1, faults=("explode",))


@pytest.mark.parametrize(
    "text",
    ["html:colour=red", "html:page", "html:page=0", "html:times=often", "html:at=moon", "repeat-page:page=1",
     "slow:ms=-1", "wrapped:as=gift", "short-page:count=", "html:every=0", "html:after=-1", "nan:as=zero"],
)  # fmt: skip
def test_wrong_arguments_of_a_fault_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        parse_fault(text)
    assert text.partition(":")[0] in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_fault_comes_at_a_rate_and_after_a_while(open_shop: Open) -> None:
    _, client = open_shop("http-500:every=3", "http-503:after=4,times=1")
    assert [client.page(1).status_code for _ in range(9)] == [200, 200, 500, 200, 200, 500, 503, 200, 500]


def test_a_fault_may_concern_one_kind_of_list_only(open_shop: Open) -> None:
    shop, client = open_shop("http-500:at=lookup", "http-503:at=updated")
    assert client.page(1).ok and client.bearer().ok
    assert client.page(1, id=ids(shop.products)[0]).status_code == 500
    assert client.updated("2026-01-01T00:00:00.000-08:00").status_code == 503


def test_what_is_set_can_be_set_again_as_it_is_told(open_shop: Open) -> None:
    _, client = open_shop("html:times=1,page=1", "nan")
    assert client.admin().json()["faults"] == ["html:times=1,page=1", "nan"]
    client.page(1)
    assert client.admin().json()["faults"] == ["nan"]
