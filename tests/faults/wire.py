"""Where ids and levels stand in what venues send."""

from __future__ import annotations

import re

IDS = re.compile(
    rb'"(u|U|lastUpdateId|id|seqId|prevSeqId|seq|pseq|sequence|sequenceStart|sequenceEnd'
    rb'|sequence_num)":("?)(\d+)'
)
LEVELS = (
    re.compile(rb'\["(?P<price>\d[\d.]*)","(?P<size>\d[\d.]*)"(,"\d+")*\]'),
    re.compile(rb'\{"price":(?P<price>\d[\d.]*),"qty":(?P<size>\d[\d.]*)\}'),
    re.compile(
        rb'\{"side":"\w+","event_time":"[^"]*","price_level":"(?P<price>[\d.]+)"'
        rb',"new_quantity":"(?P<size>[\d.]+)"\}'
    ),
    re.compile(rb'"[ba]":"(?P<price>\d[\d.]*)","[BA]":"(?P<size>\d[\d.]*)"'),
)


def put(found: re.Match[bytes], group: str, text: bytes) -> bytes:
    """What was found, with ``text`` where a group of it stood."""
    start, end = found.start(group) - found.start(), found.end(group) - found.start()
    return found[0][:start] + text + found[0][end:]
