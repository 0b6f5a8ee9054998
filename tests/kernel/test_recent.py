"""What was used lately stays, within its bytes; the rest goes."""

from nightlatch.kernel.recent import Recent


def key(n: int) -> bytes:
    return n.to_bytes(32, "big")


def test_what_is_put_is_there_and_what_is_put_again_takes_its_place() -> None:
    recent: Recent[str] = Recent(1000)
    recent.put(key(1), "a", 10)
    recent.put(key(1), "b", 20)
    assert (recent.get(key(1)), recent.get(key(2)), len(recent)) == ("b", None, 1)


def test_it_never_holds_more_than_it_may_but_for_one() -> None:
    recent: Recent[int] = Recent(1000)
    for n in range(1000):
        recent.put(key(n), n, 30)
        assert len(recent) * 30 <= 1000 + 2 * 30
    assert recent.get(key(999)) == 999
    assert recent.get(key(0)) is None


def test_what_is_used_stays_however_much_comes_after_it() -> None:
    recent: Recent[int] = Recent(1000)
    for n in range(1000):
        recent.put(key(n), n, 30)
        assert recent.get(key(0)) == 0


def test_what_is_put_again_counts_once() -> None:
    recent: Recent[int] = Recent(1000)
    recent.put(key(0), 0, 30)
    for n in range(1000):
        recent.put(key(1), n, 30)
    assert recent.get(key(0)) == 0
