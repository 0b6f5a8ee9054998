"""Letters say what they are given, and nothing that they are given is obeyed."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.senders.written import KEYS, message

from nightlatch.core.courier.model import Template, Undelivered
from nightlatch.kernel.secrets import Keys
from nightlatch.senders.letters import Letters

SITE = "https://id.example.com/"
GIVEN: dict[str, str] = {
    "code": "483920",
    "minutes": "10",
    "link": "https://id.example.com/x?flow=1&code=2",
    "ip": "192.0.2.7",
}


def letters(folder: Path | None = None) -> Letters:
    return Letters(KEYS, SITE, folder)


@pytest.mark.parametrize("template", Template)
@pytest.mark.parametrize("with_link", [True, False])
def test_every_letter_says_what_it_is_about_and_where_it_comes_from(template: Template, with_link: bool) -> None:
    needed = with_link or template.endswith("_link")
    given = {name: text for name, text in GIVEN.items() if needed or name != "link"}
    letter = letters()(message(template, **given))
    assert letter.subject
    assert "\n" not in letter.subject + letter.subject
    assert SITE in letter.text
    for kind in (letter.text, letter.html):
        assert ("483920" in kind) is template.endswith("_code")
        assert "{" not in kind.replace(letter.html[: letter.html.index("<body")], "")
    assert letter.subject in letter.html
    if with_link and "flow=1" in letter.text:
        assert 'href="https://id.example.com/x?flow=1&amp;code=2"' in letter.html


def test_a_text_message_has_no_subject_and_no_page() -> None:
    letter = letters()(message(channel="sms", **GIVEN))
    assert (letter.subject, letter.html) == ("", "")
    assert "483920" in letter.text


@pytest.mark.parametrize(
    "given", ["{{ 7*7 }}", "<script>alert(1)</script>", "{% include '/etc/passwd' %}", "\r\nBcc: x@y.z"]
)
def test_S2_what_is_filled_in_is_neither_obeyed_nor_markup(given: str) -> None:
    letter = letters()(message(Template.RECOVERED, ip=given))
    assert given in letter.text.replace("\n", "\r\n") or given in letter.text
    assert "<script>" not in letter.html
    assert "49" not in letter.html.replace("&#39;", "")
    assert "\n" not in letter.subject


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ code.__init__.__globals__ }}",
        "{{ nobody }}",
        "{% for %}",
        "{{ code.format.__self__.__class__() }}",
    ],
)
def test_a_template_reaches_nothing_but_what_is_filled_in(template: str, tmp_path: Path) -> None:
    (tmp_path / "login_code.txt").write_text(f"Subject\n{template}")
    with pytest.raises(Undelivered) as refused:
        letters(tmp_path)(message(**GIVEN))
    assert refused.value.reason.startswith("the template login_code fails: ")
    assert not refused.value.final


def test_a_template_of_ones_own_goes_before_ours_file_by_file(tmp_path: Path) -> None:
    (tmp_path / "login_code.txt").write_text("Ihr Code\n\nEr lautet\n\n{{ code }}\n")
    (tmp_path / "login_code.sms.txt").write_text("SMS\n{{ code }}@{{ site }}")
    made = letters(tmp_path)
    letter = made(message(**GIVEN))
    assert (letter.subject, letter.text) == ("Ihr Code", "Er lautet\n\n483920")
    assert "<strong>483920</strong>" in letter.html
    assert made(message(channel="sms", **GIVEN)).text == f"483920@{SITE}"
    assert made(message(Template.RECOVERED, ip="")).subject == letters()(message(Template.RECOVERED, ip="")).subject
    (tmp_path / "login_code.html").write_text("<b>{{ code }}</b>")
    assert letters(tmp_path)(message(**GIVEN)).html == "<b>483920</b>"


def test_without_the_secret_it_was_sealed_with_no_letter_is_written() -> None:
    stranger: Any = Letters(Keys([b"another secret, of 32 bytes too.."], "credentials"), SITE, None)
    for sealed in (message(**GIVEN), msgspec.structs.replace(message(**GIVEN), id=bytes(16))):
        with pytest.raises(Undelivered) as refused:
            stranger(sealed)
        assert refused.value.final
