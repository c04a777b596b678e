"""Directions from the files of other programs, and back into files."""

import hashlib
import importlib.util
import json
import re
import struct

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_tensors

from collect.directions.catalogue import add_checked
from collect.directions.exports import export_directions
from collect.directions.file_directions import layer_of
from collect.directions.selection import select_directions
from collect.directions.vector_files import READERS, read_file
from sql.errors import UserError
from store import append, shards
from store.layout import create_store

T, D, LAYERS = 3, 4, 5
VALUES = np.random.default_rng(0).standard_normal((T, D)).astype(np.float32)
BY_LAYER = {layer: np.arange(1, D + 1, dtype=np.float32) * (layer + 1) for layer in (1, 2, 3)}
NEEDS_GGUF = pytest.mark.skipif(
    importlib.util.find_spec("gguf") is None, reason="gguf is not installed (steerstat[smollm])"
)


def model(**shape):
    told = {"model_id": "m" * 32, "name": "mine", "family": "plain", "weights_sha256": "w"}
    return told | {"tokenizer_sha256": "t"} | shape


@pytest.fixture
def store(tmp_path):
    """A store with a model of T thoughts, width D and LAYERS blocks."""
    root = create_store(tmp_path / "store")
    append(root, "models", [model(d_model=D, n_latent=T, n_layer=LAYERS)])
    return root


def add(root, file, **said):
    """Add a file's directions; their rows by name."""
    said = {"name": "mine", "kind": "probe", "query": None, **said}
    names = add_checked(root, file=file, **said).names
    rows = {row["name"]: row for row in shards.committed(root, "directions").to_pylist()}
    return {name: rows[name] for name in names}


def vectors_of(root, name):
    (direction,) = select_directions(root, name)
    return direction.vectors, direction.is_broadcast


def gguf_file(path, tensors, *, kind="controlvector", raw=None):
    """A GGUF file as llama.cpp's and repeng's writers make it."""
    from gguf import GGUFWriter

    writer = GGUFWriter(path, kind)
    writer.add_string("controlvector.model_hint", "llama")
    writer.add_uint32("controlvector.layer_count", len(tensors))
    for name, tensor in tensors.items():
        writer.add_tensor(name, tensor, raw_dtype=raw)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def npy_of_bfloat16(path, values):
    """As numpy writes ml_dtypes' bfloat16: two bytes without a name, the float32's upper half."""
    np.save(path, (values.view(np.uint32) >> 16).astype(np.uint16).view("V2"))
    return path


def repsteer_folder(folder, component="resid_post", layer=2, **changes):
    folder.mkdir()
    save_file({"direction": BY_LAYER[2]}, folder / "tensors.safetensors")
    place = {"stream": "language", "component": component, "layer": layer, "io": "output"}
    said = {"schema_version": "1.0", "artifact_type": "direction", "method": "diff_mean"}
    said |= {"site": place, "tensor_keys": ["direction"]} | changes
    (folder / "manifest.json").write_text(json.dumps(said))
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    (folder / "checksums.json").write_text(json.dumps({"algorithm": "sha256", "files": sums}))
    return folder


@pytest.mark.parametrize(
    ("key", "layer"),
    [
        ("12", 12),
        ("direction.12", 12),
        ("layer.12", 12),
        ("layer_12", 12),
        ("layer12", 12),
        ("model.layers.12", 12),
        ("transformer.h.12", 12),
        ("blocks.12.hook_resid_post", 12),
        ("residual:12", 12),
        ("arr_0", None),
        ("probe2", None),
        ("layers.1.block.2", None),
        ("hidden_states.3", None),
        ("vectors", None),
        ("", None),
    ],
)
def test_layers_are_read_from_names(key, layer):
    assert layer_of(key) == layer


DTYPES = [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int32, torch.uint8]
DTYPES += [torch.float8_e4m3fn]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_any_number_format_of_tensors(tmp_path, store, dtype):
    # Small whole numbers are exact in each of them.
    whole = torch.arange(1, D * T + 1).reshape(D, T).to(dtype).t()  # not contiguous
    save_tensors({"direction": whole.contiguous()}, tmp_path / "a.safetensors")
    torch.save(whole, tmp_path / "a.pt")
    expected = np.arange(1, D * T + 1).reshape(D, T).T
    add(store, tmp_path / "a.safetensors", name="a")
    add(store, tmp_path / "a.pt", name="b")
    for name in "ab":
        np.testing.assert_array_equal(vectors_of(store, name)[0], expected)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f4", "int8"])
