"""The one writer of whole files, and the one clock."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest

from sql.errors import UserError
from store.clock import now
from store.layout import result_file, whole_file, write_atomically


def break_off(path, writer=whole_file):
    with writer(path) as temporary:
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


def test_a_result_file_follows_a_link_and_makes_its_folder(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "there" / "a.csv")
    with result_file(tmp_path / "link") as temporary:
        temporary.write_bytes(b"one")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "a.csv").read_bytes() == b"one"
    with pytest.raises(RuntimeError):
        break_off(tmp_path / "link", result_file)
    assert [file.name for file in (tmp_path / "there").iterdir()] == ["a.csv"]
    assert (tmp_path / "link").read_bytes() == b"one"


def test_a_result_file_that_is_a_pipe_stays_one(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with result_file(pipe) as temporary:
        temporary.write_bytes(b"one")
    assert os.read(reader, 10) == b"one"
    os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", ["file/a.csv", "."])
def test_a_result_file_that_cannot_be_is_one_line(tmp_path, place):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot write"), result_file(tmp_path / place) as temporary:
        temporary.write_bytes(b"one")


def test_the_clock_is_in_utc_without_a_zone():
    assert now().tzinfo is None
    assert abs(now() - datetime.now(UTC).replace(tzinfo=None)) < timedelta(minutes=1)
