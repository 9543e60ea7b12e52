"""The gates that an alert names, for the tests of what has to pass them."""

from __future__ import annotations

import re

from scanner.engine.gates import Gate
from scanner.events import Opportunity
from scanner.sinks.alerts.passed import passed


def gates(found: Opportunity) -> set[Gate]:
    """None where it names none."""
    told = " ".join(passed(found))
    listed = re.sub(r"\([^)]*\)", "", told).removeprefix("passed ")
    return {Gate(gate.strip()) for gate in re.split(",| and ", listed) if gate.strip()}