def test_any_number_format_of_numpy(tmp_path, store, dtype):
    whole = np.arange(1, D * T + 1).reshape(T, D).astype(dtype)
    np.save(tmp_path / "a.npy", np.asfortranarray(whole))
    np.savez(tmp_path / "a.npz", whole)
    add(store, tmp_path / "a.npy", name="a")
    add(store, tmp_path / "a.npz", name="b")
    for name in "ab":
        np.testing.assert_array_equal(vectors_of(store, name)[0], whole.astype(float))


def test_bfloat16_of_numpy_is_the_upper_half_of_float32(tmp_path, store):
    # 1.0, -2.5, 3.140625 and 0.00390625 have at most 8 significant bits.
    exact = np.array([1.0, -2.5, 3.140625, 0.00390625], dtype=np.float32)
    add(store, npy_of_bfloat16(tmp_path / "a.npy", exact))
    assert vectors_of(store, "mine")[0][0].tolist() == exact.tolist()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.ones((T, D), dtype=complex), "no array of numbers, they are of complex128"),
        (np.ones((T, D), dtype=bool), "are of bool"),
        (np.full((T, D), "1.0"), "are of <U3"),
        (np.ones((T, D)).astype("V1"), r"are of \|V1"),
        (np.full((T, D), np.nan), "NaN"),
        (np.full((T, D), 1e39), "infinite"),
        (np.zeros((T, D)), "all vectors are zero"),
        (np.ones((0, D)), r"shape \[0, 4\]"),
        (np.ones((T, 0)), r"shape \[3, 0\]"),
        (np.float32(1), r"shape \[\]"),
        (np.ones((D, 1)), r"shape \[4, 1\], a column"),
        (np.ones((T, D + 1)), r"width 5, the store's models need \[3, 4\] for mine"),
        (np.ones(D + 1), "width 5"),
        (np.ones((T + 1, D)), "4 position"),
        (np.ones((LAYERS, D)), "--rows layers"),
        (np.ones((2, T, D)), r"shape \[2, 3, 4\]"),
        (np.ones((1, D)), r"--rows everywhere.*--rows positions"),
        (np.ones((1, 1, D)), "--rows everywhere"),
    ],
)
def test_what_no_direction_can_be_is_one_line_and_nothing_is_stored(
    tmp_path, store, array, message
):
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(UserError, match=message) as caught:
        add(store, tmp_path / "a.npy")
    assert "\n" not in str(caught.value)
    assert not shards.committed(store, "directions").num_rows
    assert not shards.committed(store, "direction_vectors").num_rows


def test_one_row_is_what_is_said_of_it(tmp_path, store):
    np.save(tmp_path / "a.npy", VALUES[:1])
    add(store, tmp_path / "a.npy", name="all", rows="everywhere")
    add(store, tmp_path / "a.npy", name="first", rows="positions")
    assert vectors_of(store, "all")[1]
    vectors, broadcast = vectors_of(store, "first")
    assert not broadcast
    assert select_directions(store, "first")[0].steering(1.0).at_position_0
    np.testing.assert_array_equal(vectors, VALUES[:1])
    np.save(tmp_path / "two.npy", VALUES[:2, None])
    sites = "residual:1,residual:2"
    for rows, everywhere in (("everywhere", True), ("positions", False)):
        add(store, tmp_path / "two.npy", name=rows, site=sites, rows=rows)
        (direction,) = select_directions(store, rows)
        assert direction.everywhere is everywhere
        np.testing.assert_array_equal(direction.vectors, VALUES[:2])
    np.save(tmp_path / "b.npy", VALUES)
    np.save(tmp_path / "c.npy", VALUES[0])
    with pytest.raises(UserError, match="needs one"):
        add(store, tmp_path / "b.npy", name="b", rows="everywhere")
    with pytest.raises(UserError, match="has no positions"):
        add(store, tmp_path / "c.npy", name="c", rows="positions")
    with pytest.raises(UserError, match="unknown rows"):
        add(store, tmp_path / "c.npy", name="c", rows="columns")


