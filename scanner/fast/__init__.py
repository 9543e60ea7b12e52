"""The fast lane: from the bytes of a message to book and scan in one compiled call.

It takes the messages that make up nearly all traffic: data of a known market, next in its sequence,
with nothing odd about it. Anything else it declines, with nothing changed, and the reference lane
(``scanner.pipeline``, the protocol object) decides. So it can only agree or decline. What it has to
know stands in ``scanner.venues.wire`` (how a venue's messages look), ``scanner.venues.cells`` (how
far a stream has come) and ``scanner.counts``.
"""
