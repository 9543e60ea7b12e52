"""One exchange out of ccxt, in a process that asks nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import ccxt

from scanner.metadata.one_exchange import read_only_what_is_named

ROOT = Path(__file__).parents[2]
ASKED = """
import json, sys
from scanner.metadata.one_exchange import read_only_what_is_named
read_only_what_is_named()
import ccxt

def read():
    return sorted(name for name in sys.modules if name.count(".") == 1 and name[:5] == "ccxt.")

exchange = ccxt.binanceusdm()
few = read()
assert ccxt.binanceusdm is ccxt.binanceusdm is type(exchange)
try:
    ccxt.nosuch
except AttributeError as error:
    told = str(error)
read_only_what_is_named()
same = ccxt.binanceusdm is type(exchange) and ccxt.binance in type(exchange).__mro__
print(json.dumps([exchange.id, few, told, same, ccxt.__version__, len(read())]))
"""


def test_only_what_is_named_is_read_and_all_of_it_where_that_is_not_enough() -> None:
    done = subprocess.run(
        (sys.executable, "-c", ASKED), capture_output=True, text=True, cwd=ROOT, check=True
    )
    name, few, told, same, version, all_of_it = json.loads(done.stdout)
    assert name == "binanceusdm"
    assert {"ccxt.binance", "ccxt.binanceusdm"} < set(few) and len(few) < 10
    assert told == "module 'ccxt' has no attribute 'nosuch'"
    assert same
    assert version == ccxt.__version__
    assert all_of_it > 100


def test_where_it_is_read_already_nothing_changes() -> None:
    read_only_what_is_named()
    assert sys.modules["ccxt"] is ccxt
    assert "__getattr__" not in vars(ccxt)
