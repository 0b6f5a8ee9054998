"""Identity schemas: what loads, what traits amount to, and what is said of traits that do not fit."""

import asyncio
import base64
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from nightlatch.core.identities.schemas import Derived, Schema, Schemas, SchemasBroken, load_schemas
from nightlatch.kernel.outbound import OutboundRefused
from nightlatch.problems import Fault, SchemaNotFound, SchemaUnknown, TraitsInvalid

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"
PASSWORD = {"credentials": {"password": {"identifier": True}}}
EMAIL = {
    "type": "string",
    "format": "email",
    "ory.sh/kratos": {
        "credentials": {
            "password": {"identifier": True},
            "webauthn": {"identifier": True},
            "code": {"identifier": True, "via": "email"},
            "totp": {"account_name": True},
            "passkey": {"display_name": True},
        },
        "verification": {"via": "email"},
        "recovery": {"via": "email"},
        "organizations": {"matcher": "email_domain"},
    },
}
PHONE = {
    "type": "string",
    "format": "tel",
    "ory.sh/kratos": {
        "credentials": {"code": {"identifier": True, "via": "sms"}},
        "verification": {"via": "sms"},
        "recovery": {"via": "sms"},
    },
}
NAME = {"type": "object", "properties": {"first": {"type": "string"}, "last": {"type": "string"}}}
USUAL = {
    "properties": {"email": EMAIL, "phone": PHONE, "name": NAME},
    "required": ["email"],
    "additionalProperties": False,
}

NO_FORMAT = (
    "no format specified. A format is required if verification is enabled. "
    'If this was intentional, please set "format" to "no-validate"'
)


def document(traits: dict[str, Any], draft: str | None = DRAFT_7, **more: Any) -> dict[str, Any]:
    head = {"$schema": draft} if draft else {}
    return {
        **head,
        "$id": "https://example.org/person.json",
        "type": "object",
        "properties": {"traits": {"type": "object", **traits}},
        **more,
    }


def schema(traits: dict[str, Any], draft: str | None = DRAFT_7, **more: Any) -> Schema:
    return Schema("person", json.dumps(document(traits, draft, **more)).encode())


def marked(traits: dict[str, Any], value: Any, draft: str | None = DRAFT_7, **more: Any) -> tuple[str, ...]:
    return schema(traits, draft, **more).derive(value).identifiers.get("password", ())


def refusal(traits: dict[str, Any], value: Any, **more: Any) -> TraitsInvalid:
    with pytest.raises(TraitsInvalid) as caught:
        schema(traits, **more).derive(value)
    return caught.value


async def fetch(url: str) -> bytes:
    if url != "https://schemas.example/person.json":
        raise OutboundRefused("the host has an address that is not public")
    return json.dumps(document(USUAL)).encode()


def load(*sources: tuple[str, str], default: str = "a") -> Schemas:
    return asyncio.run(load_schemas(sources, default, fetch))


def load_errors(*sources: tuple[str, str]) -> list[str]:
    with pytest.raises(SchemasBroken) as caught:
        load(*sources)
    return caught.value.errors


