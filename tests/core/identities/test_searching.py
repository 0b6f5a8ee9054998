"""Traits that filters may name: what they are called, which values they have, and which marks are refused."""

import json
from typing import Any

import pytest

from nightlatch.core.identities.model import Trait, indexed
from nightlatch.core.identities.schemas import Schema, Schemas, SchemasBroken, load_schemas
from nightlatch.core.questions import BIGGEST, Kind
from nightlatch.problems import TraitsInvalid

TEXT = {"type": "string", "nightlatch/searchable": True}


def schema(properties: dict[str, Any], id_: str = "default", **more: Any) -> Schema:
    body = {"properties": {"traits": {"type": "object", "properties": properties}}, **more}
    return Schema(id_, json.dumps(body).encode())


def found(made: Schema, traits: Any) -> set[tuple[str, str]]:
    return {tuple(trait) for trait in made.derive(traits).searchable}


def test_a_trait_is_named_by_its_path_without_capitals_and_those_of_a_list_are_one() -> None:
    made = schema(
        {
            "Department": TEXT,
            "name": {"type": "object", "properties": {"firstName": TEXT, "last": {"type": "string"}}},
            "tags": {"type": "array", "items": TEXT},
            "floor": {"type": ["integer", "null"], "nightlatch/searchable": True},
            "remote": {"type": "boolean", "nightlatch/searchable": True},
            "plain": {"type": "string", "nightlatch/searchable": False},
            "site": {"$ref": "#/definitions/place"},
            "choice": {"anyOf": [TEXT, {"type": "integer"}]},
        },
        definitions={"place": TEXT},
    )
    assert made.searchable == {
        "department": Kind.CASELESS, "name.firstname": Kind.CASELESS, "tags": Kind.CASELESS, "floor": Kind.NUMBER,
        "remote": Kind.FLAG, "site": Kind.CASELESS, "choice": Kind.CASELESS,
    }  # fmt: skip
    traits = {
        "Department": "Küche A", "name": {"firstName": "ANNA", "last": "x"}, "tags": ["b", "A", "b"], "floor": 3.0,
        "remote": False, "plain": "x", "site": "Ulm", "choice": 5,
    }  # fmt: skip
    assert found(made, traits) == {
        ("department", "küche a"), ("name.firstname", "anna"), ("tags", "a"), ("tags", "b"), ("floor", indexed(3)),
        ("remote", "false"), ("site", "ulm"),
    }  # fmt: skip
    assert found(made, {"floor": None, "Department": ""}) == {("department", "")}


def test_values_of_one_kind_are_found_in_their_order() -> None:
    numbers = [-BIGGEST + 1, -10, -9, 0, 9, 10, 2**53, 2**53 + 1, BIGGEST - 1]
    assert sorted(map(indexed, numbers)) == [*map(indexed, numbers)]
    assert len({*map(indexed, numbers)}) == len(numbers)
    assert (indexed("ÄB"), indexed(True)) == ("Äb", "true")


def test_a_trait_may_be_an_identifier_too_and_is_found_as_it_is_stored() -> None:
    phone = {
        "type": "string", "format": "tel", "nightlatch/searchable": True,
        "ory.sh/kratos": {"credentials": {"password": {"identifier": True}}, "recovery": {"via": "sms"}},
    }  # fmt: skip
    derived = schema({"phone": phone}).derive({"phone": "+49 30 901820"})
    assert derived.identifiers["password"] == ("+4930901820",)
    assert derived.searchable == (Trait("phone", "+4930901820"),)


def test_what_is_only_searchable_is_no_identifier() -> None:
    derived = schema({"department": TEXT}).derive({"department": "kitchen"})
    assert (derived.identifiers, derived.verifiable, derived.recovery) == ({}, (), ())


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"a": {"nightlatch/searchable": True}}, "beside the type"),
        ({"a": {"type": "number", "nightlatch/searchable": True}}, "beside the type"),
        ({"a": {"type": "array", "items": {"type": "string"}, "nightlatch/searchable": True}}, "beside the type"),
        ({"a": {"type": ["string", "integer"], "nightlatch/searchable": True}}, "beside the type"),
        ({"a": {"type": "string", "nightlatch/searchable": "yes"}}, "true or false"),
        ({"a b": TEXT}, "cannot name the trait a b"),
        ({"straße": TEXT}, "cannot name the trait straße"),
        ({"a.b": TEXT}, "cannot name the trait a.b"),
        ({"a": TEXT, "A": {"type": "integer", "nightlatch/searchable": True}}, "a is of two types"),
        ({"a": {"type": "object", "additionalProperties": TEXT}}, "has no effect"),
        ({f"a{n}": TEXT for n in range(65)}, "more than 64"),
    ],
)
def test_a_mark_that_a_filter_could_not_use_is_refused_at_the_start(properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        schema(properties)


def test_the_traits_themselves_cannot_be_searchable() -> None:
    with pytest.raises(ValueError, match="cannot name"):
        Schema("x", json.dumps({"properties": {"traits": TEXT}}).encode())


def test_what_holds_itself_is_named_once() -> None:
    tree = {"type": "object", "properties": {"label": TEXT, "child": {"$ref": "#/definitions/tree"}}}
    made = schema({"tree": {"$ref": "#/definitions/tree"}}, definitions={"tree": tree})
    assert made.searchable == {"tree.label": Kind.CASELESS}
    assert found(made, {"tree": {"label": "a", "child": {"label": "b"}}}) == {("tree.label", "a")}


def test_values_that_are_too_long_or_too_many_are_refused_with_their_place() -> None:
    made = schema({"tags": {"type": "array", "items": TEXT}})
    with pytest.raises(TraitsInvalid, match=r"#/traits/tags/1.*length must be <= 1024 bytes"):
        made.derive({"tags": ["a", "é" * 513]})
    with pytest.raises(TraitsInvalid, match="more than 256 values"):
        made.derive({"tags": [str(n) for n in range(257)]})
    assert made.searched({"tags": ["a", "é" * 513]}) == (Trait("tags", "a"),)
    assert len(made.searched({"tags": [str(n) for n in range(300)]})) == 256


def test_numbers_beyond_64_bits_are_not_found() -> None:
    made = schema({"n": {"type": "integer", "nightlatch/searchable": True}})
    assert found(made, {"n": 2**63}) == set()
    assert found(made, {"n": 2**63 - 1}) == {("n", indexed(2**63 - 1))}


async def _never(_url: str) -> bytes:
    raise AssertionError


def test_two_schemas_share_a_trait_of_one_type_only(run: Any, tmp_path: Any) -> None:
    number = {"type": "integer", "nightlatch/searchable": True}
    both = Schemas([schema({"a": TEXT, "b": number}), schema({"a": TEXT}, "other")], "default")
    assert {name: attribute.kind for name, attribute in both.traits.items()} == {
        "traits.a": Kind.CASELESS,
        "traits.b": Kind.NUMBER,
    }
    assert both.marks == (("default", "a", "caseless"), ("default", "b", "number"), ("other", "a", "caseless"))
    sources = []
    for name, properties in (("one", {"a": TEXT}), ("two", {"a": number})):
        (tmp_path / name).write_bytes(schema(properties).document)
        sources.append((name, f"file://{tmp_path}/{name}"))
    with pytest.raises(
        SchemasBroken, match=r"identity.schemas: the schema two cannot be used: another has a of another"
    ):
        run(load_schemas(sources, "one", _never))
