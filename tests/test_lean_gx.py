"""What Great Expectations would import at each start and no check needs is left out, and there where it is used."""

from __future__ import annotations

import json
import subprocess
import sys

IMPORTED = """
import json, sys
import pipelines.examine
files = [name for name, module in sys.modules.items() if hasattr(module, "__file__")]
import scipy.stats
print(json.dumps([files, scipy.stats.norm.mean()]))
"""


def test_what_no_check_needs_is_not_imported() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, timeout=120, check=True)
    files, mean = json.loads(ran.stdout)
    assert "great_expectations.datasource.fluent.sql_datasource" in files
    assert not [one for one in files if "fluent.data_asset.path" in one or "fluent.spark" in one]
    assert not {"scipy.stats", "altair", "psycopg"} & set(files)
    assert mean == 0
