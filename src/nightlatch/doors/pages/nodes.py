"""The nodes of a flow as a page has them: in groups, each with a label and, for browsers that fill in, a purpose."""

from typing import Any, NamedTuple

Node = dict[str, Any]
_SHOWN = {"input", "text", "img", "a"}
# What browsers and password managers know these fields by (WCAG 1.3.5).
_PURPOSES = {"identifier": "username", "traits.name.first": "given-name", "traits.name.last": "family-name"}
_OF_TYPE = {"email": "email", "tel": "tel", "url": "url"}
# What the API says to every program, in words for who reads the page: fields by name, buttons by label and value.
_FIELDS = {"identifier": "E-mail or username", "email": "E-mail"}
_BUTTONS = {(1040001, "profile"): "Continue", (1070003, "password"): "Change password"}
_MESSAGES = {1040009: "Now choose how you will sign in.", 4000006: "The name or the password is wrong."}


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
    attributes, label = node["attributes"], node["meta"].get("label")
    name = str(attributes.get("name", ""))
    known = label["text"] if label else name.rpartition(".")[2].replace("_", " ").capitalize()
    if attributes.get("type") == "submit":
        return str(_BUTTONS.get((label["id"], attributes.get("value")), known) if label else known)
    # The API says "Password" for the one of now and the one to come.
    return "New password" if attributes.get("autocomplete") == "new-password" else str(_FIELDS.get(name, known))


def said(message: dict[str, Any]) -> str:
    """What a message says."""
    return str(_MESSAGES.get(message["id"], message["text"]))


def failing(node: Node) -> bool:
    """Whether what is in a field is wrong."""
    return any(message["type"] == "error" for message in node.get("messages", ()))


def next_field(fields: list[Node]) -> Node | None:
    """Where somebody goes on: the first field that is wrong, else the first that is empty."""
    typed = [node for node in fields if node["type"] == "input" and node["attributes"]["type"] != "checkbox"]
    empty = [node for node in typed if not node["attributes"].get("value")]
    return next(iter([node for node in typed if failing(node)] + empty + typed), None)


def whose(group: Group) -> str:
    """The address or name that a form is about and does not ask for any more."""
    for node in (*group.hidden, *group.buttons):
        name, value = node["attributes"].get("name"), text(node["attributes"].get("value"))
        if value and (name in {"identifier", "email"} or "@" in value):
            return value
    return ""


def purpose(attributes: dict[str, Any]) -> str:
    name = str(attributes.get("name", ""))
    return str(attributes.get("autocomplete") or _PURPOSES.get(name) or _OF_TYPE.get(attributes["type"], ""))


def text(value: Any) -> str:
    """A value as a form has it."""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)
