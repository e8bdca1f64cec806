"""`guidelight logs show`: a run explained, in words and as JSON."""

from __future__ import annotations

import pytest

from tests.shop import PRODUCTS, Shop


def test_a_partial_sync_explained(stocked: Shop) -> None:
    dearer, odd, bad, other = stocked.active(4)
    dearer["pricing"] = {"price_type": "FLAT", "price_sell": 77.5}
    odd["pricing"] = {"price_type": "FLAT", "price_sell": -1}
    odd["category_type"] = "SOUVENIRS"
    for record in (bad, other):
        record["product_configurable_fields"]["name"] = None
        record["e_commerce"] = None
    stocked.serve()
    synced = stocked.sync()
    assert synced.row["status"] == "partial"
    shown = stocked.command("logs", "show", "--json").json
    assert shown["id"] == synced.result["sync_log_id"] and shown["summary"] == synced.summary
    fields = shown["changed_fields"]
    assert (fields["price_retail"], fields["source_data"]) == (2, 2)
    assert list(fields.values()) == sorted(fields.values(), reverse=True)
    (reason,) = shown["rejected"]
    assert "name" in reason["reason"] and reason["records"] == 2
    assert reason["source_id"] in (bad["product_id"], other["product_id"])
    assert shown["repeat"] == f"guidelight sync --integration {stocked.integration}"
    assert (shown["integration_name"], shown["source"]) == ("Treez - Main Store", "treez")
    said = stocked.command("logs", "show", str(shown["id"])[:8]).stdout
    assert f"receipt: {PRODUCTS} records fetched = 0 products created + 2 updated" in said
    assert "price_retail 2" in said and shown["repeat"] in said and "passed, failed: " in said
    assert f"guidelight staging rejected --sync {str(shown['id'])[:8]}" in said
    assert f"guidelight verify --sync {str(shown['id'])[:8]}" in said
    lines = said.splitlines()
    first_warning = next(number for number, line in enumerate(lines) if line.startswith("warning: "))
    assert max(number for number, line in enumerate(lines) if line.startswith("error: ")) < first_warning


def test_a_guard_that_held_back_and_a_sync_that_failed(stocked: Shop) -> None:
    stocked.remove(stocked.active(20))
    assert stocked.sync().status == 3
    held = stocked.command("logs", "show").stdout
    assert "held back: 20 products" in held and f"{stocked.integration} --allow-mass-deactivation" in held
    stocked.sandbox.set_faults(["key-refused"])
    assert stocked.sync().status == 1
    failed = stocked.command("logs", "show")
    assert failed.status == 0 and "nothing was published" in failed.stdout and "error: " in failed.stdout
    assert "guidelight verify" not in failed.stdout
    shown = stocked.command("logs", "show", "--json").json
    assert shown["changed_fields"] == {} and shown["rejected"] == []


@pytest.mark.alternating
def test_how_to_repeat_a_sync_of_one_product(stocked: Shop) -> None:
    identity = stocked.active(1)[0]["product_id"]
    assert stocked.sync("--product", identity).status == 0
    shown = stocked.command("logs", "show", "--json").json
    assert shown["repeat"] == f"guidelight sync --integration {stocked.integration} --product {identity}"
    again = stocked.command(*shown["repeat"].split()[1:])
    assert again.status == 0, again.stderr


@pytest.mark.alternating
def test_rejected_records_that_staging_no_longer_keeps(stocked: Shop) -> None:
    record = stocked.active(1)[0]
    record["product_configurable_fields"]["name"] = None
    record["e_commerce"] = None
    stocked.serve()
    assert stocked.sync().status == 3
    stocked.execute("delete from staging_treez.rejected_records")
    said = stocked.command("logs", "show").stdout
    assert "rejected: 1 records, which staging no longer keeps" in said
    assert stocked.command("logs", "show", "--json").json["rejected"] == []
