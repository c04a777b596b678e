from .database import connect as connect
from .database import rows_digest as rows_digest
from .digest import store_digest as store_digest
from .folder import Folder as Folder
from .folder import open_store as open_store
from .identity import (
    condition_id as condition_id,
)
from .identity import (
    content_id as content_id,
)
from .identity import (
    direction_id as direction_id,
)
from .identity import (
    model_id as model_id,
)
from .identity import (
    problem_id as problem_id,
)
from .ingestion import IngestReport as IngestReport
from .ingestion import ingest as ingest
from .ingestion import rebuild as rebuild
from .layout import create_store as create_store
from .querying import read as read
from .schema import TABLES as TABLES
from .shards import append as append
from .shards import committed as committed

__all__ = [
    "TABLES",
    "Folder",
    "IngestReport",
    "append",
    "committed",
    "condition_id",
    "connect",
    "content_id",
    "create_store",
    "direction_id",
    "ingest",
    "model_id",
    "open_store",
    "problem_id",
    "read",
    "rebuild",
    "rows_digest",
    "store_digest",
]
