"""nightlatch nodes"""

from nightlatch.cli.opened import ConfigFile, Database, Dev, Json
from nightlatch.cli.printing import print_rows
from nightlatch.core.leases.model import Lease
from nightlatch.kernel.ids import id_text


def nodes(config: ConfigFile = None, dev: Dev = False, json: Json = False) -> None:
    """List the processes that keep answers to session checks on PostgreSQL: none elsewhere."""
    found = Database(None, config, dev).read(lambda tx, _: tx.nodes.list())
    rows = [{**each._asdict(), "id": id_text(each.id)} for each in found]
    print_rows(rows, Lease._fields, as_json=json)
