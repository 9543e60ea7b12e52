"""The lines of the selected row that say how what it trades comes to where it is needed."""

from __future__ import annotations

from scanner.moving import NOT_NEEDED, OPEN, Move, Prefunded, Transfer
from scanner.sinks.terminal import figures
from scanner.sinks.terminal.ink import Line, Pen
from scanner.sinks.terminal.palette import Palette
from scanner.view.frame import Detail


def lines(detail: Detail, palette: Palette, width: int) -> list[Line]:
    """What a transfer after the trade would leave, then what inventory on both venues costs."""
    told = []
    if detail.transfer is not None:
        style = palette.dim if detail.transfer.state == OPEN else palette.warn
        told += [(text, style) for text in _transfer(detail.transfer)]
    if detail.prefunded is not None:
        told.append((_prefunded(detail.prefunded), palette.dim))
    return [Pen().cell(f" {text}", width, style).line for text, style in told]


def _transfer(transfer: Transfer) -> list[str]:
    if transfer.state == NOT_NEEDED:
        return [f"nothing has to be moved: {transfer.reason}"]
    if transfer.state != OPEN:
        return [f"wallets {transfer.state}: {transfer.reason}"]
    time = "" if transfer.minutes is None else f", {transfer.minutes:.0f} min"
    moves = len(transfer.moves)
    many = f"in {moves} move{'s' * (moves > 1)}" if moves else f"by {transfer.network}"
    way = f"{many}{time}"
    each = [_move(move) for move in transfer.moves]
    if transfer.net_bps is None:
        return [f"{way}: {transfer.reason}" if transfer.reason else way, *each]
    risk = "?" if transfer.risk_bps is None else f"{transfer.risk_bps:,.1f}"
    found = [f"{way}: net {figures.bps(transfer.net_bps)} ± {risk} bps", *each]
    if transfer.min_size is not None and transfer.max_size is not None:
        sizes = f"{figures.amount(transfer.min_size)} to {figures.amount(transfer.max_size)}"
        found.append(f"pays from {sizes}")
    return found


def _move(move: Move) -> str:
    fee = "?" if move.fee is None else f"{move.fee:,.8g}"
    return f"  {move.currency} {move.source} → {move.target} by {move.network}, fee {fee}"


def _prefunded(told: Prefunded) -> str:
    if told.net_bps is None:
        why = f": {told.reason}" if told.moves else ""
        state = told.state if told.moves else "unknown"
        return f"by inventory: cost of refilling {state}{why}"
    return f"by inventory: net {figures.bps(told.net_bps)} bps"
