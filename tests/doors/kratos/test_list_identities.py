"""listIdentities (contract: admin API 1.10): every filter, every combination of them, and both ways of paging."""

import itertools
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import pytest
from tests.doors.kratos.in_process import UNKNOWN, Doors, migrated
from tests.doors.kratos.pages import ids, links, walk

from nightlatch.kernel.clock import SECOND
from nightlatch.kernel.secrets import Keys

PATH = "/admin/identities"
NIL = str(uuid.UUID(int=0))


class People:
    """Twelve identities over three schemas, oldest first."""

    def __init__(self, doors: Doors) -> None:
        self.doors = doors
        self.made = [self.add(n) for n in range(12)]
        self.ids = [each["id"] for each in self.made]
        doors.happened()

    def add(self, n: int) -> dict[str, Any]:
        self.doors.clock.advance(SECOND)
        body: dict[str, Any] = {"schema_id": "default", "traits": {"email": f"{'ab'[n % 2]}{n:02}@example.org"}}
        if n % 3 == 1:
            body = {"schema_id": "employee", "traits": body["traits"] | {"number": n + 1}}
        if n % 3 == 2:
            oidc = {"config": {"providers": [{"provider": "G", "subject": f"A{n}"}]}}
            body = {"schema_id": "robot", "traits": {"model": "T"}, "credentials": {"oidc": oidc}}
        return dict(self.doors.admin("POST", PATH, body).ok(201))

    def matching(self, wanted: dict[str, Any]) -> list[str]:
        """What a list with these parameters must hold: the model that the server is judged by."""
        return [each["id"] for n, each in enumerate(self.made) if all(self._fits(n, *one) for one in wanted.items())]

    def _fits(self, n: int, name: str, value: Any) -> bool:
        names = [i for credential in self.made[n].get("credentials", {}).values() for i in credential["identifiers"]]
        match name:
            case "ids":
                return self.made[n]["id"] in value
            case "credentials_identifier":
                return any(i in (value, value.lower()) for i in names)
            case "preview_credentials_identifier_similar":
                return any(i.startswith((value, value.lower())) for i in names)
            case "schema_id":
                return bool(self.made[n]["schema_id"] == value)
            case "organization_id":
                return False
        return True


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def people(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    """Read by many tests, which change no identity."""
    folder: Path = tmp_path_factory.mktemp("people")
    on_file = request.param == "sqlite"
    dsn = f"sqlite://{folder}/people.sqlite" if on_file else request.getfixturevalue("postgres").create_database()
    with Doors(migrated(dsn)) as doors:
        yield People(doors)
    if not on_file:
        request.getfixturevalue("postgres").drop_database(dsn)


def target(wanted: dict[str, Any]) -> str:
    return f"{PATH}?{urlencode(wanted, doseq=True)}"


# Filters


def choices(people: People) -> dict[str, list[Any]]:
    some = [*people.ids[:5], people.ids[0], UNKNOWN]
    return {
        "ids": [some, people.ids[4:], [UNKNOWN]],
        "credentials_identifier": ["B01@Example.org", "a00@example.org", "G:A2", "g:a2"],
        "preview_credentials_identifier_similar": ["b", "A0", "G:", "%", "a_0"],
        "schema_id": ["default", "robot", "nope"],
        "organization_id": [UNKNOWN],
        "include_credential": ["password"],
        "consistency": ["eventual"],
    }


@pytest.mark.parametrize("how_many", range(1, 8))
def test_every_combination_of_filters_holds_what_all_of_them_let_through(people: People, how_many: int) -> None:
    """Part 3, 5: all filters combine. By tokens and by numbers, with the total of exactly these."""
    offered = choices(people)
    for names in itertools.combinations(offered, how_many):
        for values in itertools.product(*(offered[name] for name in names)):
            wanted = dict(zip(names, values, strict=True))
            expected = people.matching(wanted)
            assert ids(people.doors.admin("GET", target(wanted))) == expected, wanted
            if how_many <= 3:
                numbered = people.doors.admin("GET", target(wanted | {"page": 1}))
                assert ids(numbered) == expected, wanted
                assert numbered.headers["x-total-count"] == str(len(expected)), wanted


def test_identifiers_are_compared_in_their_normal_form_and_those_of_other_providers_as_they_are(people: People) -> None:
    doors = people.doors
    assert len(ids(doors.admin("GET", f"{PATH}?credentials_identifier=%20A00@EXAMPLE.org"))) == 1
    assert len(ids(doors.admin("GET", f"{PATH}?credentials_identifier=G:A2"))) == 1
    assert ids(doors.admin("GET", f"{PATH}?credentials_identifier=g:a2")) == []


@pytest.mark.parametrize("name", ["credentials_identifier", "organization_id", "schema_id", "include_credential"])
def test_an_empty_filter_is_none(people: People, name: str) -> None:
    assert ids(people.doors.admin("GET", f"{PATH}?{name}=")) == people.ids


def test_all_ids_that_are_named_are_shown_whatever_the_page_size(people: People) -> None:
    """Part 3, 9."""
    for paging in ({}, {"page_size": 2}, {"page": 1, "per_page": 2}):
        assert ids(people.doors.admin("GET", target({"ids": people.ids, **paging}))) == people.ids


def test_credentials_are_shown_where_they_are_asked_for_or_looked_at(people: People) -> None:
    """1.10: absent otherwise; configs for the named types only."""
    doors, [first, second, third] = people.doors, people.ids[:3]
    plain = doors.admin("GET", f"{PATH}?ids={first}").ok()[0]
    assert "credentials" not in plain
    assert plain["metadata_admin"] is None
    by_name = doors.admin("GET", f"{PATH}?credentials_identifier=a00@example.org").ok()[0]["credentials"]
    assert by_name["password"]["identifiers"] == ["a00@example.org"]
    assert "config" not in by_name["password"]
    found = doors.admin("GET", target({"ids": [first, second, third], "include_credential": ["password", "oidc"]})).ok()
    assert [sorted(each["credentials"]) for each in found][2] == ["oidc"]
    assert found[0]["credentials"]["password"]["config"] == {}
    assert found[2]["credentials"]["oidc"]["config"]["providers"][0]["subject"] == "A2"


REFUSED: list[tuple[str, str]] = [
    ("ids=", "Invalid UUID value `` for parameter `ids`."),
    ("ids=x", "Invalid UUID value `x` for parameter `ids`."),
    (f"ids={UNKNOWN}&ids=y", "Invalid UUID value `y` for parameter `ids`."),
    ("&".join(f"ids={UNKNOWN}" for _ in range(501)), "The number of ids to filter must not exceed 500."),
    ("organization_id=x", "Invalid UUID value `x` for parameter `organization_id`."),
    ("include_credential=shoe", "Invalid value `shoe` for parameter `include_credential`."),
    ("page_size=x", 'strconv.Atoi: parsing "x": invalid syntax'),
    ("page_size=1.5", 'strconv.Atoi: parsing "1.5": invalid syntax'),
    ("page_size=%D9%A3", 'strconv.Atoi: parsing "٣": invalid syntax'),
    (f"page_token={NIL}", "The page token is invalid, do not craft your own page tokens"),
    ("page_token=x&page_size=2", "The page token is invalid, do not craft your own page tokens"),
    ("page=402&per_page=250", "Pages beyond 100000 items are reached by page_token and page_size."),
]


@pytest.mark.parametrize(("query", "reason"), REFUSED, ids=[each[0][:30] for each in REFUSED])
def test_a_parameter_that_is_wrong_is_refused_by_name(people: People, query: str, reason: str) -> None:
    error = people.doors.admin("GET", f"{PATH}?{query}").refused(400)
    assert error["message"] == "The request was malformed or contained invalid parameters"
    assert error["reason"] == reason


# Pages


@pytest.mark.parametrize("size", [1, 5, 6, 11, 12, 13])
def test_pages_by_token_show_every_identity_once(people: People, size: int) -> None:
    pages = list(walk(people.doors.admin, f"{PATH}?page_size={size}"))
    assert [each for page in pages for each in ids(page)] == people.ids
    assert len(pages) == -(-len(people.ids) // size)
    assert all("x-total-count" not in page.headers for page in pages)
    assert {links(page)["first"] for page in pages} == {f"{PATH}?page_size={size}"}
    assert set(links(pages[-1])) == {"first"}


@pytest.mark.parametrize("size", [1, 5, 6, 11, 12, 13])
def test_pages_by_number_are_counted_from_1_and_lead_both_ways(people: People, size: int) -> None:
    """Part 3, 1 and 8."""
    ask, total = people.doors.admin, len(people.ids)
    last = -(-total // size)
    forth = list(walk(ask, f"{PATH}?page=1&per_page={size}"))
    assert [each for page in forth for each in ids(page)] == people.ids
    assert {page.headers["x-total-count"] for page in forth} == {str(total)}
    back = list(walk(ask, links(forth[0])["last"], "prev"))
    assert [ids(page) for page in back] == [ids(page) for page in forth[::-1]]
    for number, page in enumerate(forth, 1):
        found = {rel: dict(parse_qsl(urlsplit(link).query))["page"] for rel, link in links(page).items()}
        expected = {"first": 1, "last": last}
        expected |= {"prev": number - 1} if number > 1 else {}
        expected |= {"next": number + 1} if number < last else {}
        assert found == {rel: str(value) for rel, value in expected.items()}
    past = ask("GET", f"{PATH}?page={last + 1}&per_page={size}")
    assert (ids(past), past.headers["x-total-count"]) == ([], str(total))
    assert ids(ask("GET", links(past)["prev"])) == ids(forth[-1])


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("page_size=0", 12), ("page_size=-3", 12), ("page_size=999999", 12), ("page_size=", 12), ("per_page=2", 2),
        ("page_token=&page_size=3", 3), ("page=0&per_page=5", 5), ("page=x&per_page=5", 5), ("page=-1&per_page=5", 5),
        ("page=1&per_page=x", 12), ("page=3&per_page=5", 2), ("page=9&per_page=5&page_size=4", 4), ("per_page=0", 12),
    ],
)  # fmt: skip
def test_odd_pages_are_read_as_the_contract_says(people: People, query: str, count: int) -> None:
    assert len(ids(people.doors.admin("GET", f"{PATH}?{query}"))) == count


def test_links_are_relative_and_keep_the_other_parameters(people: People) -> None:
    """1.10, golden: keys sorted, one comma between the parts."""
    reply = people.doors.admin("GET", f"{PATH}?schema_id=robot&page_size=2&include_credential=oidc")
    first, following = links(reply)["first"], links(reply)["next"]
    assert first == f"{PATH}?include_credential=oidc&page_size=2&schema_id=robot"
    names = [name for name, _ in parse_qsl(urlsplit(following).query)]
    assert names == ["include_credential", "page_size", "page_token", "schema_id"]
    short = people.doors.admin("GET", "/identities?page=1&per_page=1")
    assert links(short)["next"] == "/identities?page=2&per_page=1"


def test_a_walk_by_token_skips_nobody_while_others_come_and_go(doors_of_each: Doors) -> None:
    people = People(doors_of_each)
    seen: list[str] = []
    for number, page in enumerate(walk(doors_of_each.admin, f"{PATH}?page_size=3")):
        seen += ids(page)
        if number < 3:
            people.add(100 + number)
            doors_of_each.admin("DELETE", f"{PATH}/{seen[-1]}")
    assert seen[:12] == people.ids
    assert len(seen) == len(set(seen)) == 15


# Page tokens


def test_W2_a_token_of_another_list_or_another_installation_is_refused(people: People) -> None:
    doors = people.doors
    for _ in range(2):
        doors.session(people.ids[0])
    foreign = [
        dict(parse_qsl(urlsplit(links(doors.admin("GET", f"{path}?page_size=1"))["next"]).query))["page_token"]
        for path in ("/admin/sessions", "/schemas", f"{PATH}/{people.ids[0]}/sessions")
    ]
    forged = [
        Keys([secret], "page tokens").seal(("identities", bytes(16))) for secret in (b"PLEASE-CHANGE-ME", b"x" * 32)
    ]
    wrong = [
        doors.parts.page_keys.seal(value)
        for value in (
            ("identities", 3),
            ("identities", None),
            ("sessions", bytes(16)),
            ("", bytes(16)),
            "identities",
            [],
        )
    ]
    other_purpose = doors.parts.code_keys.seal(("identities", bytes(16)))
    for token in (*foreign, *forged, *wrong, other_purpose):
        doors.admin("GET", f"{PATH}?page_token={quote(token)}").refused(400)


def test_W15_a_token_made_under_the_former_secret_is_good_until_that_is_dropped(doors: Doors) -> None:
    people = People(doors)
    old, new = b"the former secret of it ", b"the secret that is new "
    doors.listen(page_keys=Keys([old], "page tokens"))
    following = links(doors.admin("GET", f"{PATH}?page_size=5"))["next"]
    doors.listen(page_keys=Keys([new, old], "page tokens"))
    assert ids(doors.admin("GET", following)) == people.ids[5:10]
    doors.listen(page_keys=Keys([new], "page tokens"))
    doors.admin("GET", following).refused(400)
