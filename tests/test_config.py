"""Configurations that are taken, and what is said of those that are not."""

from __future__ import annotations

import json
import re
from pathlib import Path
from warnings import catch_warnings, simplefilter

import pytest
from pydantic import ValidationError

from scanner.config import Config, Feed, VenueConfig, builtin, load, starter, validated
from scanner.configuration.located import parse
from scanner.errors import ConfigError
from scanner.types import Depth
from scanner.venues.registry import VENUES

ROOT = Path(__file__).parents[1]


SECRET = "postgresql://me:correct-horse@db/spreads"
ENVIRONMENT = {"DB_URL": SECRET, "HOOK": "json://127.0.0.1:9000/k3y-of-mine", "EMPTY": ""}


def config(text: str) -> Config:
    return validated(parse(text, "c.yaml"), ENVIRONMENT)


def complaint(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        config(text)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_the_shipped_configuration_scans_native_venues() -> None:
    shipped = load(ROOT / "config.yaml")
    assert len(shipped.enabled) >= 8 and set(shipped.enabled) <= set(VENUES)
    assert {venue.feed for venue in shipped.enabled.values()} == {Feed.NATIVE}


def test_the_built_in_configuration_and_the_starter_are_the_shipped_one() -> None:
    assert starter() == (ROOT / "config.yaml").read_text()
    assert builtin() == load(ROOT / "config.yaml")


def test_the_shipped_configuration_stays_valid_with_all_that_is_commented_out() -> None:
    text = re.sub(r"^( *)#(?=\S| {2,}\S)", r"\1", starter(), flags=re.M)
    full = validated(parse(text, "c.yaml"), {"TELEGRAM_URL": "tgram://123456789:abc/42"})
    assert full.venues["binance"].taker_fee == 0.001
    assert full.venues["binance"].endpoints.rest == "https://host"
    assert full.cache_dir == Path.home() / ".cache" / "crossbook"
    assert full.alerts.targets(full.alerts.rules["big"]) == ("terminal", "bell", "phone")
    assert full.database.location == "~/spreads.db"


def test_a_bare_venue_takes_every_default() -> None:
    assert config("venues: {okx: }").venues["okx"] == VenueConfig(feed=Feed.NATIVE)


def test_a_section_whose_keys_are_all_commented_out_takes_every_default() -> None:
    assert config("venues: {okx: }\nlimits:\n  # max_age_ms: 5\n").limits.max_age_ms == 3000


def test_a_venue_without_a_native_protocol_is_streamed_by_ccxt() -> None:
    assert config("venues: {htx: }").venues["htx"].feed is Feed.CCXT


def test_a_native_venue_may_be_streamed_by_ccxt() -> None:
    assert config("venues: {okx: {feed: ccxt}}").venues["okx"].feed is Feed.CCXT


def test_every_value_arrives() -> None:
    full = config(
        """
        venues:
          gate:
            enabled: true
            feed: native
            depth: full
            taker_fee: 5e-4
            markets_per_connection: 7
            endpoints: {rest: "http://127.0.0.1:8000/gate/", ws: "ws://127.0.0.1:8000/gate"}
          bybit: {enabled: false}
        symbols: [BTC/USDT, 1INCH/EUR]
        quotes: [USDT]
        max_symbols: 3
        thresholds: {min_net_bps: -1, min_profit: 0.5, close_ratio: 1}
        limits: {max_age_ms: 10, max_skew_ms: 20, update_interval_ms: 0, suspect_bps: 0,
          quiet_after_ms: 700, quiet_requests_per_s: 0.5}
        alerts: {rules: {big: {min_net_bps: 20}}, channels: {hook: "json://h:1/x"}}
        database: {url: ~/spreads.db, retention_days: 30, max_size_mb: 100}
        cache_dir: /somewhere
        log_level: debug
        """
    )
    gate = full.venues["gate"]
    assert (gate.depth, gate.taker_fee, gate.markets_per_connection) == (Depth.FULL, 0.0005, 7)
    assert gate.endpoints.rest == "http://127.0.0.1:8000/gate"
    assert gate.endpoints.ws == "ws://127.0.0.1:8000/gate"
    assert list(full.enabled) == ["gate"]
    assert full.symbols == ("BTC/USDT", "1INCH/EUR")
    assert (full.quotes, full.max_symbols) == (("USDT",), 3)
    assert full.thresholds.model_dump() == {
        "min_net_bps": -1,
        "min_profit": 0.5,
        "close_ratio": 1,
    }
    assert full.limits.model_dump() == {
        "max_age_ms": 10,
        "max_skew_ms": 20,
        "quiet_after_ms": 700,
        "quiet_requests_per_s": 0.5,
        "update_interval_ms": 0,
        "unverified": False,
        "suspect_bps": 0,
        "structural_h": 4,
    }
    assert full.alerts.rules["big"].min_net_bps == 20
    assert full.alerts.channels["hook"].get_secret_value() == "json://h:1/x"
    assert full.database.location == "~/spreads.db"
    assert (full.database.retention_days, full.database.max_size_mb) == (30, 100)
    assert (full.cache_dir, full.log_level) == (Path("/somewhere"), "debug")


def test_it_is_frozen() -> None:
    with pytest.raises(ValidationError):
        config("venues: {okx: }").max_symbols = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "c.yaml: is empty; name venues under 'venues:'"),
        ("# nothing\n", "c.yaml: is empty; name venues under 'venues:'"),
        (
            "- okx",
            "c.yaml:1: must be a mapping of keys such as 'venues:';"
            " write each key with a colon and a space behind it, as in 'log_level: info'",
        ),
        ("max_symbols: 5", "c.yaml:1: venues: is missing; docs/configuration.md has an example"),
        ("venues:", "c.yaml:1: venues: is missing; docs/configuration.md has an example"),
        ("venues: {}", "c.yaml:1: venues: no venue is enabled; name at least two"),
        (
            "venues: {okx: {enabled: false}}",
            "c.yaml:1: venues: no venue is enabled; name at least two",
        ),
        (
            "venues: [okx]",
            "c.yaml:1: venues: must be a mapping of keys, not ['okx'];"
            " write each of them as 'name:' on a line of its own",
        ),
        ("venus:\n  okx:", "c.yaml:1: venus: unknown key; did you mean 'venues'?"),
        (
            "venues:\n  binanse:",
            "c.yaml:2: venues.binanse: is no venue that can be streamed; did you mean 'binance'?",
        ),
        (
            "venues:\n  qqqq:",
            "c.yaml:2: venues.qqqq: is no venue that can be streamed; 'crossbook venues' lists the"
            " native ones, ccxt's manual the others",
        ),
        (
            "venues:\n  okx: 5",
            "c.yaml:2: venues.okx: must be a mapping of keys, not 5;"
            " write each of them as 'key: value' on a line of its own",
        ),
        (
            "venues:\n  okx:\n    depht: top",
            "c.yaml:3: venues.okx.depht: unknown key; did you mean 'depth'?",
        ),
        (
            "venues:\n  okx:\n    endpoints:\n      http: x",
            "c.yaml:4: venues.okx.endpoints.http: unknown key; known here: rest, ws",
        ),
        (
            "venues:\n  okx: {depth: deep}",
            "c.yaml:2: venues.okx.depth: must be one of 'top' or 'full', not 'deep'",
        ),
        (
            "venues: {htx: {feed: native}}",
            "c.yaml:1: venues.htx.feed: no native protocol for it; say 'ccxt'",
        ),
        (
            "venues: {okx: {enabled: 1}}",
            "c.yaml:1: venues.okx.enabled: must be true or false, not 1",
        ),
        (
            "venues: {okx: {taker_fee: 0.1%}}",
            "c.yaml:1: venues.okx.taker_fee: must be a number, not '0.1%';"
            " for example 0.001, which is 0.1 %",
        ),
        (
            "venues: {okx: {taker_fee: 0.1}}",
            "c.yaml:1: venues.okx.taker_fee: must be at most 0.05, not 0.1;"
            " for example 0.001, which is 0.1 %",
        ),
        (
            "venues: {okx: {markets_per_connection: 0}}",
            "c.yaml:1: venues.okx.markets_per_connection: must be at least 1, not 0",
        ),
        (
            "venues: {okx: {endpoints: {rest: okx.example}}}",
            "c.yaml:1: venues.okx.endpoints.rest: must be a URL such as https://host:port/path",
        ),
        (
            "venues: {okx: {endpoints: {ws: http://okx.example}}}",
            "c.yaml:1: venues.okx.endpoints.ws: must be a URL such as wss://host:port/path",
        ),
        (
            "venues: {okx: {endpoints: {ws: 'ws://h:99999'}}}",
            "c.yaml:1: venues.okx.endpoints.ws: must be a URL such as wss://host:port/path",
        ),
        (
            "venues: {okx: {endpoints: {rest: 'https://key:secret@h'}}}",
            "c.yaml:1: venues.okx.endpoints.rest: must be a URL such as https://host:port/path",
        ),
        (
            "venues: {okx: }\nsymbols: all",
            "c.yaml:2: symbols: must be auto or a list such as [BTC/USDT, ETH/USDT]",
        ),
        (
            "venues: {okx: }\nsymbols: []",
            "c.yaml:2: symbols: must be auto or a list such as [BTC/USDT, ETH/USDT]",
        ),
        (
            "venues: {okx: }\nsymbols: [BTCUSDT]",
            "c.yaml:2: symbols: 'BTCUSDT' is no spot symbol; they look like BTC/USDT",
        ),
        (
            "venues: {okx: }\nsymbols: ['BTC/USDT:USDT']",
            "c.yaml:2: symbols: 'BTC/USDT:USDT' is no spot symbol; they look like BTC/USDT",
        ),
        (
            "venues: {okx: }\nsymbols: [A/B, A/B]",
            "c.yaml:2: symbols: 'A/B' is named twice",
        ),
        (
            "venues: {okx: }\nquotes: USDT",
            "c.yaml:2: quotes: must be a list, such as [a, b], not 'USDT'",
        ),
        ("venues: {okx: }\nquotes:\n  - 1", "c.yaml:3: quotes.0: must be text, not 1"),
        (
            "venues: {okx: }\nmax_symbols: 1.5",
            "c.yaml:2: max_symbols: must be a whole number, not 1.5",
        ),
        (
            "venues: {okx: }\nmax_symbols: yes",
            "c.yaml:2: max_symbols: must be a whole number, not True",
        ),
        (
            "venues: {okx: }\nthresholds:\n  min_net_bps: .nan",
            "c.yaml:3: thresholds.min_net_bps: must be a finite number, not nan",
        ),
        (
            "venues: {okx: }\nthresholds:\n  close_ratio: 2",
            "c.yaml:3: thresholds.close_ratio: must be at most 1.0, not 2",
        ),
        (
            "venues: {okx: }\nlimits: 3",
            "c.yaml:2: limits: must be a mapping of keys, not 3;"
            " write each of them as 'key: value' on a line of its own",
        ),
        (
            "venues: {okx: }\nlog_level: loud",
            "c.yaml:2: log_level: must be one of 'debug', 'info', 'warning' or 'error', not 'loud'",
        ),
        (
            "venues: {okx: }\ncache_dir: 5",
            "c.yaml:2: cache_dir: must be the path of a folder, not 5",
        ),
        (
            "venues: {okx: }\ndatabase: spreads.db",
            "c.yaml:2: database: must be a mapping of keys, not 'spreads.db';"
            " write each of them as 'key: value' on a line of its own",
        ),
        (
            "venues: {okx: }\ndatabase:\n  uri: spreads.db",
            "c.yaml:3: database.uri: unknown key; did you mean 'url'?",
        ),
        (
            "venues: {okx: }\ndatabase:\n  url: mysql://me:secret@host/name",
            "c.yaml:3: database.url: must be the path of a file, or a URL that begins with"
            " sqlite:/// or postgresql://; for example ~/spreads.db, or"
            " postgresql://user:${PASSWORD}@host/name",
        ),
        (
            "venues: {okx: }\ndatabase: {retention_days: -1}",
            "c.yaml:2: database.retention_days: must be at least 0, not -1",
        ),
        (
            "venues: {okx: }\ndatabase: {max_size_mb: 1GB}",
            "c.yaml:2: database.max_size_mb: must be a whole number, not '1GB'",
        ),
        (
            "venues: {okx: }\nalert: {}",
            "c.yaml:2: alert: unknown key; did you mean 'alerts'?",
        ),
        (
            "venues: {okx: }\nalerts:\n  rules:\n    big:\n      min_bps: 3",
            "c.yaml:5: alerts.rules.big.min_bps: unknown key; did you mean 'min_net_bps'?",
        ),
        (
            "venues: {okx: }\nalerts:\n  rules:\n    big: {to: [phon]}\n"
            "  channels: {phone: 'json://h/x'}",
            "c.yaml:4: alerts.rules.big.to.0: there is no channel 'phon'; did you mean 'phone'?",
        ),
        (
            "venues: {okx: }\nalerts:\n  channels:\n    phone: ${PHONE_URL}",
            "c.yaml:4: alerts.channels.phone: the environment variable 'PHONE_URL' is not set;"
            " set it before the start: export PHONE_URL=...",
        ),
        (
            "venues: {okx: }\ndatabase:\n  url: ${DB_URI}",
            "c.yaml:3: database.url: the environment variable 'DB_URI' is not set;"
            " did you mean 'DB_URL'?",
        ),
        (
            "venues: {okx: }\ndatabase: {url: '${EMPTY}'}",
            "c.yaml:2: database.url: the environment variable 'EMPTY' is empty;"
            " set it before the start: export EMPTY=...",
        ),
        (
            "venues: {okx: }\nquotes:\n  - USD\n  - ${1}",
            "c.yaml:4: quotes.1: '${' begins the name of an environment variable, as in ${NAME};"
            " write '$${' for a plain '${'",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_line_and_its_remedy(text: str, said: str) -> None:
    assert complaint(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "venues:\n\tokx:",
            "c.yaml:2: cannot be read as YAML: found character '\\t' that cannot start any token;"
            " indent with spaces, not tabs",
        ),
        (
            "venues: {okx",
            "c.yaml:1: cannot be read as YAML: expected ',' or '}', but got '<stream end>';"
            " close what begins in line 1 with '}'",
        ),
        (
            "quotes: [USD,\n  EUR\nsymbols: auto",
            "c.yaml:3: cannot be read as YAML: expected ',' or ']', but got ':';"
            " close the list that begins in line 1 with ']'",
        ),
        (
            "venues:\n  okx: {depth: 'full}\n",
            "c.yaml:3: cannot be read as YAML: found unexpected end of stream;"
            " close the quote that begins in line 2",
        ),
        (
            "venues:\n  okx:\n  gate:\n  okx:",
            "c.yaml:4: cannot be read as YAML: the key 'okx' stands here again after line 2;"
            " keep one",
        ),
        (
            "venues:\n  okx: depth: full",
            "c.yaml:2: cannot be read as YAML: mapping values are not allowed here; give each key a"
            " line of its own, and put a text that has ': ' in it in quotes",
        ),
        (
            "venues:\n  okx\n  gate:",
            "c.yaml:3: cannot be read as YAML: mapping values are not allowed here; give each key a"
            " line of its own, and put a text that has ': ' in it in quotes",
        ),
        (
            "venues:\n  okx:\n gate:",
            "c.yaml:3: cannot be read as YAML: expected <block end>, but found '<block mapping"
            " start>'; indent what belongs together by the same number of spaces",
        ),
        (
            "symbols: [*/USDT]",
            "c.yaml:1: cannot be read as YAML: expected alphabetic or numeric character, but found"
            " '/'; put a text that begins with '*' in quotes, as in '*/USDT'",
        ),
        (
            "symbols: [@]",
            "c.yaml:1: cannot be read as YAML: found character '@' that cannot start any token;"
            " put it in quotes",
        ),
        (
            "a: 1\n---\nb: 1",
            "c.yaml:2: cannot be read as YAML: found another document;"
            " keep one, and no '---' in between",
        ),
        (
            "a: &x 1\nb: *x",
            "c.yaml:2: cannot be read as YAML: aliases (*name) are not taken here;"
            " write out what it stands for, or put the text in quotes",
        ),
        (
            "venues: !!python/object/apply:os.system [x]",
            "c.yaml:1: cannot be read as YAML: the tag"
            " 'tag:yaml.org,2002:python/object/apply:os.system' is not taken here;"
            " remove it, or put the text in quotes",
        ),
        ("? [a]\n: b", "c.yaml:1: cannot be read as YAML: a key must be a word"),
        ("a:\n  \x07", "c.yaml:2: holds a character that YAML forbids (number 0x7); remove it"),
        ("[" * 5000, "c.yaml: cannot be read as YAML: it is nested too deeply"),
    ],
)
def test_what_is_no_plain_yaml_is_said_with_its_line(text: str, said: str) -> None:
    assert complaint(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "venues: {okx: }\nlog_level: ${DB_URL}",
        "venues: {okx: }\nmax_symbols: ${DB_URL}",
        "venues: {okx: }\nsymbols: ['${DB_URL}']",
        "venues: {okx: }\nsymbols: ['a${DB_URL}b']",
        "venues: {okx: }\nlimits: ['${DB_URL}']",
        "venues: {okx: {endpoints: {rest: '${DB_URL}'}}}",
        "venues: {okx: }\nalerts: {rules: {a: {to: ['${DB_URL}']}}}",
        "venues: {okx: }\nalerts: {time_zone: '${DB_URL}'}",
        "venues: {okx: }\nalerts: {quiet_hours: ['${DB_URL}']}",
    ],
)
def test_what_came_from_the_environment_is_in_no_complaint(text: str) -> None:
    assert "horse" not in complaint(text)


