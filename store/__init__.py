"""The results store: a folder of immutable Parquet shards, and the DuckDB file made from them.

    from store import append, connect, create_store, ingest, read

Names are imported when first used, so that `import store` costs next to nothing.
"""

from __future__ import annotations

import lazy_loader as lazy

__getattr__, __dir__, __all__ = lazy.attach_stub(__name__, __file__)
