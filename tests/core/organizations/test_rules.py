"""Organizations: made and named from the default one only; an alias is one organization's, in one spelling."""

from typing import Any

import msgspec
import pytest
from tests.core.world import World

from nightlatch.core.events.model import Act
from nightlatch.core.organizations import rules
from nightlatch.core.organizations.model import DEFAULT, Alias, AliasKind, Organization
from nightlatch.kernel.ids import id_text
from nightlatch.problems import Conflict, DefaultOrganizationOnly, FieldInvalid, OrganizationNotFound

TEAM = Alias(AliasKind.TEAM, "T0123")
UNKNOWN = bytes(16)


def made(world: World, name: str = "acme", *aliases: Alias) -> Organization:
    return world.write(lambda tx: rules.create(tx, world.act(), name, aliases))


def inside(world: World, organization: Organization) -> Act:
    return msgspec.structs.replace(world.act(), organization=organization.id)


def test_an_organization_is_made_with_its_aliases(world: World) -> None:
    acme = made(world, "acme", TEAM, Alias(AliasKind.WORKSPACE, "56"))
    assert (acme.name, acme.created_at, acme.aliases) == ("acme", world.now, (TEAM, Alias(AliasKind.WORKSPACE, "56")))
    assert [name for name, _, _ in world.told()] == ["organization.created", *["organization.alias_added"] * 2]
    for text in ("acme", id_text(acme.id)):
        assert world.read(lambda tx, text=text: rules.named(tx, text)) == acme  # type: ignore[misc]
    assert world.read(lambda tx: rules.named(tx, "default")).id == DEFAULT
    with pytest.raises(OrganizationNotFound, match="ACME"):
        world.read(lambda tx: rules.named(tx, "ACME"))


@pytest.mark.parametrize("name", ["", " acme", "acme ", "a\nb", "a\x1bb", "x" * 101])
def test_a_name_is_short_and_can_be_shown(world: World, name: str) -> None:
    acme = made(world)
    for unit in (
        lambda tx: rules.create(tx, world.act(), name),
        lambda tx: rules.rename(tx, world.act(), acme.id, name),
    ):
        with pytest.raises(FieldInvalid):
            world.write(unit)


def test_a_name_is_one_organizations(world: World) -> None:
    acme = made(world)
    for name in ("acme", "default"):
        with pytest.raises(Conflict):
            made(world, name)
    world.told()
    assert world.write(lambda tx: rules.rename(tx, world.act(), acme.id, "acme")) == acme
    assert world.told() == []
    assert world.write(lambda tx: rules.rename(tx, world.act(), acme.id, "Acme é")).name == "Acme é"
    assert world.told() == [("organization.renamed", None, 1)]
    with pytest.raises(Conflict):
        world.write(lambda tx: rules.rename(tx, world.act(), acme.id, "default"))


@pytest.mark.parametrize(
    ("kind", "value"),
    [("workspace", "0"), ("workspace", "56"), ("workspace", "-3"), ("team", "T0123"), ("identity_store", "d-90.a_B")],
)
def test_an_alias_is_spelled_as_it_is_given(kind: str, value: str) -> None:
    assert rules.alias_of(kind, value) == (kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [("workspace", ""), ("workspace", "056"), ("workspace", "+1"), ("workspace", "1.0"), ("workspace", "٣"),
     ("workspace", "-0"), ("workspace", "9" * 19), ("team", ""), ("team", "a/b"), ("team", "a b"), ("team", "é"),
     ("team", "x" * 65), ("team", "T1\n"), ("tenant", "x"), ("", "")],
)  # fmt: skip
def test_an_alias_that_could_be_spelled_otherwise_or_not_at_all_is_refused(kind: str, value: str) -> None:
    with pytest.raises(FieldInvalid):
        rules.alias_of(kind, value)


def test_an_alias_is_one_organizations_and_giving_it_again_is_nothing(world: World) -> None:
    acme, other = made(world, "acme", TEAM), made(world, "other")
    world.told()
    world.write(lambda tx: rules.add_alias(tx, world.act(), acme.id, TEAM))
    with pytest.raises(Conflict):
        world.write(lambda tx: rules.add_alias(tx, world.act(), other.id, TEAM))
    for organization_id in (other.id, UNKNOWN):
        with pytest.raises(OrganizationNotFound):
            world.write(lambda tx, i=organization_id: rules.remove_alias(tx, world.act(), i, TEAM))  # type: ignore[misc]
    with pytest.raises(OrganizationNotFound):
        world.write(lambda tx: rules.add_alias(tx, world.act(), UNKNOWN, Alias(AliasKind.TEAM, "T9")))
    assert world.told() == []
    world.write(lambda tx: rules.remove_alias(tx, world.act(), acme.id, TEAM))
    world.write(lambda tx: rules.add_alias(tx, world.act(), other.id, TEAM))
    assert [name for name, _, _ in world.told()] == ["organization.alias_removed", "organization.alias_added"]


def test_the_default_organization_has_aliases_like_any_other(world: World) -> None:
    world.write(lambda tx: rules.add_alias(tx, world.act(), DEFAULT, TEAM))
    world.read(lambda tx: rules.check_addressed(tx, world.act(), TEAM))


def test_W3_an_alias_addresses_its_own_organization_and_tells_nothing_of_others(world: World) -> None:
    acme, other = made(world, "acme", TEAM), made(world, "other", Alias(AliasKind.TEAM, "T9"))
    world.read(lambda tx: rules.check_addressed(tx, inside(world, acme), TEAM))
    told = []
    for alias in (Alias(AliasKind.TEAM, "T9"), Alias(AliasKind.TEAM, "T404"), Alias(AliasKind.WORKSPACE, "56")):
        with pytest.raises(OrganizationNotFound) as caught:
            world.read(lambda tx, alias=alias: rules.check_addressed(tx, inside(world, acme), alias))  # type: ignore[misc]
        told.append(str(caught.value))
    assert len(set(told)) == 1
    assert other.name == "other"


def test_W3_only_the_default_organization_manages_organizations(world: World) -> None:
    acme = made(world)
    act = inside(world, acme)
    world.told()
    units: tuple[Any, ...] = (
        lambda tx: rules.create(tx, act, "mine"),
        lambda tx: rules.get(tx, act, acme.id),
        lambda tx: rules.rename(tx, act, acme.id, "mine"),
        lambda tx: rules.add_alias(tx, act, acme.id, TEAM),
        lambda tx: rules.remove_alias(tx, act, acme.id, TEAM),
    )
    for unit in units:
        with pytest.raises(DefaultOrganizationOnly):
            world.write(unit)
    assert world.told() == []
