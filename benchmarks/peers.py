"""The others that are measured: plain dlt, from the same API; sling, from the same records as a file."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.contenders import environment, measured
from benchmarks.floor import Api, products
from benchmarks.measured import Measured
from benchmarks.process import run
from benchmarks.shop import Shop
from benchmarks.written import Table
from pipelines.settings import ROOT

SLING = "sling-linux-amd64==1.4.11"
"""The newest that brings its program along; later ones download it from a code-hosting site when they first run."""


class PlainDlt:
    """dlt as its documentation shows it (plain_dlt.py)."""

    name = "plain dlt"
    table = Table("plain.products", version="_dlt_load_id", sale_price="pricing__discounted_price")

    def __init__(self, home: Path) -> None:
        self._env = environment(home) | {"RUNTIME__DLTHUB_TELEMETRY": "false"}
        self._home = home
        self._prepared, self._kept = "", ""

    def refuses(self, engine: str) -> str | None:
        return None

    def prepare(self, place: str, shop: Shop) -> None:
        """A working directory of its own for each database."""
        if self._prepared != place:
            self._prepared, self._kept = place, tempfile.mkdtemp(dir=self._home, prefix="dlt-")

    def sync(self, place: str, shop: Shop) -> Measured:
        known = [f"--{name}={value}" for name, value in shop.known.items()]
        words = [sys.executable, "-m", "benchmarks.plain_dlt", place, "--kept", self._kept, *known]
        return measured(run(words, self._env), None, None)

    def close(self) -> None:
        """Nothing is left."""


class Sling:
    """sling, by primary key; its file is written before each sync."""

    name = "sling, from a file"
    table = Table("products", version="", sale_price="pricing ->> 'discounted_price'")

    def __init__(self, home: Path) -> None:
        self._env = environment(home) | {"SLING_DISABLE_TELEMETRY": "true"}
        self._file = home / "products.jsonl"
        self._program = ROOT / "build" / "bench" / SLING / "sling_linux_amd64" / "bin" / "sling-linux-amd64"
        self._missing = self._installed()

    def _installed(self) -> str | None:
        """Install it beside our environment, where it is not there; why that can't be, or None."""
        if self._program.exists():
            return None
        into = ["--target", str(ROOT / "build" / "bench" / SLING)]
        words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", *into, SLING]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else f"{SLING} can't be installed: {done.stderr.strip()[-200:]}"

    def refuses(self, engine: str) -> str | None:
        return "it loads DuckDB by a program that it downloads" if engine == "duckdb" else self._missing

    def prepare(self, place: str, shop: Shop) -> None:
        """Write what the API has, as its own records, a line each."""
        known = shop.known
        api = Api(shop.base_url, known["dispensary_id"], known["client_id"], known["api_key"], shop.case.rate)
        with self._file.open("w") as file:
            for page in products(api):
                file.writelines(f"{content}\n" for _, _, content in page)

    def sync(self, place: str, shop: Shop) -> Measured:
        source = ["--src-stream", f"file://{self._file}", "--src-options", '{"flatten": 1}']
        into = ["--tgt-conn", "BENCH", "--tgt-object", "public.products", "--mode", "incremental"]
        words = [str(self._program), "run", *source, *into, "--primary-key", "product_id"]
        return measured(run(words, self._env | {"BENCH": place}), None, None)

    def close(self) -> None:
        """Nothing is left."""