def test_rows_of_a_tensor_are_asked_for_where_no_model_settles_them(tmp_path, store):
    bare = create_store(tmp_path / "bare")
    torch.save(torch.from_numpy(VALUES), tmp_path / "a.pt")
    np.testing.assert_array_equal(
        (add(store, tmp_path / "a.pt"), vectors_of(store, "mine")[0])[1], VALUES
    )
    with pytest.raises(UserError, match=r"--rows positions.*--rows layers"):
        add(bare, tmp_path / "a.pt")
    added = add(bare, tmp_path / "a.pt", rows="layers")
    assert {name: row["site"] for name, row in added.items()} == {
        f"mine_layer_{layer}": f"residual:{layer}" for layer in range(T)
    }
    np.testing.assert_array_equal(vectors_of(bare, "mine_layer_1")[0][0], VALUES[1])
    add(bare, tmp_path / "a.pt", rows="layers", key="2", name="third")
    np.testing.assert_array_equal(vectors_of(bare, "third")[0][0], VALUES[2])
    assert add(bare, tmp_path / "a.pt", rows="positions", name="p")["p"]["site"] == "latent"


def test_any_width_fits_a_model_known_by_name_only(tmp_path):
    root = create_store(tmp_path / "store")
    append(root, "models", [model()])
    np.save(tmp_path / "a.npy", np.ones(768))
    add(root, tmp_path / "a.npy", site="residual:5")
    save_file(
        {f"layers.{i}": np.ones(768, dtype="f4") for i in (30, 31)}, tmp_path / "l.safetensors"
    )
    assert list(add(root, tmp_path / "l.safetensors")) == ["mine_layer_30", "mine_layer_31"]


KEYS = ["{}", "direction.{}", "layer.{}", "model.layers.{}"]


@pytest.mark.parametrize("form", KEYS)
@pytest.mark.parametrize("suffix", [".safetensors", ".npz", ".pt"])
def test_vectors_of_every_layer_are_a_direction_each(tmp_path, store, form, suffix):
    path = tmp_path / f"a{suffix}"
    named = {form.format(layer): vector for layer, vector in BY_LAYER.items()}
    if suffix == ".safetensors":
        save_file(named, path)
    elif suffix == ".npz":
        np.savez(path, allow_pickle=False, **named)
    else:
        torch.save({key: torch.from_numpy(vector) for key, vector in named.items()}, path)
    check_layers(store, path, form.format(2))
    with pytest.raises(UserError, match=rf"{re.escape(form.format(1))}, .*--key"):
        add(store, path, name="other", site="residual:1")
    assert add(store, path, key="2", name="by_number")["by_number"]["site"] == "residual:2"


def check_layers(store, path, key, first=0):
    added = add(store, path, first_layer=first)
    assert {name: row["site"] for name, row in added.items()} == {
        f"mine_layer_{layer - first}": f"residual:{layer - first}" for layer in BY_LAYER
    }
    assert json.loads(added[f"mine_layer_{2 - first}"]["recipe"])["key"] == key
    for layer, vector in BY_LAYER.items():
        stored, broadcast = vectors_of(store, f"mine_layer_{layer - first}")
        assert broadcast
        np.testing.assert_array_equal(stored[0], vector)


def test_layers_of_whole_numbers_and_those_that_count_from_1(tmp_path, store):
    torch.save({layer: torch.from_numpy(v) for layer, v in BY_LAYER.items()}, tmp_path / "a.pt")
    check_layers(store, tmp_path / "a.pt", "2", first=1)
    with pytest.raises(UserError, match="1 lies before the first block"):
        add(store, tmp_path / "a.pt", name="b", first_layer=2)
    torch.save({LAYERS: torch.ones(D)}, tmp_path / "beyond.pt")
    with pytest.raises(UserError, match=r"residual:5, the store's models have blocks 0 to 4"):
        add(store, tmp_path / "beyond.pt", name="b")
    assert add(store, tmp_path / "beyond.pt", name="b", first_layer=1)["b"]["site"] == "residual:4"


