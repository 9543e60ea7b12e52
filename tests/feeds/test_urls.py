import pytest

from scanner.feeds.urls import is_loopback, rebase, shown


@pytest.mark.parametrize(
    ("url", "base", "expected"),
    [
        (
            "https://api.binance.com/api/v3/depth?symbol=BTCUSDT&limit=5",
            "http://127.0.0.1:8000/binance",
            "http://127.0.0.1:8000/binance/api/v3/depth?symbol=BTCUSDT&limit=5",
        ),
        ("wss://stream.binance.com:9443/ws/0", "ws://h:1", "ws://h:1/ws/0"),
        ("wss://ws.kraken.com", "ws://h:1/kraken/", "ws://h:1/kraken"),
        ("https://api.{hostname}/v5", "http://h/bybit", "http://h/bybit/v5"),
        ("https://a/%2F?x=%20&y=a+b#f", "http://h", "http://h/%2F?x=%20&y=a+b#f"),
    ],
)
def test_rebase_keeps_path_and_query(url: str, base: str, expected: str) -> None:
    assert rebase(url, base) == expected


def test_an_address_under_the_base_is_not_prefixed_twice() -> None:
    base = "ws://127.0.0.1:8000/kucoin"
    for handed_out in (f"{base}?token=t", f"{base}/endpoint?token=t", base):
        assert rebase(handed_out, base) == handed_out
    assert rebase("ws://127.0.0.1:8000/kucoin2/x", base) == f"{base}/kucoin2/x"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://127.0.0.1:1/x", True),
        ("ws://127.8.0.1/x", True),
        ("http://localhost/x", True),
        ("http://a.localhost/x", True),
        ("ws://[::1]:1/x", True),
        ("wss://127.0.0.1.evil.example/x", False),
        ("wss://localhost.example/x", False),
        ("wss://10.0.0.1/x", False),
        ("nonsense", False),
    ],
)
def test_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_what_is_shown_has_no_secrets() -> None:
    assert shown("wss://user:pw@h:1/p?token=abc#f") == "wss://h:1/p"