def test_a_complaint_shows_the_value_as_it_stands_in_the_file() -> None:
    said = complaint("venues: {okx: }\nlog_level: ${DB_URL}")
    assert said.endswith("'error', not '${DB_URL}'")


def test_secrets_are_known_and_not_shown() -> None:
    full = config(
        "venues: {okx: }\ndatabase: {url: '${DB_URL}'}\nalerts: {channels: {a: '${HOOK}'}}"
    )
    assert full.database.location == SECRET
    assert {SECRET, "correct-horse", ENVIRONMENT["HOOK"], "k3y-of-mine"} <= full.secrets
    for told in (repr(full), str(full), full.model_dump_json()):
        assert "horse" not in told and "k3y" not in told


def test_short_words_from_the_environment_are_no_secrets() -> None:
    text = "venues: {okx: }\nlog_level: ${LEVEL}"
    full = validated(parse(text, "c.yaml"), {"LEVEL": "warning"})
    assert (full.log_level, full.secrets) == ("warning", frozenset())


def test_of_several_mistakes_the_first_is_named() -> None:
    text = "max_symbols: no\nvenues:\n  okx: {depht: top}\nlog_level: loud"
    assert complaint(text).startswith("c.yaml:1: max_symbols:")


def test_a_long_value_is_not_printed_whole() -> None:
    assert len(complaint(f"venues: {{okx: }}\nlog_level: {'x' * 1000}")) < 160