def test_layers_of_zeros_are_left_out_and_named(tmp_path, store):
    tensors = torch.ones(LAYERS, D)
    tensors[[0, 3]] = 0
    torch.save({"vectors": tensors, "model": "mine", "dose": 2.5}, tmp_path / "a.pt")
    added = add_checked(
        store, file=tmp_path / "a.pt", query=None, name="m", kind="k", rows="layers"
    )
    assert added.names == ("m_layer_1", "m_layer_2", "m_layer_4")
    assert added.left_out == ("0", "3")
    recipe = select_directions(store, "m_layer_1")[0].recipe
    assert recipe == {"file": "a.pt", "key": "1", "metadata": {"model": "mine", "dose": 2.5}}
    torch.save(torch.zeros(LAYERS, D), tmp_path / "b.pt")
    with pytest.raises(UserError, match="all layers are zero"):
        add(store, tmp_path / "b.pt", name="b", rows="layers")


def test_one_bad_layer_stops_all_of_them(tmp_path, store):
    tensors = {layer: torch.from_numpy(vector) for layer, vector in BY_LAYER.items()}
    torch.save(tensors | {3: torch.full((D,), torch.nan)}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="mine_layer_3: vectors hold NaN"):
        add(store, tmp_path / "a.pt")
    torch.save(tensors | {3: torch.ones(D + 1)}, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"mine_layer_3: .* width 5"):
        add(store, tmp_path / "a.pt")
    assert not shards.committed(store, "directions").num_rows


def test_layers_named_twice_or_not_at_all_are_listed(tmp_path, store):
    torch.save({1: torch.ones(D), "layer.1": torch.ones(D)}, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"holds .*1.*: say which with --key"):
        add(store, tmp_path / "a.pt")
    torch.save({1: torch.ones(D), "1": torch.ones(D)}, tmp_path / "b.pt")
    with pytest.raises(UserError, match="1 twice"):
        add(store, tmp_path / "b.pt")
    np.savez(tmp_path / "c.npz", np.ones(D), np.ones(D))
    with pytest.raises(UserError, match="holds arr_0, arr_1: say which"):
        add(store, tmp_path / "c.npz")
    with pytest.raises(UserError, match="none is named '7'"):
        add(store, tmp_path / "c.npz", key="7")
    torch.save({"model": "x"}, tmp_path / "d.pt")
    with pytest.raises(UserError, match="holds no arrays"):
        add(store, tmp_path / "d.pt")


@NEEDS_GGUF
def test_a_control_vector_acts_where_llama_cpp_adds_it(tmp_path, store):
    # llama.cpp adds direction.<n> to the output of block n, blocks counted from 0 (build_cvec).
    path = gguf_file(
        tmp_path / "happy.gguf", {f"direction.{i}": vector for i, vector in BY_LAYER.items()}
    )
    check_layers(store, path, "direction.2")
    recipe = select_directions(store, "mine_layer_2")[0].recipe
    assert recipe["metadata"]["controlvector.model_hint"] == "llama"
    one = add(store, path, key="direction.2", name="one", site="residual:1")["one"]
    assert one["site"] == "residual:1"
    half = {f"direction.{i}": vector.astype(np.float16) for i, vector in BY_LAYER.items()}
    add(store, gguf_file(tmp_path / "half.gguf", half), name="half")
    np.testing.assert_array_equal(vectors_of(store, "half_layer_3")[0][0], BY_LAYER[3])


@NEEDS_GGUF
def test_a_model_is_no_control_vector(tmp_path, store):
    path = gguf_file(tmp_path / "model.gguf", {"output.weight": VALUES}, kind="llama")
    with pytest.raises(UserError, match=r"no control vector \(general.architecture is 'llama'\)"):
        add(store, path)


def test_without_gguf_the_package_is_named(tmp_path, store, monkeypatch):
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install gguf"):
        add(store, tmp_path / "a.gguf")


