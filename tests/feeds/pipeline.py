"""The real path behind a feed, and the lab's truth beside it."""

from random import Random

from scanner.engine.bounds import Bounds
from scanner.engine.ids import Ids
from scanner.engine.tracker import Thresholds
from scanner.lab.server import LabServer
from scanner.pipeline import Pipeline
from scanner.types import Market
from scanner.venues.parts import SECOND


def pipeline_of() -> Pipeline:
    """A pipeline that emits to nobody."""
    return Pipeline(
        thresholds=Thresholds(
            min_net_bps=1.0, min_profit=0.0, close_ratio=0.5, update_interval=SECOND
        ),
        bounds=Bounds(max_age=10 * SECOND, max_skew=10 * SECOND),
        ids=Ids(Random(1).getrandbits),
        emit=lambda event: None,
    )


def market_of(lab: LabServer, venue: str, symbol: str, stream_id: str = "") -> Market:
    """One of the lab's markets, as the scanner knows it."""
    assert lab.world is not None
    listed = lab.world.book(venue, symbol).market
    return Market(
        venue=venue,
        id=stream_id or listed.id,
        symbol=symbol,
        base=listed.base,
        quote=listed.quote,
        price_tick=float(listed.tick),
        lot=float(listed.lot),
        taker_fee=float(listed.taker),
    )


def book_of(pipeline: Pipeline, market: Market) -> int | None:
    """The number of its book, if there is one yet."""
    return pipeline._books.get((market.venue, market.is_contract, market.id))


def same_book(
    pipeline: Pipeline, lab: LabServer, market: Market, levels: int = 10, shown_by: str = ""
) -> bool:
    """Whether our best levels are the venue's (or those of ``shown_by``), value by value."""
    assert lab.world is not None
    book = book_of(pipeline, market)
    assert book is not None
    truth = lab.world.book(shown_by or market.venue, market.symbol)
    return all(
        pipeline.store.shown(book, side, levels)
        == [(float(price), float(size)) for price, size in truth.levels(side, levels)]
        for side in (0, 1)
    )
