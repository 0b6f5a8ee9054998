"""The nodes of a flow as a page has them: in groups, each with a label and, for browsers that fill in, a purpose."""

from typing import Any, NamedTuple

Node = dict[str, Any]
_SHOWN = {"input", "text", "img", "a"}
# What browsers and password managers know these fields by (WCAG 1.3.5).
_PURPOSES = {"identifier": "username", "traits.name.first": "given-name", "traits.name.last": "family-name"}
_OF_TYPE = {"email": "email", "tel": "tel", "url": "url"}


class Group(NamedTuple):
    """What is filled in and sent together. `hidden` goes with every group's form."""

    name: str
    hidden: list[Node]
    fields: list[Node]
    buttons: list[Node]


def grouped(nodes: list[Node]) -> list[Group]:
    """The nodes by group, in their order, but those that only have buttons last: what is filled in comes before the
    ways around it, and Enter presses its button. What belongs to no method goes first; what only a script could make
    something of is left out."""
    groups: dict[str, Group] = {}
    for node in nodes:
        kind = node["attributes"].get("type")
        if node["type"] in _SHOWN and kind != "button":
            group = groups.setdefault(node["group"], Group(node["group"], [], [], []))
            {"submit": group.buttons, "hidden": group.hidden}.get(kind, group.fields).append(node)
    return sorted(groups.values(), key=lambda group: (group.name != "default", not group.fields))


def together(groups: list[Group]) -> Group:
    """All of it as one."""
    return Group(
        "",
        [node for group in groups for node in group.hidden],
        [node for group in groups for node in group.fields],
        [node for group in groups for node in group.buttons],
    )


def failed(ui: dict[str, Any]) -> bool:
    """Whether anything on the page is an error."""
    return any(each["type"] == "error" for place in (ui, *ui["nodes"]) for each in place.get("messages", ()))


def label_of(node: Node) -> str:
    """Its label; without one, the last part of its name."""
    name, label = str(node["attributes"].get("name", "")), node["meta"].get("label")
    known = label["text"] if label else name.rpartition(".")[2].replace("_", " ").capitalize()
    # The API says "ID" for any name to sign in with, and "Password" for the one of now and the one to come.
    if node["attributes"].get("autocomplete") == "new-password":
        return "New password"
    return "E-mail or username" if name == "identifier" else str(known)


def purpose(attributes: dict[str, Any]) -> str:
    name = str(attributes.get("name", ""))
    return str(attributes.get("autocomplete") or _PURPOSES.get(name) or _OF_TYPE.get(attributes["type"], ""))


def text(value: Any) -> str:
    """A value as a form has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
