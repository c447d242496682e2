"""The gateway's tests stand on its own environment; elsewhere nothing here is collected.

tests/real/test_gateway_suite.py runs them from the desk's suite.
"""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("solders") else ["*"]

if importlib.util.find_spec("solders"):
    from tests.gateway.stage import node, server, stage, trader  # noqa: F401
