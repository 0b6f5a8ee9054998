"""What a user agent says of the device."""

import pytest

from nightlatch.core.sessions.device import kind_of, name_of

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME}", "web"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME}", "web"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18 Safari/605.1.15", "web"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "mobile"),
        (f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {CHROME}", "mobile"),
        ("MyApp/3.2 (iPhone; iOS 18.0; Scale/3.00)", "mobile"),
        ("Dalvik/2.1.0 (Linux; U; Android 14; SM-S918B Build/UP1A)", "mobile"),
        ("curl/8.5.0", "other"),
        ("python-httpx/0.28.1", "other"),
        ("", "other"),
        ("\0\ud800é" * 500, "other"),
    ],
)  # fmt: skip
def test_the_kind_of_device_is_read_from_the_user_agent(agent: str, kind: str) -> None:
    assert kind_of(agent) == kind


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (f"Mozilla/5.0 (X11; Linux x86_64) {CHROME}", "Chrome on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1", "Mobile Safari on iOS"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
        ("\0\ud800é" * 500, "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_has_a_name_that_its_person_knows(agent: str, name: str) -> None:
    assert name_of(agent) == name
