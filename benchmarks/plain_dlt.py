"""Plain dlt: its rest_api source as its documentation shows it, merged by key; no counts, every row written anew."""

from __future__ import annotations

import argparse

import dlt
import requests
from dlt.sources.helpers.rest_client.paginators import PageNumberPaginator
from dlt.sources.rest_api import rest_api_source

from pipelines.dlt_postgres import destination
from pipelines.settings import target

DATASET = "plain"


def main() -> None:
    """Load every product into the table `products` of the schema DATASET."""
    parser = argparse.ArgumentParser()
    parser.add_argument("place")
    parser.add_argument("--kept", required=True, help="dlt's working directory")
    for name in ("base_url", "dispensary_id", "client_id", "api_key"):
        parser.add_argument(f"--{name}", required=True)
    given = parser.parse_args()
    shop = f"{given.base_url}/v2.0/dispensary/{given.dispensary_id}"
    form = {"client_id": given.client_id, "apikey": given.api_key}
    answer = requests.post(f"{shop}/config/api/gettokens", data=form, timeout=60)
    answer.raise_for_status()
    headers = {"authorization": answer.json()["access_token"], "client_id": given.client_id}
    pages = PageNumberPaginator(base_page=1, page_param="page", total_path=None)
    source = rest_api_source(
        {
            "client": {"base_url": shop, "headers": headers, "paginator": pages},
            "resources": [
                {
                    "name": "products",
                    "primary_key": "product_id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "product/product_list",
                        "params": {"active": "ALL"},
                        "data_selector": "data.product_list",
                    },
                }
            ],
        }
    )
    where = target(given.place)
    # On Postgres the connection alone is ours: dlt's own URL has no place for a socket.
    into = destination(where) if where.path is None else dlt.destinations.duckdb(str(where.path))
    dlt.pipeline("plain", pipelines_dir=given.kept, destination=into, dataset_name=DATASET).run(source)


if __name__ == "__main__":
    main()