def base64_url(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return "base64://" + base64.b64encode(raw).decode()


def test_a_schema_knows_whether_it_has_an_address_that_signs_in_by_code() -> None:
    mark = {"ory.sh/kratos": {"credentials": {"code": {"identifier": True, "via": "email"}}}}
    tree = {"$ref": "#/definitions/node"}
    node = {"properties": {"below": tree, "mail": {"type": "string"}}}
    for marked in (False, True):
        node["properties"]["mail"] = {"type": "string"} | (mark if marked else {})
        traits = {"properties": {"traits": tree}, "definitions": {"node": node}}
        assert Schema("x", json.dumps(traits).encode()).by_code is marked


def test_usual_traits_give_identifiers_addresses_and_labels() -> None:
    traits = {"email": "Ann@Example.org", "phone": "+4917667111638", "name": {"first": "Ann"}}
    assert schema(USUAL).derive(traits) == Derived(
        traits=traits,
        changed=False,
        identifiers={
            "password": ("ann@example.org",),
            "webauthn": ("ann@example.org",),
            "code": ("+4917667111638", "ann@example.org"),
        },
        code_addresses=(("sms", "+4917667111638"), ("email", "ann@example.org")),
        verifiable=(("email", "ann@example.org"), ("sms", "+4917667111638")),
        recovery=(("email", "ann@example.org"), ("sms", "+4917667111638")),
        labels={"totp": "Ann@Example.org", "passkey": "Ann@Example.org"},
    )


def test_a_phone_number_is_rewritten_in_a_copy_and_an_email_keeps_its_case() -> None:
    given = {"email": "Ann@Example.org", "phone": "+49 176 671 11 638", "name": {"first": "Ann"}}
    derived = schema(USUAL).derive(given)
    assert derived.changed
    assert derived.traits == {**given, "phone": "+4917667111638"}
    assert given["phone"] == "+49 176 671 11 638"


def test_the_rewritten_traits_are_the_ones_that_must_fit() -> None:
    strict = {"properties": {"phone": {**PHONE, "pattern": "^\\+[0-9]+$"}}}
    assert schema(strict).derive({"phone": "+49 176 671 11 638"}).traits == {"phone": "+4917667111638"}
    spaced = {"properties": {"phone": {**PHONE, "pattern": "^\\+49 "}}}
    assert "does not match pattern" in refusal(spaced, {"phone": "+49 176 671 11 638"}).reason


def test_phones_are_rewritten_inside_objects_and_arrays() -> None:
    nested = {"properties": {"contact": {"properties": {"phones": {"type": "array", "items": PHONE}}}}}
    given = {"contact": {"phones": ["+16502530000", "+1 650 253 0001"], "note": "x"}}
    derived = schema(nested).derive(given)
    assert derived.traits == {"contact": {"phones": ["+16502530000", "+16502530001"], "note": "x"}}
    assert derived.recovery == (("sms", "+16502530000"), ("sms", "+16502530001"))


def test_the_same_value_twice_is_one_identifier_and_absent_or_empty_ones_are_none() -> None:
    two = {"properties": {name: {"type": ["string", "null"], "ory.sh/kratos": PASSWORD} for name in "abcd"}}
    assert marked(two, {"a": "Ann", "b": "ann ", "c": "", "d": None}) == ("ann",)
    assert marked(two, {"a": "\u200b"}) == ()
    assert schema(two).derive({}).identifiers == {}


def test_a_number_is_an_identifier_too() -> None:
    assert marked({"properties": {"badge": {"type": "integer", "ory.sh/kratos": PASSWORD}}}, {"badge": 1234}) == (
        "1234",
    )


@pytest.mark.parametrize("draft", [DRAFT_7, DRAFT_2020, None])
@pytest.mark.parametrize(
    "traits",
    [
        {"allOf": [{"properties": {"nick": {"ory.sh/kratos": PASSWORD}}}]},
        {"properties": {"nick": {"$ref": "#/definitions/nick"}}},
        {"$ref": "#/definitions/whole"},
        {"properties": {"nick": {"anyOf": [{"type": "null"}, {"type": "string", "ory.sh/kratos": PASSWORD}]}}},
        {"properties": {"nick": {"oneOf": [{"type": "null"}, {"$ref": "#/definitions/nick"}]}}},
        {"if": {"required": ["nick"]}, "then": {"properties": {"nick": {"ory.sh/kratos": PASSWORD}}}},
        {"if": {"required": ["other"]}, "else": {"properties": {"nick": {"ory.sh/kratos": PASSWORD}}}},
        {"if": {"properties": {"nick": {"ory.sh/kratos": PASSWORD}}}},
    ],
)
def test_a_mark_is_found_behind_combinations_and_references(traits: dict[str, Any], draft: str | None) -> None:
    definitions = {
        "nick": {"type": "string", "ory.sh/kratos": PASSWORD},
        "whole": {"properties": {"nick": {"$ref": "#/definitions/nick"}}},
    }
    assert marked(traits, {"nick": "Ann"}, draft, definitions=definitions) == ("ann",)


def test_a_mark_in_a_branch_that_does_not_hold_has_no_effect() -> None:
    branches = {
        "properties": {
            "kind": {"enum": ["person", "machine"]},
            "a": {"anyOf": [{"minLength": 9, "ory.sh/kratos": PASSWORD}, {"maxLength": 8}]},
        },
        "if": {"properties": {"kind": {"const": "person"}}},
        "then": {"properties": {"b": {"ory.sh/kratos": PASSWORD}}},
        "else": {"properties": {"c": {"ory.sh/kratos": PASSWORD}}},
    }
    values = {"a": "short", "b": "bee", "c": "sea"}
    assert marked(branches, {"kind": "person", **values}) == ("bee",)
    assert marked(branches, {"kind": "machine", **values}) == ("sea",)
    assert set(marked(branches, {"kind": "person", **values, "a": "long enough"})) == {"bee", "long enough"}


def test_marks_are_found_in_tuples_of_both_drafts() -> None:
    parts = [{"type": "string"}, {"type": "string", "ory.sh/kratos": PASSWORD}]
    assert marked({"properties": {"pair": {"items": parts}}}, {"pair": ["a", "b", "c"]}) == ("b",)
    new = {"properties": {"pair": {"prefixItems": parts, "items": {"ory.sh/kratos": PASSWORD}}}}
    assert marked(new, {"pair": ["a", "b", "c"]}, DRAFT_2020) == ("b", "c")


def test_beside_a_reference_old_drafts_see_nothing_and_new_ones_do() -> None:
    beside = {"properties": {"nick": {"$ref": "#/definitions/text", "ory.sh/kratos": PASSWORD}}}
    definitions = {"text": {"type": "string"}}
    assert marked(beside, {"nick": "Ann"}, DRAFT_7, definitions=definitions) == ()
    assert marked(beside, {"nick": "Ann"}, DRAFT_2020, definitions=definitions) == ("ann",)


def test_a_schema_may_refer_to_itself() -> None:
    tree = {
        "properties": {"nick": {"type": "string", "ory.sh/kratos": PASSWORD}, "child": {"$ref": "#/properties/traits"}}
    }
    assert marked(tree, {"nick": "a", "child": {"nick": "b", "child": {"nick": "c"}}}) == ("a", "b", "c")


def test_names_with_any_letter_are_walked_and_pointed_at() -> None:
    odd = {
        "properties": {
            "a/b~c %\u00e4": {
                "anyOf": [{"type": "string", "minLength": 3, "ory.sh/kratos": PASSWORD}, {"type": "null"}]
            }
        }
    }
    assert marked(odd, {"a/b~c %\u00e4": "Ann"}) == ("ann",)
    wrong = refusal({"properties": {"a/b~c %\u00e4": {"type": "string"}}}, {"a/b~c %\u00e4": 1})
    assert wrong.errors == [
        Fault("/traits/a~1b~0c %\u00e4", "expected string, but got number", "type", ["string"], "number")
    ]
    assert wrong.reason.startswith(
        "I[#/traits/a~1b~0c%20%25%C3%A4] S[#/properties/traits/properties/a~1b~0c%20%25%C3%A4/type]"
    )


@pytest.mark.parametrize(
    ("trait", "value", "sentence"),
    [
        ({"type": "string"}, 4, "expected string, but got number"),
        ({"type": "integer"}, "x", "expected integer, but got string"),
        ({"type": ["null", "boolean"]}, [], "expected null or boolean, but got array"),
        ({"type": "string"}, None, "expected string, but got null"),
        ({"type": "string"}, True, "expected string, but got boolean"),
        ({"type": "string"}, {}, "expected string, but got object"),
        ({"format": "email"}, "foo", '"foo" is not valid "email"'),
        ({"format": "email"}, "A B <a@b.c>", '"A B <a@b.c>" is not valid "email"'),
        ({"format": "email"}, "a@[127.0.0.1]", '"a@[127.0.0.1]" is not valid "email"'),
        ({"format": "tel"}, "+1234", '"+1234" is not valid "tel"'),
        ({"format": "date"}, "2026-13-01", '"2026-13-01" is not valid "date"'),
        ({"pattern": "^[a-z]+\\.$"}, "A", 'does not match pattern "^[a-z]+\\\\.$"'),
        ({"minLength": 3}, "ab", "length must be >= 3, but got 2"),
        ({"maxLength": 1}, "ab", "length must be <= 1, but got 2"),
        ({"minimum": 1}, -1, "must be >= 1 but found -1"),
        ({"maximum": 1}, 1.5, "must be <= 1 but found 1.5"),
        ({"exclusiveMinimum": 1}, 1, "must be > 1 but found 1"),
        ({"exclusiveMaximum": 1}, 1, "must be < 1 but found 1"),
        ({"multipleOf": 2}, 3, "3 not multipleOf 2"),
        ({"enum": ["a", 2]}, "b", 'value must be one of "a", 2'),
        ({"enum": ["a"]}, "b", 'value must be "a"'),
        ({"const": "a"}, "b", 'value must be "a"'),
        ({"minItems": 2}, [1], "minimum 2 items allowed, but found 1 items"),
        ({"maxItems": 0}, [1], "maximum 0 items allowed, but found 1 items"),
        ({"minProperties": 1}, {}, "minimum 1 properties allowed, but found 0 properties"),
        ({"maxProperties": 0}, {"a": 1}, "maximum 0 properties allowed, but found 1 properties"),
        ({"uniqueItems": True}, [1, 1], "items are not unique"),
        ({"not": {}}, 1, "not failed"),
        ({"contains": {"const": 1}}, [2], "contains failed"),
        (False, 1, "always fail"),
    ],
)
def test_what_is_wrong_is_said_in_the_words_that_clients_know(trait: Any, value: Any, sentence: str) -> None:
    wrong = refusal({"properties": {"bar": trait}}, {"bar": value})
    assert [fault[:2] for fault in wrong.errors] == [("/traits/bar", sentence)]
    keyword = "" if trait is False else f"/{next(iter(trait))}"
    assert wrong.reason == f"I[#/traits/bar] S[#/properties/traits/properties/bar{keyword}] {sentence}"


def test_missing_and_unknown_properties_are_named() -> None:
    wrong = refusal({"properties": {}, "required": ["a", "b"]}, {})
    assert wrong.reason == 'I[#/traits] S[#/properties/traits/required] missing properties: "a", "b"'
    assert wrong.errors == [
        Fault("/traits/a", 'missing properties: "a"', "required"),
        Fault("/traits/b", 'missing properties: "b"', "required"),
    ]
    unknown = refusal(USUAL, {"email": "a@b.c", "whatever": 1})
    assert unknown.reason == (
        'I[#/traits] S[#/properties/traits/additionalProperties] additionalProperties "whatever" not allowed'
    )


def test_all_errors_are_named_a_line_each() -> None:
    wrong = refusal(USUAL, {"email": 3, "name": {"first": 4}})
    first, second = wrong.reason.split("\n")
    assert first == "I[#/traits/email] S[#/properties/traits/properties/email/type] expected string, but got number"
    assert second.startswith("I[#/traits/name/first] S[#/properties/traits/properties/name/properties/first/type] ")


def test_the_branches_that_failed_are_named_below() -> None:
    wrong = refusal({"properties": {"x": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}, {"x": 1})
    at = "S[#/properties/traits/properties/x/anyOf"
    assert wrong.reason.split("\n") == [
        f"I[#/traits/x] {at}] anyOf failed",
        f"  I[#/traits/x] {at}/0/type] expected string, but got number",
        f"  I[#/traits/x] {at}/1/type] expected null, but got number",
    ]


@pytest.mark.parametrize("traits", [[], "x", None, 3])
def test_traits_that_are_no_object_do_not_fit(traits: Any) -> None:
    assert "expected object, but got" in refusal(USUAL, traits).reason


@pytest.mark.parametrize(
    ("trait", "value", "sentence"),
    [
        ({"ory.sh/kratos": {"verification": {"via": "email"}}}, "foo", '"foo" is not valid "email"'),
        ({"ory.sh/kratos": {"recovery": {"via": "email"}}}, "foo", '"foo" is not valid "email"'),
        ({"ory.sh/kratos": {"recovery": {"via": "sms"}}}, "foo", '"foo" is not valid "tel" for "sms"'),
        (
            {"ory.sh/kratos": {"recovery": {"via": "sms"}}, "format": "no-validate"},
            "1",
            '"1" is not valid "tel" for "sms"',
        ),
        (
            {"ory.sh/kratos": {"verification": {"via": "sms"}}},
            "+16502530000",
            NO_FORMAT,
        ),
    ],
)
def test_a_value_that_is_no_address_is_refused(trait: dict[str, Any], value: str, sentence: str) -> None:
    wrong = refusal({"properties": {"x": trait}}, {"x": value})
    assert wrong.reason == f"I[#/traits/x] S[#/properties/traits/properties/x/format] {sentence}"


def test_no_validate_leaves_the_address_to_the_pattern() -> None:
    loose = {"format": "no-validate", "pattern": "^.+@docomo$"}
    of_email = {"properties": {"x": {**loose, "ory.sh/kratos": {"recovery": {"via": "email"}, **PASSWORD}}}}
    assert schema(of_email).derive({"x": "A..B.@docomo"}).recovery == (("email", "a..b.@docomo"),)
    of_sms = {"properties": {"x": {"format": "no-validate", "ory.sh/kratos": {"verification": {"via": "sms"}}}}}
    assert schema(of_sms).derive({"x": "12345"}).verifiable == (("sms", "12345"),)


def test_more_identifiers_than_anybody_has_are_refused() -> None:
    many = {"properties": {"nicks": {"type": "array", "items": {"type": "string", "ory.sh/kratos": PASSWORD}}}}
    assert len(marked(many, {"nicks": [f"n{i}" for i in range(256)]})) == 256
    assert "more than 256 identifiers" in refusal(many, {"nicks": [f"n{i}" for i in range(257)]}).reason


def test_an_identifier_that_no_index_can_hold_is_refused() -> None:
    nick = {"properties": {"nick": {"type": "string", "ory.sh/kratos": PASSWORD}}}
    assert marked(nick, {"nick": "\u00e4" * 512}) == ("\u00e4" * 512,)
    assert "length must be <= 1024 bytes" in refusal(nick, {"nick": "\u00e4" * 513}).reason


@pytest.mark.parametrize(
    ("trait", "value"),
    [
        ({"type": "array", "items": {"type": "string"}}, [3] * 30_000),
        ({"type": "array", "items": EMAIL}, ["x"] * 20_000),
        ({"type": "array", "items": PHONE}, ["+"] * 20_000),
        ({"type": "string", "pattern": "^(a+)+$"}, "a" * 60_000 + "!"),
        ({"type": "string", "pattern": "^(?=(a|a)*$)b"}, "a" * 60_000 + "!"),
        ({"type": "string", "pattern": "(x+x+)+y"}, "x" * 60_000),
        ({"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}, "a" * 60_000),
        ({"type": "string", "format": "email"}, "a" * 60_000 + "@"),
        ({"type": "string", "format": "tel"}, "+" + "1" * 60_000),
        ({"type": "string"}, ["\u00e4" * 60_000]),
    ],
)
def test_W11_traits_made_to_hurt_are_refused_within_50_ms_with_a_short_answer(
    trait: dict[str, Any], value: Any
) -> None:
    hurt = schema({"properties": {"x": trait}})
    start = time.process_time()
    with pytest.raises(TraitsInvalid) as caught:
        hurt.derive({"x": value})
    assert time.process_time() - start < 0.05
    assert len(caught.value.reason) < 1000


def test_W13_references_to_other_documents_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text('{"type": "string"}')
    for ref in (f"file://{tmp_path}/secret.json", "http://127.0.0.1:1/x.json", "other.json"):
        with pytest.raises(ValueError, match=r"not present|only a \$ref"):
            schema({"properties": {"x": {"$ref": ref}}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "Input data was truncated"),
        (b"[]", "Expected `object`"),
        ({}, "it has no properties.traits"),
        ({"properties": {"name": {}}}, "it has no properties.traits"),
        ({"$schema": "urn:other", "properties": {"traits": {}}}, "Unknown meta-schema"),
        (document({"properties": {"x": {"type": "strange"}}}), "is not valid under any"),
        (document({"properties": {"x": {"pattern": "("}}}), 'is not a "regex"'),
        (document({"properties": {"x": {"$ref": "#/definitions/none"}}}), "does not exist"),
        (document({"allOf": [{"$ref": "#/properties/traits"}]}), "cycle"),
        (
            document({"properties": {"x": {"ory.sh/kratos": {"verification": {"via": "fax"}}}}}),
            "ory.sh/kratos in #/properties/traits/properties/x: Invalid enum value 'fax' - at `$.verification.via`",
        ),
        (
            document({"properties": {"x": {"ory.sh/kratos": {"credentials": {"pasword": {}}}}}}),
            "unknown field `pasword` - at `$.credentials`",
        ),
        (
            document({"properties": {"x": {"ory.sh/kratos": {"credentials": {"code": {"identifier": True}}}}}}),
            "credentials.code needs via: email or sms",
        ),
        (
            document({"additionalProperties": {"ory.sh/kratos": PASSWORD}}),
            "ory.sh/kratos has no effect in #/properties/traits/additionalProperties",
        ),
    ],
)
def test_a_document_that_is_no_identity_schema_is_refused_with_its_key(content: Any, said: str) -> None:
    good = base64_url(document(USUAL))
    (error,) = load_errors(("a", good), ("staff", base64_url(content)))
    assert error.startswith("identity.schemas.1.url: the schema staff cannot be used: ")
    assert said in error


def test_all_errors_of_all_schemas_are_reported_at_once(tmp_path: Path) -> None:
    good = base64_url(document(USUAL))
    errors = load_errors(
        ("a", f"file://{tmp_path}/none.json"), ("d", good), ("b", "http://10.0.0.1/x"), ("c", "ftp://x/y")
    )
    assert [error.partition(":")[0] for error in errors] == [
        "identity.schemas.0.url",
        "identity.schemas.2.url",
        "identity.schemas.3.url",
    ]
    assert "not public" in errors[1]


def test_a_schema_is_loaded_from_each_kind_of_place_and_given_back_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = json.dumps(document(USUAL), indent=3).encode() + b"\n"
    (tmp_path / "a schema.json").write_bytes(raw)
    monkeypatch.chdir(tmp_path)
    places: Sequence[str] = [
        f"file://{tmp_path}/a%20schema.json",
        "file://./a%20schema.json",
        base64_url(raw),
        base64_url(raw).rstrip("="),
        "base64://" + base64.urlsafe_b64encode(raw).decode(),
    ]
    schemas = load(*((f"s{i}", place) for i, place in enumerate(places)), default="s0")
    assert [each.document for each in schemas] == [raw] * len(places)
    assert [each.id for each in schemas] == [f"s{i}" for i in range(len(places))]
    remote = load(("a", "https://schemas.example/person.json"))
    assert remote.get("a").content == document(USUAL)


def test_a_schema_is_found_by_its_id_plain_or_as_base64url() -> None:
    schemas = load(
        ("default", base64_url(document(USUAL))), ("employee", base64_url(document(USUAL))), default="employee"
    )
    assert schemas.get("ZGVmYXVsdA") is schemas.get("default")
    assert schemas.chosen("ZW1wbG95ZWU") is schemas.chosen("employee")
    assert schemas.chosen("") is schemas.get("employee")
    assert len(schemas) == 2


@pytest.mark.parametrize("schema_id", ["none", "bm9uZQ", "\u00e4", "a" * 5, "_" * 9])
def test_an_unknown_schema_is_named_as_it_was_asked_for(schema_id: str) -> None:
    schemas = load(("a", base64_url(document(USUAL))))
    with pytest.raises(SchemaUnknown) as unknown:
        schemas.chosen(schema_id)
    assert unknown.value.reason == f"Unable to find JSON Schema ID: {schema_id}"
    with pytest.raises(SchemaNotFound) as missing:
        schemas.get(schema_id)
    assert missing.value.reason == f"Identity schema `{schema_id}` could not be found."


@pytest.mark.parametrize(
    "draft",
    [
        "http://json-schema.org/draft-04/schema#",
        "http://json-schema.org/draft-06/schema#",
        DRAFT_7,
        "https://json-schema.org/draft/2019-09/schema",
        DRAFT_2020,
    ],
)
def test_every_draft_asserts_formats(draft: str) -> None:
    assert schema(USUAL, draft).derive({"email": "a@b.c"}).recovery == (("email", "a@b.c"),)
    with pytest.raises(TraitsInvalid):
        schema(USUAL, draft).derive({"email": "foo"})