def test_steering_vectors_of_aisteer360(tmp_path, store):
    said = {"model_type": "llama", "directions": {"2": [[1, 2, 3, 4]], "3": [4, 3, 2, 1]}}
    (tmp_path / "a.svec").write_text(json.dumps(said))
    added = add(store, tmp_path / "a.svec")
    assert {name: row["site"] for name, row in added.items()} == {
        "mine_layer_2": "residual:2",
        "mine_layer_3": "residual:3",
    }
    assert vectors_of(store, "mine_layer_2")[1]
    said["directions"] = {"2": VALUES[:2].tolist()}
    (tmp_path / "a.svec").write_text(json.dumps(said))
    with pytest.raises(UserError, match="--rows positions"):
        add(store, tmp_path / "a.svec", name="plane")
    (tmp_path / "heads.svec").write_text(json.dumps(said | {"num_heads": 2, "head_dim": 4}))
    with pytest.raises(UserError, match=r"attention heads \(num_heads 2\)"):
        add(store, tmp_path / "heads.svec", name="heads")
    for bad in ("{}", "[]", "{", '{"directions": 3}', '{"directions": {"2": [[1], [1, 2]]}}'):
        (tmp_path / "bad.svec").write_text(bad)
        with pytest.raises(UserError, match=r"bad\.svec"):
            add(store, tmp_path / "bad.svec", name="bad")


@pytest.mark.parametrize(
    ("component", "layer", "site"),
    [("resid_post", 2, "residual:2"), ("resid_pre", 2, "residual:1")],
)
def test_folders_of_repsteer(tmp_path, store, component, layer, site):
    row = add(store, repsteer_folder(tmp_path / "a", component, layer))["mine"]
    assert row["site"] == site
    assert json.loads(row["recipe"])["metadata"]["method"] == "diff_mean"
    np.testing.assert_array_equal(vectors_of(store, "mine")[0][0], BY_LAYER[2])


@pytest.mark.parametrize(("component", "layer"), [("attn_out", 2), ("resid_pre", 0)])
def test_a_place_of_repsteer_that_is_none_here_is_asked_for(tmp_path, store, component, layer):
    folder = repsteer_folder(tmp_path / "a", component, layer)
    with pytest.raises(UserError, match=f"{component}.*say where it acts here with --site"):
        add(store, folder)
    assert add(store, folder, site="residual:3")["mine"]["site"] == "residual:3"


def test_a_damaged_folder_of_repsteer(tmp_path, store):
    folder = repsteer_folder(tmp_path / "a")
    save_file({"direction": BY_LAYER[1]}, folder / "tensors.safetensors")
    with pytest.raises(UserError, match=r"tensors\.safetensors was altered"):
        add(store, folder)
    (folder / "manifest.json").write_text("[")
    with pytest.raises(UserError, match=r"manifest\.json is damaged"):
        read_file(folder)
    (folder / "manifest.json").unlink()
    with pytest.raises(UserError, match=r"it has no manifest\.json"):
        add(store, folder)


class Evil:
    def __reduce__(self):
        return (print, ("run",))


