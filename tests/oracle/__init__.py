"""Order books the slow and obvious way, to hold the scanner against.

Recorded bytes become books with ``json``, ``Decimal`` and ``dict``, each venue's sequence rule and
checksum verified from the raw text. Nothing here imports the scanner, or is imported by it.
"""
