"""What a person makes of a page: its headings, fields, buttons, links and messages."""

from html.parser import HTMLParser

from tests.doors.kratos.in_process import Reply

_VOID = {"input", "img", "link", "meta", "br"}


class Page(HTMLParser):
    """`forms` are lists of the attributes of what they send, in order; `texts` what stands in each element, by its name."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        assert reply.headers["content-type"] == "text/html; charset=utf-8", reply
        self.status = reply.status
        self.forms: list[dict[str, str | None]] = []
        self.fields: list[list[dict[str, str | None]]] = []
        self.all: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self._open: list[str] = []
        self.source = reply.body.decode()
        self.feed(self.source)
        self.close()
        assert self._open == [], f"never closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        assert len(named) == len(attrs), f"an attribute twice: {attrs}"
        self.all.append((tag, named))
        if tag == "form":
            self.forms.append(named)
            self.fields.append([])
        if tag in {"input", "select", "button"} and self.fields and "name" in named:
            self.fields[-1].append({"tag": tag} | named)
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self._open:
            self.texts.append((self._open[-1], " ".join(data.split())))

    def said(self, tag: str) -> list[str]:
        return [text for name, text in self.texts if name == tag]

    def links(self) -> dict[str, str]:
        """Target by text."""
        targets = [attributes["href"] or "" for tag, attributes in self.all if tag == "a"]
        return dict(zip(self.said("a"), targets, strict=True))

    def field(self, name: str) -> dict[str, str | None]:
        [only] = [each for form in self.fields for each in form if each.get("name") == name and each["tag"] != "button"]
        return only

    def hidden(self, form: int = 0) -> dict[str, str]:
        fields = [each for each in self.fields[form] if each.get("type") == "hidden"]
        return {each["name"] or "": each["value"] or "" for each in fields}
