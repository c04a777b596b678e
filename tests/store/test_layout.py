"""The one writer of whole files, and the one clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from store.clock import now
from store.layout import whole_file, write_atomically


def break_off(path):
    with whole_file(path) as temporary:
        temporary.write_bytes(b"half")
        assert path.read_bytes() == b"one"
        raise RuntimeError


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a.json"
    write_atomically(path, b"one")
    with pytest.raises(RuntimeError):
        break_off(path)
    assert path.read_bytes() == b"one"
    with whole_file(path) as temporary:
        temporary.write_bytes(b"two")
    assert path.read_bytes() == b"two"
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_writer_that_never_began_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), whole_file(tmp_path / "a"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_the_clock_is_in_utc_without_a_zone():
    assert now().tzinfo is None
    assert abs(now() - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)
