"""The page about the client that is generated from our document says what the published one says: the same methods,
arguments, answers and ways to be authorized. Where we say more, it is here."""

import re

import pytest
from tests.sdk.generated import generated

TOKEN = " **token** | **str**| Authentication token. Requires scope: &#x60;admin.users:write&#x60; | "
PUBLISHED = {
    "admin_users_session_invalidate": [
        "> DefaultSuccessTemplate admin_users_session_invalidate(token, session_id, team_id)",
        "Invalidate a single session for a user by session_id",
        TOKEN,
        " **session_id** | **int**|  | ",
        " **team_id** | **str**| ID of the team that the session belongs to | ",
    ],
    "admin_users_session_reset": [
        "> DefaultSuccessTemplate admin_users_session_reset(token, user_id, mobile_only=mobile_only, web_only=web_only)",
        "Wipes all valid sessions on all devices for a given user",
        TOKEN,
        " **user_id** | **str**| The ID of the user to wipe sessions for | ",
        " **mobile_only** | **bool**| Only expire mobile sessions (default: false) | [optional] ",
        " **web_only** | **bool**| Only expire web sessions (default: false) | [optional] ",
    ],
}
EVERY = [
    "* OAuth Authentication (slackAuth):",
    'configuration.access_token = os.environ["ACCESS_TOKEN"]',
    "    api_instance = openapi_client.AdminUsersSessionApi(api_client)",
    "[**DefaultSuccessTemplate**](DefaultSuccessTemplate.md)",
    "[slackAuth](../README.md#slackAuth)",
    " - **Content-Type**: application/x-www-form-urlencoded",
    " - **Accept**: application/json",
    "**200** | Typical success response |  -  |",
    "**0** | Typical error response |  -  |",
]
OURS = {  # Slack asks for a user nowadays, and takes a call without a team
    PUBLISHED["admin_users_session_invalidate"][
        0
    ]: "> DefaultSuccessTemplate admin_users_session_invalidate(token, session_id, team_id=team_id, user_id=user_id)",
    " **team_id** | **str**| ID of the team that the session belongs to | ": " **team_id** | **str**| ID of the team that the session belongs to | [optional] ",
}


def sections() -> dict[str, list[str]]:
    page = (generated("slack") / "docs" / "AdminUsersSessionApi.md").read_text()
    parts = re.split(r"^# \*\*(\w+)\*\*$", page, flags=re.MULTILINE)
    return {name: text.splitlines() for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize("method", PUBLISHED)
def test_a_published_method_is_documented_as_it_was_published(method: str) -> None:
    said = sections()[method]
    missing = [line for line in [*PUBLISHED[method], *EVERY] if line not in said]
    assert missing == [line for line in PUBLISHED[method] if line in OURS]
    assert all(OURS[line] in said for line in missing)


def test_every_method_of_the_family_is_generated() -> None:
    names = {name.removeprefix("admin_users_session_") for name in sections()}
    assert names == {"invalidate", "reset", "reset_bulk", "list", "get_settings", "set_settings", "clear_settings"}
