"""A sample through every rule and channel: whether an alert would arrive, tried for real."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from queue import Empty, SimpleQueue
from time import monotonic

from msgspec import Struct
from msgspec.structs import replace

from scanner.configuration.alerts import BELL, TERMINAL, AlertRule, AlertSettings
from scanner.configuration.hours import within
from scanner.events import Leg, Opportunity, Peg
from scanner.hedge_events import HedgedCoin, HedgedShort, HedgeState
from scanner.redact import Redactor, credentials
from scanner.sinks.alerts import text
from scanner.sinks.alerts.channel import Outcome
from scanner.sinks.alerts.courier import Courier
from scanner.sinks.alerts.desk import GRACE, Job
from scanner.sinks.alerts.hedges import HedgeWatcher
from scanner.sinks.alerts.lost import Depeg, Strayed
from scanner.sinks.alerts.pegs import PegWatcher
from scanner.sinks.alerts.rules import SECOND, Hit, Rules, Watcher, one_of
from scanner.sinks.alerts.wire import Answer

SAMPLE_ID = "00000000-0000-7000-8000-000000000000"
PRICE = 100.0
FEE = 0.001
# What stands for wildcards.
BASES = ("BTC", "ETH", "SOL")
QUOTES = ("USDT", "USDC", "USD", "EUR", "BTC")
PAIRS = ("USDC/USDT", "USDT/USD", "USDC/USD", "DAI/USDT", "DAI/USDC", "EURC/EUR")
CONTRACTS = tuple(f"{base}/USDT:USDT" for base in BASES)
KINDS = (
    "spot-spot",
    "cross-quote",
    "spot-perp",
    "perp-perp",
    "spot-future",
    "multi",
    "loop",
    "parity",
)


class Trial(Struct, frozen=True, kw_only=True):
    """What came of the sample on one channel of one rule; ``error`` is empty if it went well.
    ``note``: what would keep a real alert from it now, or would keep it from every alert."""

    rule: str
    channel: str
    text: str
    error: str
    note: str = ""


def sample(rule: AlertRule, venues: tuple[str, ...], at: int) -> Opportunity:
    """An opportunity that meets the rule, as far as one can be made up for its patterns."""
    symbols = [f"{base}/{quote}" for quote, base in product(QUOTES, BASES) if base != quote]
    symbol = _fitting((rule.symbols,), symbols)
    buy = _fitting((rule.buy, rule.venues), venues)
    sell = _fitting((rule.sell, rule.venues), venues, buy)
    size = max(1.0, 2 * rule.min_size, 2 * rule.min_notional / PRICE)
    net_bps = max(10.0, 1.25 * rule.min_net_bps, 1.25e4 * rule.min_profit / (size * PRICE))
    profit = size * PRICE * net_bps / 1e4
    opened_at = at - int((rule.min_duration_s + 1) * SECOND)
    return Opportunity(
        event="updated",
        id=SAMPLE_ID,
        kind=_fitting((rule.kinds,), KINDS),
        symbol=symbol,
        at=at,
        buy=_leg(buy, symbol, PRICE, size),
        sell=_leg(sell, symbol, PRICE * (1 + net_bps / 1e4 + 2 * FEE), size),
        size=size,
        gross_bps=net_bps + 2e4 * FEE,
        net_bps=net_bps,
        net_profit=profit,
        currency=symbol.partition("/")[2] or "USDT",
        opened_at=opened_at,
        peak_net_bps=net_bps,
        peak_net_profit=profit,
    )


def lost(rule: AlertRule, venues: tuple[str, ...], at: int) -> Depeg:
    """A lost peg that meets the rule, likewise."""
    bps = -1.25 * rule.depeg_bps
    peg = Peg(
        at=at,
        venue=_fitting((rule.venues, rule.buy, rule.sell), venues),
        symbol=_fitting((rule.symbols,), PAIRS),
        bps=bps,
        bid_bps=bps - 1,
        ask_bps=bps + 1,
        size=10_000.0,
    )
    return Depeg(peg=peg, since=at - int((rule.min_duration_s + 1) * SECOND))


def astray(rule: AlertRule, venues: tuple[str, ...], at: int) -> Strayed:
    """A hedge that meets the rule, likewise."""
    since = at - int((rule.min_duration_s + 1) * SECOND)
    if rule.drift_pct:
        part = 1.25 * rule.drift_pct / 100
        coin = HedgedCoin(
            coin=_fitting((rule.symbols,), BASES),
            quote="USDT",
            amount=1.0,
            hedged=1 - part,
            delta=part,
            drift_pct=100 * part,
            spot_value=PRICE,
            contracts_value=PRICE * (1 - part),
        )
        return Strayed(coin=coin, since=since)
    away = rule.margin_pct / 2
    symbol = _fitting((rule.symbols,), CONTRACTS)
    short = HedgedShort(
        venue=_fitting((rule.venues, rule.buy, rule.sell), venues),
        symbol=symbol,
        quote="USDT",
        entry=PRICE,
        coins=1.0,
        price=PRICE,
        value=PRICE,
        profit=0.0,
        rate=-0.0001,
        liquidation_price=PRICE * (1 + away / 100) if rule.margin_pct else None,
        distance_pct=away if rule.margin_pct else None,
    )
    held = symbol.partition("/")[0]
    coin = HedgedCoin(coin=held, quote="USDT", amount=1.0, hedged=1.0, shorts=(short,))
    return Strayed(coin=coin, short=short, margin=bool(rule.margin_pct), since=since)


def trials(
    settings: AlertSettings,
    *,
    venues: tuple[str, ...],
    show: Callable[[Job], object],
    ring: Callable[[Job], object],
    at: int,
) -> Iterator[Trial]:
    """Send a sample through every rule in force, and tell what came of it as it comes."""
    answers: SimpleQueue[Answer] = SimpleQueue()
    courier = Courier(answers.put)
    redact = Redactor()
    urls = {name: url.get_secret_value() for name, url in settings.channels.items()}
    for url in urls.values():
        redact.learn((url, *credentials(url)))
    waiting: dict[str, Trial] = {}
    try:
        courier.use(urls, settings.timeout_s)
        for trial in _samples(settings, venues, at):
            job = _job(trial, str(len(waiting)), at)
            if trial.channel in (TERMINAL, BELL):
                (show if trial.channel == TERMINAL else ring)(job)
                yield trial
            else:
                waiting[job.id] = trial
                courier.send(job)
        ends = monotonic() + 2 * settings.timeout_s + GRACE
        for answer in _answers(answers, ends, waiting):
            error = "" if answer.outcome is Outcome.SENT else redact(answer.error)
            yield replace(waiting.pop(answer.id), error=error)
        for trial in waiting.values():
            yield replace(trial, error=f"no answer within {settings.timeout_s:g} s")
    finally:
        courier.close()


def _samples(settings: AlertSettings, venues: tuple[str, ...], at: int) -> Iterator[Trial]:
    rules = Rules(settings)
    for name, rule in settings.enabled:
        found: Opportunity | Depeg | Strayed
        if rule.depeg_bps:
            found = lost(rule, venues, at)
            watcher = PegWatcher(settings)
            hits = watcher.take(replace(found.peg, at=found.since)) + watcher.take(found.peg)
            fits = any(hit.rule == name for hit in hits)
        elif rule.of_hedges:
            found = astray(rule, venues, at)
            states = [HedgeState(at=then, coins=(found.coin,)) for then in (found.since, at)]
            hedges = HedgeWatcher(settings)
            fits = any(hit.rule == name for state in states for hit in hedges.take(state))
        else:
            found = sample(rule, venues, at)
            fits = any(hit.rule == name for hit in Watcher(rules).take(found))
        told = "TEST " + text.of_hit(Hit(name, found, at))
        for channel in settings.targets(rule):
            note = "" if fits else "no sample fits its patterns: can anything?"
            hours = settings.hours + rule.hours
            if fits and channel != TERMINAL and within(hours, settings.zone, at):
                note = "a real one would be held back: quiet hours"
            yield Trial(rule=name, channel=channel, text=told, error="", note=note)


def _answers(
    answers: SimpleQueue[Answer], ends: float, waiting: dict[str, Trial]
) -> Iterator[Answer]:
    while waiting:
        try:
            answer = answers.get(timeout=max(0.0, ends - monotonic()))
        except Empty:
            return
        if answer.id in waiting:
            yield answer


def _job(trial: Trial, number: str, at: int) -> Job:
    return Job(id=f"test-{number}", rule=trial.rule, channel=trial.channel, at=at, text=trial.text)


def _leg(venue: str, symbol: str, price: float, size: float) -> Leg:
    return Leg(venue=venue, symbol=symbol, levels=((price, size),), fee_rate=FEE, age_ms=20.0)


def _fitting(wanted: Sequence[tuple[str, ...]], names: Iterable[str], but: str = "") -> str:
    """The first of the names that fits all of them; else one made of a pattern, which may not."""
    tests = [one_of(patterns) for patterns in wanted]
    made = (text for patterns in wanted for pattern in patterns for text in _made(pattern))
    candidates = [name for name in (*names, *made) if name != but] or ["another"]
    return next((name for name in candidates if all(fits(name) for fits in tests)), candidates[0])


def _made(pattern: str) -> Iterator[str]:
    """Names that a pattern fits, or may fit."""
    plain = re.sub(r"\[!?(.)[^]]*\]|\?", lambda match: match[1] or "X", pattern.lstrip("!"))
    for base, quote in product(BASES, QUOTES):
        first, slash, last = plain.partition("/")
        yield (
            (base if first == "*" else first.replace("*", ""))
            + slash
            + (quote if last == "*" else last.replace("*", ""))
        )
