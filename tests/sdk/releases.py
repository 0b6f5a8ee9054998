"""The published clients that the tests hold, each unmodified, and what each can neither say nor hear.

A test that needs more than every client has says so: @pytest.mark.needs("expand"); then the ones that lack it are left out.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = ROOT / ".build" / "node" / "node"


@dataclass(frozen=True)
class Release:
    """`old` is the generation of generated code, which decides the spelling of calls. A bearer client cannot send its
    key bare. What it `lacks` is an operation, a parameter of one, or a value that it refuses."""

    name: str
    package: str
    old: bool = False
    bearer: bool = False
    lacks: frozenset[str] = frozenset()
    script: str = "kratos_process"

    @property
    def prefixes(self) -> tuple[str | None, ...]:
        """What can be set to stand before the key."""
        return (None,) if self.bearer else (None, "Bearer", "bearer")

    @property
    def npm(self) -> bool:
        return self.package.startswith("@")

    @property
    def folder(self) -> Path:
        return ROOT / ".build" / "sdk" / ("npm" if self.npm else self.name)

    @property
    def lock(self) -> Path:
        locks = ROOT / "requirements"
        return locks / "npm" / "package-lock.json" if self.npm else locks / f"sdk-{self.name}.txt"


ORY_KRATOS, ORY = "ory_kratos_client", "ory_client"
OLD = frozenset(
    {
        "action=error",
        "code",
        "expand",
        "external_id",
        "identifier",
        "ids",
        "method=profile",
        "page_token",
        "type=password",
    }
)
LEAN = {
    "batch_patch_identities",
    "delete_identity_credentials",
    "credentials_identifier",
    "value=scalar",
    "get_courier_message",
}

TWO_COOKIES = frozenset({"two cookies"})  # of several Set-Cookie headers it hands one on

KRATOS_25 = Release("kratos-25.4.0", ORY_KRATOS, lacks=TWO_COOKIES)
ORY_1_0 = Release("ory-1.0.0", ORY, old=True, bearer=True, lacks=OLD | LEAN | {"verification=code"})
ORY_1_22 = Release("ory-1.22.87", ORY, bearer=True, lacks=TWO_COOKIES)
RELEASES = [
    Release("kratos-0.13.1", ORY_KRATOS, old=True, lacks=OLD | {"continue_with=redirect"}),
    Release("kratos-1.0.0", ORY_KRATOS, old=True, lacks=OLD | {"include_credential=any", "continue_with=redirect"}),
    KRATOS_25,
    ORY_1_0,
    ORY_1_22,
    Release("npm-kratos-26.2.0", "@ory/kratos-client", lacks=frozenset({"no body"})),
    Release("npm-ory-1.22.66", "@ory/client", bearer=True, lacks=frozenset({"no body"})),
]

SLACK_SDK = Release("slack-3.47.0", "slack_sdk", script="slack_process")
SLACK_NPM = Release("npm-slack-8.2.0", "@slack/web-api", script="slack_process")
HUAWEI = Release("huawei-3.1.219", "huaweicloudsdkidentitycenterstore", script="huawei_process")