def test_numbers_of_yaml_1_2_and_words_that_look_like_dates_are_what_they_seem() -> None:
    document = parse("a: 1e-3\nb: 2026-99-99\nc: {no: off}", "c.yaml")
    assert document.value == {"a": 0.001, "b": "2026-99-99", "c": {"no": False}}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"venues:\n  okx: # caf\xe9\n")
    huge = tmp_path / "huge.yaml"
    huge.write_bytes(b"#" * (1 << 21))
    cases = {
        tmp_path / "none.yaml": "there is no such file; give one by --config PATH",
        tmp_path: "is a folder, not a file",
        latin: "is not UTF-8 text; save it as UTF-8",
        huge: "is larger than 1048576 bytes",
        tmp_path / ("x" * 300): "cannot be read (File name too long)",
    }
    for path, said in cases.items():
        with pytest.raises(ConfigError) as caught:
            load(path)
        line = ":2" if path == latin else ""
        assert str(caught.value) == f"{path}{line}: {said}"


def test_a_configuration_is_written_down_without_complaint() -> None:
    venues = "venues: {okx: {capital: 2000}, kucoin: {capital: {USDT: 3000, BTC: 0.05}}}"
    found = config(f"{venues}\nmax_trade: 1000\nsymbols: [BTC/USDT]")
    with catch_warnings():
        simplefilter("error")
        told = json.loads(found.model_dump_json())
    assert (told["symbols"], told["max_trade"]) == (["BTC/USDT"], 1000.0)
    assert told["venues"]["okx"]["capital"] == 2000.0
    assert told["venues"]["kucoin"]["capital"] == {"USDT": 3000.0, "BTC": 0.05}
