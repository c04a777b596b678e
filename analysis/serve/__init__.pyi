from .server import serve as serve

__all__ = [
    "serve",
]