def test_code_in_files_is_never_run(tmp_path, store, capsys):
    objects = np.array([print, {"a": 1}], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", a=objects)
    for name in ("a.npy", "a.npz"):
        with pytest.raises(UserError, match="never loaded"):
            add(store, tmp_path / name)
    torch.save({"vector": torch.ones(D), "more": Evil()}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="could run code"):
        add(store, tmp_path / "a.pt")
    with pytest.raises(UserError, match=r"not '.pkl'"):
        add(store, tmp_path / "a.pkl")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("suffix", READERS)
def test_damaged_files_are_one_line(tmp_path, store, suffix):
    if suffix == ".gguf" and importlib.util.find_spec("gguf") is None:
        pytest.skip("gguf is not installed (steerstat[smollm])")
    # A header that is as long as it says it is would fill the memory.
    long = struct.pack("<Q", 2**60) + b"{}"
    for content in (b"", b"torn", b"PK\x03\x04torn", b"GGUF\x03\x00\x00\x00", b"\x93NUMPY", long):
        (tmp_path / f"a{suffix}").write_bytes(content)
        with pytest.raises(UserError, match=re.escape(f"a{suffix}")) as caught:
            add(store, tmp_path / f"a{suffix}")
        assert "\n" not in str(caught.value)


def test_positions_of_parquet_say_themselves_what_they_are(tmp_path, store):
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, positions in (("all", [2, 0, 1]), ("flat", [-1]), ("first", [0])):
        values = [VALUES[max(i, 0)].tolist() for i in positions]
        pq.write_table(
            pa.table({"position": positions, "values": values}), tmp_path / f"{name}.parquet"
        )
        add(store, tmp_path / f"{name}.parquet", name=name)
    np.testing.assert_array_equal(vectors_of(store, "all")[0], VALUES)
    assert vectors_of(store, "flat")[1]
    assert not vectors_of(store, "first")[1]


def test_safetensors_carry_a_direction_from_store_to_store(tmp_path, store):
    np.save(tmp_path / "a.npy", VALUES[:1])
    add(store, tmp_path / "a.npy", rows="positions", role="control", site="residual:2")
    (direction,) = select_directions(store, "mine")
    export_directions([direction], tmp_path / "mine.safetensors")
    other = create_store(tmp_path / "other")
    row = add(other, tmp_path / "mine.safetensors", name=None, kind=None)["mine"]
    told = {key: row[key] for key in ("name", "kind", "role", "site")}
    assert told == {"name": "mine", "kind": "probe", "role": "control", "site": "residual:2"}
    said = json.loads(row["recipe"])["metadata"]
    assert said["direction_id"] == direction.direction_id
    assert json.loads(said["recipe"]) == {"file": "a.npy"}
    assert said["sha256"] == hashlib.sha256(VALUES[:1].tobytes()).hexdigest()
    vectors, broadcast = vectors_of(other, "mine")
    assert not broadcast
    np.testing.assert_array_equal(vectors, VALUES[:1])
    save_file({"direction": VALUES[1:2]}, tmp_path / "b.safetensors", metadata=said)
    with pytest.raises(UserError, match="was altered"):
        add(other, tmp_path / "b.safetensors")


@NEEDS_GGUF
def test_control_vectors_go_out_as_they_came_in(tmp_path, store):
    tensors = {f"direction.{layer}": vector for layer, vector in BY_LAYER.items()}
    add(store, gguf_file(tmp_path / "a.gguf", tensors))
    export_directions(select_directions(store, "mine_layer_*"), tmp_path / "b.gguf")
    written = read_file(tmp_path / "b.gguf")
    assert written.recipe["metadata"]["controlvector.layer_count"] == len(BY_LAYER)
    assert written.arrays.keys() == tensors.keys()
    for key, vector in tensors.items():
        np.testing.assert_array_equal(written.arrays[key], vector)


def test_numpy_files_hold_the_vectors_alone(tmp_path, store):
    np.save(tmp_path / "a.npy", VALUES)
    add(store, tmp_path / "a.npy")
    export_directions(select_directions(store, "mine"), tmp_path / "b.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), VALUES)


def test_exports_that_cannot_say_what_a_direction_is(tmp_path, store):
    pytest.importorskip("gguf")
    np.save(tmp_path / "a.npy", VALUES)
    np.save(tmp_path / "b.npy", VALUES[0])
    add(store, tmp_path / "a.npy", name="thoughts")
    add(store, tmp_path / "b.npy", name="first", site="residual:0")
    add(store, tmp_path / "b.npy", name="same", site="residual:2")
    add(store, tmp_path / "b.npy", name="again", site="residual:2", kind="other")
    for names, file, message in (
        ("thoughts", "c.gguf", "no control vector"),
        ("first", "c.gguf", "residual:0, where llama.cpp adds nothing"),
        ("same,again", "c.gguf", "both act at residual:2"),
        ("same,again", "c.safetensors", "one direction fits in a file"),
        ("same,again", "c.npy", "one direction fits in a file"),
        ("same", "c.txt", r"\.safetensors, \.npy, \.gguf, not '\.txt'"),
        ("same", "a.npy", "is there already"),
        ("same", "none/c.npy", "no folder"),
    ):
        with pytest.raises(UserError, match=message):
            export_directions(select_directions(store, names), tmp_path / file)
    assert not list(tmp_path.glob("*c.*"))
