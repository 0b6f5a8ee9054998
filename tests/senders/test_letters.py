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


@pytest.mark.parametrize("template", [Template.VERIFICATION_CODE, Template.VERIFICATION_LINK])
def test_P18_a_letter_of_verification_says_what_confirming_means_and_what_to_do_instead(template: Template) -> None:
    text = letters()(message(template, **GIVEN)).text
    for said in ("If you did not make that account, somebody else did", "do not confirm", "Forgot your password?"):
        assert said in text


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


TO_BRAZIL = '{"locale": "pt_BR.UTF-8"}'


def test_a_letter_is_in_the_language_of_whom_it_is_for_and_else_as_for_everybody(tmp_path: Path) -> None:
    for language, subject in (("pt", "O seu codigo"), ("pt-br", "Seu codigo"), ("de", "Ihr Code")):
        (tmp_path / language).mkdir()
        (tmp_path / language / "login_code.txt").write_text(f"{subject}\n\n{{{{ code }}}}\n")
    (tmp_path / "de" / "message.html").write_text("<b lang={{ language }}>{{ subject }}</b>")
    (tmp_path / "pt" / "recovered.txt").write_text("Recuperada\n\nde {{ ip }}\n")
    made = letters(tmp_path)
    brazilian = made(message(**GIVEN), TO_BRAZIL)
    assert brazilian.subject == "Seu codigo"
    assert '<html lang="pt-br">' in brazilian.html
    assert made(message(Template.RECOVERED, ip="::1"), TO_BRAZIL).subject == "Recuperada"
    assert made(message(**GIVEN), '{"locale": "DE-at"}').html == "<b lang=de>Ihr Code</b>"
    assert made(message(channel="sms", **GIVEN), '{"locale": "de"}').text == "483920"
    assert made(message(**GIVEN, traits='{"locale": "de"}')).subject == "Ihr Code"
    english = letters()(message(**GIVEN))
    assert '<html lang="en">' in english.html
    for other in (
        None,
        "{}",
        "[]",
        '{"locale": "fr"}',
        '{"locale": 7}',
        '{"locale": {"de": 1}}',
        '{"locale": "german"}',
    ):
        assert made(message(**GIVEN), other) == english


def test_the_language_is_in_the_trait_that_is_configured_and_names_no_other_folder(tmp_path: Path) -> None:
    inner = tmp_path / "own"
    inner.mkdir()
    (tmp_path / "login_code.txt").write_text("Outside\n\n{{ code }}")
    (inner / "de").mkdir()
    (inner / "de" / "login_code.txt").write_text("Ihr Code\n\n{{ code }}")
    made = Letters(KEYS, SITE, inner, "settings.lang")
    assert made(message(**GIVEN), '{"settings": {"lang": "de"}, "locale": "fr"}').subject == "Ihr Code"
    for hostile in ("..", "../", "/", "de/../..", "de\\..", "{{ 7 }}", "de" * 5_000):
        said = msgspec.json.encode({"settings": {"lang": hostile}}).decode()
        assert made(message(**GIVEN), said).subject in {"Your code to sign in", "Ihr Code"}


def test_without_the_secret_it_was_sealed_with_no_letter_is_written() -> None:
    stranger: Any = Letters(Keys([b"another secret, of 32 bytes too.."], "credentials"), SITE, None)
    for sealed in (message(**GIVEN), msgspec.structs.replace(message(**GIVEN), id=bytes(16))):
        with pytest.raises(Undelivered) as refused:
            stranger(sealed)
        assert refused.value.final
