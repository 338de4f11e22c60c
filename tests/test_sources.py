"""Sources: local files, objects in memory, and datasets on the loopback Hub read by the real clients."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.errors import RevisionError, SourceError
from hfscore.fingerprint import fingerprint
from hfscore.loopback import LoopbackHub
from hfscore.sources import UNREADABLE, Source, open_source, parse_source, problems
from hfscore.sources.layout import prove

ROWS = [{"question": f"What is {i}?", "reasoning": f"It is {i}.\nYes, {i}", "n": i} for i in range(7)]


def parquet(rows: Sequence[dict[str, Any]], **options: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows)), out, **options)
    return out.getvalue()


def jsonl(rows: Sequence[Any]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def csv_bytes(rows: Sequence[dict[str, Any]], delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def arrow(rows: Sequence[dict[str, Any]], kind: str) -> bytes:
    out = io.BytesIO()
    table = pa.Table.from_pylist(list(rows))
    with (pa.ipc.new_file if kind == "file" else pa.ipc.new_stream)(out, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)
    return out.getvalue()


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def rows_of(source: Source, columns: Sequence[str] | None = None, which: int = 0) -> list[dict[str, Any]]:
    found = list(source.scan(source.splits[which], columns))
    assert [number for number, _ in found] == list(range(len(found)))
    return [row for _, row in found]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """No waiting between tries, ours or the client's; the list collects our waits."""
    waits: list[float] = []
    monkeypatch.setattr(problems, "pause", waits.append)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    return waits


# What a user may write


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("owner/name", ("hub", "owner/name", None, None)),
        ("owner/name@v1.0", ("hub", "owner/name", "v1.0", None)),
        ("owner/name@refs/pr/3", ("hub", "owner/name", "refs/pr/3", None)),
        ("hf://datasets/owner/name", ("hub", "owner/name", None, None)),
        ("hf://datasets/owner/name@abc/data/a.parquet", ("hub", "owner/name", "abc", "data/a.parquet")),
        ("hf://datasets/owner/name@refs/convert/parquet/a/b", ("hub", "owner/name", "refs/convert/parquet", "a/b")),
        ("https://huggingface.co/datasets/owner/name", ("hub", "owner/name", None, None)),
        ("https://huggingface.co/datasets/owner/name/tree/main/data", ("hub", "owner/name", "main", "data")),
        ("./owner/name", ("files", Path("owner/name"))),
        ("~/x", ("files", Path("~/x"))),
        ("/tmp/x", ("files", Path("/tmp/x"))),
        ("data/x.jsonl.gz", ("files", Path("data/x.jsonl.gz"))),
    ],
)
def test_parse_source(text: str, expected: tuple[object, ...]) -> None:
    assert parse_source(text) == expected


@pytest.mark.parametrize("text", ["", "s3://bucket/x", "hf://models/owner/name", "no such folder", "a/b/c/d"])
def test_parse_source_refuses_what_it_does_not_know(text: str) -> None:
    with pytest.raises(SourceError):
        parse_source(text)


def test_a_folder_named_like_an_id_needs_a_prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lab" / "shadowed").mkdir(parents=True)
    (tmp_path / "lab" / "shadowed" / "a.jsonl").write_bytes(jsonl(ROWS))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=r"\./lab/shadowed"):
        open_source("lab/shadowed")
    assert rows_of(open_source("./lab/shadowed")) == ROWS


def test_a_hub_dataset_says_that_a_folder_has_its_name(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.create_dataset("lab/both", {"a.jsonl": jsonl(ROWS[:1])})
    (tmp_path / "lab" / "both").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert any("./lab/both" in note for note in open_source("lab/both").notes)


# Local files


def _typed(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: str(value) for key, value in row.items()} for row in rows]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("a.parquet", parquet(ROWS, row_group_size=2), ROWS),
        ("a.arrow", arrow(ROWS, "file"), ROWS),
        ("b.arrow", arrow(ROWS, "stream"), ROWS),
        ("a.jsonl", jsonl(ROWS), ROWS),
        ("a.ndjson", jsonl(ROWS), ROWS),
        ("bom.jsonl", b"\xef\xbb\xbf" + jsonl(ROWS), ROWS),
        ("lines.json", jsonl(ROWS), ROWS),
        ("array.json", json.dumps(ROWS).encode(), ROWS),
        ("pretty.json", b" \n" + json.dumps(ROWS, indent=2).encode(), ROWS),
        ("object.json", json.dumps({"version": 1, "data": ROWS}, indent=1).encode(), ROWS),
        ("columns.json", json.dumps({key: [r[key] for r in ROWS] for key in ROWS[0]}).encode(), ROWS),
        ("a.csv", csv_bytes(ROWS), _typed(ROWS)),
        ("a.tsv", csv_bytes(ROWS, "\t"), _typed(ROWS)),
        ("a.jsonl.gz", gzip.compress(jsonl(ROWS)), ROWS),
        ("a.jsonl.bz2", bz2.compress(jsonl(ROWS)), ROWS),
        ("a.jsonl.xz", lzma.compress(jsonl(ROWS)), ROWS),
        ("a.jsonl.zst", zstd(jsonl(ROWS)), ROWS),
        ("a.csv.gz", gzip.compress(csv_bytes(ROWS)), _typed(ROWS)),
        ("empty.json", b"[]", []),
        ("empty.jsonl", b"", []),
    ],
)
def test_formats(tmp_path: Path, name: str, data: bytes, expected: list[dict[str, Any]]) -> None:
    (tmp_path / name).write_bytes(data)
    source = open_source(tmp_path / name)
    ref = source.splits[0]
    assert rows_of(source) == expected
    assert rows_of(source, ["question"]) == [{"question": row["question"]} for row in expected]
    assert rows_of(source, []) == rows_of(source, ["no such column"]) == [{}] * len(expected)
    assert source.head(ref, 3) == expected[:3]
    assert source.count(ref) == len(expected)
    if expected:
        assert list(source.take(ref, [1, 5], ["n"])) == [(i, {"n": expected[i]["n"]}) for i in (1, 5)]
        with pytest.raises(IndexError):
            list(source.take(ref, [0, 99]))


def test_what_a_local_file_is_called(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(jsonl(ROWS))
    info = open_source(tmp_path / "a.jsonl").info
    assert (info.kind, info.id, info.revision, info.url, info.viewer) == ("files", "a.jsonl", None, None, False)
    assert open_source(tmp_path / "a.jsonl", name="mine").info.id == "mine"


def test_a_line_that_is_no_row_keeps_its_number(tmp_path: Path) -> None:
    lines = [b'{"question": "a"}', b'{"question": "torn', b"", b"[1, 2]", b'{"question": "\xff"}', b'{"question": "b"}']
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    source = open_source(tmp_path / "a.jsonl")
    found = rows_of(source, ["question"])
    assert [set(row) for row in found] == [{"question"}, {UNREADABLE}, {UNREADABLE}, {UNREADABLE}, {"question"}]
    assert "line 2: not JSON" in found[1][UNREADABLE]
    assert "line 4: not a JSON object" in found[2][UNREADABLE]
    assert source.head(source.splits[0]) == [{"question": "a"}, {"question": "b"}]


def test_a_csv_row_of_another_length_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('q,a\n"one\ntwo",1\nx\ny,2,3\nz,\n')
    found = rows_of(open_source(tmp_path / "a.csv"))
    assert found[0] == {"q": "one\ntwo", "a": "1"}
    assert "1 fields where the header has 2" in found[1][UNREADABLE]
    assert "3 fields where the header has 2" in found[2][UNREADABLE]
    assert found[3] == {"q": "z", "a": None}


def test_a_csv_field_may_be_long(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(csv_bytes([{"q": "x" * 300_000}]))
    assert len(rows_of(open_source(tmp_path / "a.csv"))[0]["q"]) == 300_000


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("cut.parquet", parquet(ROWS)[:-20]),
        ("text.parquet", b"version https://git-lfs.github.com/spec/v1\n"),
        ("cut.jsonl.gz", gzip.compress(jsonl(ROWS))[:-12]),
        ("cut.jsonl.zst", zstd(jsonl(ROWS * 50))[:-12]),
        ("cut.json", json.dumps(ROWS).encode()[:-9]),
        ("two.json", json.dumps(ROWS).encode() * 2),
        ("half.json", b'{"question": '),
        ("latin.csv", "q\n\xe9\n".encode("latin-1")),
        ("twice.csv", b"q,q\n1,2\n"),
        ("cut.arrow", arrow(ROWS, "stream")[:300]),
    ],
)
def test_a_damaged_file_raises_and_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(SourceError, match=name):
        rows_of(open_source(tmp_path / name))


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(), lambda v: st.lists(v, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(), JSON_VALUES, max_size=4), max_size=6),
    st.sampled_from([None, 0, 3]),
    st.integers(1, 40),
)
def test_an_array_reads_the_same_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], indent: int | None, chunk: int
) -> None:
    path = tmp_path_factory.mktemp("array") / "a.json"
    path.write_text(json.dumps(rows, indent=indent, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hfscore.sources.text._CHUNK", chunk)
        assert rows_of(open_source(path)) == rows


def test_a_folder_is_laid_out_as_datasets_does(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_bytes(jsonl(ROWS[:4]))
    (tmp_path / "test.jsonl").write_bytes(jsonl(ROWS[4:]))
    (tmp_path / "stray.csv").write_bytes(csv_bytes(ROWS))
    source = open_source(tmp_path)
    assert [str(ref) for ref in source.splits] == ["default/train"]
    assert rows_of(source) == ROWS[:4]
    assert "Of config default the split train is read; there is also test." in source.notes
    assert any("stray.csv" in note for note in source.notes)
    both = open_source(tmp_path, splits=["test", "train"])
    assert [rows_of(both, which=i) for i in (0, 1)] == [ROWS[4:], ROWS[:4]]


def test_a_folder_with_configs_in_its_card(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n- config_name: small\n  data_files: s/*\n- config_name: large\n  data_files: l.parquet\n---\n"
    )
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "1.jsonl").write_bytes(jsonl(ROWS[:2]))
    (tmp_path / "s" / "2.jsonl").write_bytes(jsonl(ROWS[2:4]))
    (tmp_path / "l.parquet").write_bytes(parquet(ROWS))
    source = open_source(tmp_path)
    assert [(r.config, r.format, r.rows) for r in source.splits] == [("small", "jsonl", None), ("large", "parquet", 7)]
    assert (rows_of(source), rows_of(source, which=1)) == (ROWS[:4], ROWS)
    assert list(source.take(source.splits[0], [1, 3], ["n"])) == [(1, {"n": 1}), (3, {"n": 3})]
    with pytest.raises(SourceError, match="Closest: small"):
        open_source(tmp_path, configs=["smal"])
    with pytest.raises(SourceError, match="There is: train"):
        open_source(tmp_path, splits=["dev"])


def test_a_folder_that_datasets_cannot_read_is_one_split(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\nconfigs: [\n---\n")
    (tmp_path / "b.jsonl").write_bytes(jsonl(ROWS[4:]))
    (tmp_path / "a.parquet").write_bytes(parquet(ROWS[:4]))
    source = open_source(tmp_path)
    assert rows_of(source) == ROWS
    assert source.splits[0].format == "mixed"
    assert any("read as one" in note for note in source.notes)


def test_what_save_to_disk_writes(tmp_path: Path) -> None:
    from datasets import Dataset, DatasetDict

    Dataset.from_list(ROWS).save_to_disk(tmp_path / "one", num_shards=3)
    assert rows_of(open_source(tmp_path / "one")) == ROWS
    both = DatasetDict({"train": Dataset.from_list(ROWS[:3]), "dev": Dataset.from_list(ROWS[3:]).shuffle(seed=1)})
    both.save_to_disk(tmp_path / "both")
    assert rows_of(open_source(tmp_path / "both")) == ROWS[:3]
    assert rows_of(open_source(tmp_path / "both", splits=["dev"])) == list(both["dev"])


@pytest.mark.parametrize("name", ["missing.jsonl", "folder", "notes.md"])
def test_local_paths_that_hold_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.md").write_text("no data")
    with pytest.raises(SourceError):
        open_source(tmp_path / name)


# Fingerprints


def test_a_fingerprint_is_of_the_data_alone() -> None:
    files = [("data/a.parquet", "1"), ("data/b.parquet", "2")]
    card = [("README.md", "3"), (".gitattributes", "4"), (".hfscore/report.json", "5")]
    assert fingerprint(files + card) == fingerprint(files[::-1])
    assert fingerprint(files).startswith("sha256:")
    others = [[("data/a.parquet", "2"), ("data/b.parquet", "1")], files[:1], [*files, ("sub/README.md", "3")]]
    assert len({fingerprint(entries) for entries in (files, *others)}) == 4


def test_a_local_fingerprint_follows_the_content(tmp_path: Path) -> None:
    def seen() -> str | None:
        return open_source(tmp_path).info.fingerprint

    (tmp_path / "a.jsonl").write_bytes(jsonl(ROWS))
    before = seen()
    (tmp_path / "README.md").write_text("# A card\n")
    assert seen() == before
    (tmp_path / "a.jsonl").write_bytes(jsonl(ROWS[::-1]))
    assert seen() != before


# Objects in memory


def _generated() -> Iterator[dict[str, Any]]:
    yield from ROWS


@pytest.mark.parametrize("kind", ["list", "tuple", "iterator", "Dataset", "IterableDataset"])
def test_objects(kind: str) -> None:
    from datasets import Dataset, IterableDataset

    makers: dict[str, Callable[[], Any]] = {
        "list": lambda: ROWS,
        "tuple": lambda: tuple(ROWS),
        "iterator": _generated,
        "Dataset": lambda: Dataset.from_list(ROWS).select(range(7)),
        "IterableDataset": lambda: IterableDataset.from_generator(_generated),
    }
    source = open_source(makers[kind](), name="mine")
    ref = source.splits[0]
    assert (source.info.kind, source.info.id, ref.format) == ("python", "mine", "memory")
    assert ref.rows == (None if kind == "IterableDataset" else 7)
    assert rows_of(source) == rows_of(source) == ROWS
    assert rows_of(source, ["n"]) == [{"n": i} for i in range(7)]
    assert rows_of(source, []) == [{}] * 7
    assert source.head(ref, 2) == ROWS[:2]
    assert list(source.take(ref, [2, 6], ["n"])) == [(2, {"n": 2}), (6, {"n": 6})]


def test_a_dataset_dict() -> None:
    from datasets import Dataset, DatasetDict

    data = DatasetDict({"test": Dataset.from_list(ROWS[:2]), "train": Dataset.from_list(ROWS)})
    source = open_source(data)
    assert (rows_of(source), [r.split for r in source.splits]) == (ROWS, ["train"])
    assert "there is also test" in source.notes[0]
    assert [r.split for r in open_source(data, splits=["test"]).splits] == ["test"]


@pytest.mark.parametrize("data", [42, {"question": "a"}, ["a", "b"], None])
def test_objects_that_are_no_dataset(data: object) -> None:
    with pytest.raises(SourceError):
        open_source(data)


# The Hub


def test_a_hub_dataset(hub: LoopbackHub, capfd: pytest.CaptureFixture[str]) -> None:
    sha = hub.create_dataset(
        "lab/plain", {"README.md": b"# Plain\n", "data/train-00000-of-00001.parquet": parquet(ROWS)}
    )
    source = open_source("lab/plain")
    assert rows_of(source) == ROWS
    info = source.info
    assert (info.kind, info.id, info.revision) == ("hub", "lab/plain", f"git:{sha}")
    assert (info.url, info.viewer) == (f"{hub.endpoint}/datasets/lab/plain", True)
    assert source.splits[0].rows == 7
    hub.commit("lab/plain", {"README.md": b"---\nviewer: false\n---\n# Another card\n"})
    assert open_source("lab/plain").info.fingerprint == info.fingerprint
    assert not open_source("lab/plain").info.viewer
    assert open_source("lab/plain", revision=sha).info.revision == f"git:{sha}"
    assert not open_source("lab/plain", revision=sha).info.viewer  # the viewer shows the main branch
    hub.commit("lab/plain", {"data/train-00000-of-00001.parquet": parquet(ROWS[:3])})
    assert rows_of(open_source("lab/plain")) == ROWS[:3]
    assert open_source("lab/plain").info.fingerprint != info.fingerprint
    assert rows_of(open_source("lab/plain", revision=sha)) == ROWS
    assert capfd.readouterr().out == ""


def test_configs_may_mix_formats(hub: LoopbackHub) -> None:
    card = (
        b"---\nconfigs:\n- config_name: columns\n  data_files:\n  - split: train\n    path: c/*.parquet\n"
        b"- config_name: lines\n  data_files:\n  - split: train\n    path: l/*.jsonl.gz\n"
        b"  - split: test\n    path: l/test.csv\n---\n# Mixed\n"
    )
    hub.create_dataset(
        "lab/mixed",
        {
            "README.md": card,
            "c/1.parquet": parquet(ROWS[:4]),
            "c/2.parquet": parquet(ROWS[4:]),
            "l/1.jsonl.gz": gzip.compress(jsonl(ROWS)),
            "l/test.csv": csv_bytes(ROWS),
        },
    )
    source = open_source("lab/mixed")
    assert [(str(ref), ref.format) for ref in source.splits] == [("columns/train", "parquet"), ("lines/train", "jsonl")]
    assert (rows_of(source), rows_of(source, which=1)) == (ROWS, ROWS)
    assert source.notes == (
        "All 2 configs are read: columns, lines.",
        "Of config lines the split train is read; there is also test.",
    )
    one = open_source("lab/mixed", configs=["lines"], splits=["test"])
    assert rows_of(one) == _typed(ROWS)
    assert "Of 2 configs lines is read; there is also columns." in one.notes
    with pytest.raises(SourceError, match="There is no split 'dev'"):
        open_source("lab/mixed", splits=["dev"])


def test_many_configs_are_not_read_unasked(hub: LoopbackHub) -> None:
    names = [f"c{i}" for i in range(7)]
    entries = "".join(f"- config_name: {name}\n  data_files: {name}.jsonl\n" for name in names)
    files = {f"{name}.jsonl": jsonl(ROWS[:1]) for name in names}
    hub.create_dataset("lab/many", {"README.md": f"---\nconfigs:\n{entries}---\n".encode(), **files})
    with pytest.raises(SourceError, match="7 configs: c0, c1") as caught:
        open_source("lab/many")
    assert "--config NAME" in caught.value.hint
    assert [ref.config for ref in open_source("lab/many", configs=["c3"]).splits] == ["c3"]


def test_files_and_folders_by_address(hub: LoopbackHub) -> None:
    files = {"a/1.jsonl": jsonl(ROWS[:2]), "a/2.jsonl": jsonl(ROWS[2:4]), "b.csv": csv_bytes(ROWS)}
    hub.create_dataset("lab/parts", files)
    assert rows_of(open_source("hf://datasets/lab/parts/a")) == ROWS[:4]
    assert rows_of(open_source("hf://datasets/lab/parts@main/a/2.jsonl")) == ROWS[2:4]
    assert rows_of(open_source("hf://datasets/lab/parts/a/*.jsonl")) == ROWS[:4]
    with pytest.raises(SourceError, match="no data files at c"):
        open_source("hf://datasets/lab/parts/c")
    with pytest.raises(SourceError, match="Two revisions"):
        open_source("hf://datasets/lab/parts@main/a", revision="v2")


def test_only_the_needed_bytes_are_fetched(hub: LoopbackHub) -> None:
    rows = [
        {"question": f"q{i}", "reasoning": f"{i * 7919} " * 2000, "image": f"{i * 104729} " * 3000} for i in range(60)
    ]
    data = parquet(rows, row_group_size=10, compression="none", use_dictionary=False)
    hub.create_dataset("lab/wide", {"data/train-00000-of-00001.parquet": data})
    source = open_source("lab/wide")
    ref = source.splits[0]

    def fetched(read: Callable[[], object]) -> int:
        hub.clear()
        read()
        return sum(request.bytes for request in hub.requests.matching("GET", r"\.parquet"))

    assert len(data) > 1_500_000
    assert fetched(lambda: list(source.scan(ref, ["question"]))) == source.column_bytes(ref, ["question"]) < 5000
    wanted = source.column_bytes(ref, ["question", "reasoning"], [3, 4, 31])
    assert fetched(lambda: list(source.take(ref, [3, 4, 31], ["question", "reasoning"]))) == wanted
    assert wanted is not None
    assert wanted < 0.4 * len(data) / 3 * 1.2
    assert [i for i, _ in source.take(ref, [3, 4, 31], ["question"])] == [3, 4, 31]
    assert fetched(lambda: source.head(ref, 5)) < len(data) / 4


def test_reading_lines_stops_when_the_reader_does(hub: LoopbackHub) -> None:
    hub.create_dataset("lab/long", {"train.jsonl": jsonl([{"question": "x" * 1000}] * 30_000)})
    source = open_source("lab/long")
    assert len(source.head(source.splits[0], 5)) == 5
    assert source.column_bytes(source.splits[0], ["question"]) == source.splits[0].size > 30_000_000


def test_a_rename_is_followed_and_said(hub: LoopbackHub) -> None:
    hub.create_dataset("lab/old-name", {"train.jsonl": jsonl(ROWS)})
    hub.rename("lab/old-name", "lab/new-name")
    source = open_source("lab/old-name")
    assert source.info.id == "lab/new-name"
    assert "lab/old-name is now named lab/new-name." in source.notes
    assert rows_of(source) == ROWS


def test_the_parquet_export_of_a_script(hub: LoopbackHub) -> None:
    hub.create_dataset("lab/scripted", {"scripted.py": b"import datasets\n", "raw.jsonl": jsonl(ROWS)})
    with pytest.raises(SourceError, match="no Parquet export"):
        open_source("lab/scripted")
    files = {"main/train/0000.parquet": parquet(ROWS), "main/partial-test/0000.parquet": parquet(ROWS[:1])}
    gone = {"scripted.py": None, "raw.jsonl": None}
    hub.commit("lab/scripted", {**files, **gone}, branch="refs/convert/parquet")
    with pytest.raises(SourceError, match="loaded by a script") as caught:
        open_source("lab/scripted")
    assert "--revision refs/convert/parquet" in caught.value.hint
    source = open_source("lab/scripted", revision="refs/convert/parquet")
    assert [str(ref) for ref in source.splits] == ["main/train"]
    assert rows_of(source) == ROWS
    assert "there is also test" in source.notes[0]


def test_gated(hub: LoopbackHub) -> None:
    hub.create_dataset("other/gated", {"train.jsonl": jsonl(ROWS)}, gated=True, author="other")
    with pytest.raises(SourceError, match="is gated") as caught:
        open_source("other/gated")
    assert f"{hub.endpoint}/datasets/other/gated" in caught.value.hint
    assert "account of your token" in caught.value.hint
    hub.grant("other/gated", "maintainer")
    assert rows_of(open_source("other/gated")) == ROWS


def test_private_or_missing(hub: LoopbackHub) -> None:
    hub.create_dataset("other/private", {"train.jsonl": jsonl(ROWS)}, private=True, author="other")
    for name in ("other/private", "other/missing"):
        with pytest.raises(SourceError, match=f"no dataset {name} that this token may see") as caught:
            open_source(name)
        assert "Check the spelling; if it is private" in caught.value.hint
    hub.grant("other/private", "maintainer")
    source = open_source("other/private")
    assert rows_of(source) == ROWS
    assert not source.info.viewer


@pytest.mark.parametrize(("kind", "words"), [("model", "is a model, not"), ("space", "is a Space, not")])
def test_another_kind_of_repository(hub: LoopbackHub, kind: str, words: str) -> None:
    hub.create_dataset(f"lab/a-{kind}", {"x.json": b"[]"}, repo_type=kind)
    with pytest.raises(SourceError, match=words):
        open_source(f"lab/a-{kind}")


def test_empty_and_unreadable(hub: LoopbackHub) -> None:
    hub.create_dataset("lab/empty", {"README.md": b"# Nothing\n"})
    with pytest.raises(SourceError, match="is empty"):
        open_source("lab/empty")
    hub.create_dataset("lab/pictures", {"a.png": b"\x89PNG"})
    with pytest.raises(SourceError, match=r"no data files that can be read \(it holds 1, such as a\.png\)"):
        open_source("lab/pictures")
    hub.create_dataset("lab/torn", {"train.parquet": parquet(ROWS)[:-30]})
    with pytest.raises(SourceError, match=r"train\.parquet is damaged"):
        open_source("lab/torn")


def test_missing_revision(hub: LoopbackHub) -> None:
    hub.create_dataset("lab/branches", {"train.jsonl": jsonl(ROWS)})
    hub.commit("lab/branches", {"train.jsonl": jsonl(ROWS[:2])}, branch="v2")
    with pytest.raises(SourceError, match="no revision 'v3'") as caught:
        open_source("lab/branches", revision="v3")
    assert "main, v2" in caught.value.hint
    assert rows_of(open_source("lab/branches@v2")) == ROWS[:2]


def test_a_broken_card_is_not_worked_around(hub: LoopbackHub) -> None:
    hub.create_dataset("lab/broken", {"README.md": b"---\nconfigs: [\n---\n", "train.jsonl": jsonl(ROWS)})
    with pytest.raises(SourceError, match=r"configs of lab/broken .* cannot be resolved") as caught:
        open_source("lab/broken")
    assert "hf://datasets/lab/broken@" in caught.value.hint
    assert rows_of(open_source("hf://datasets/lab/broken/train.jsonl")) == ROWS


def test_files_from_elsewhere_are_refused(hub: LoopbackHub) -> None:
    entry = "---\nconfigs:\n- config_name: a\n  data_files: {}\n---\n"
    hub.create_dataset("lab/elsewhere", {"train.jsonl": jsonl(ROWS)})
    card = entry.format("hf://datasets/lab/elsewhere/train.jsonl").encode()
    old = hub.create_dataset("lab/borrows", {"README.md": card, "own.jsonl": jsonl(ROWS[:1])})
    with pytest.raises(SourceError, match="don't belong to lab/borrows"):
        open_source("lab/borrows")
    card = entry.format(f"hf://datasets/lab/borrows@{old}/own.jsonl").encode()
    hub.commit("lab/borrows", {"README.md": card, "own.jsonl": jsonl(ROWS[:2])})
    with pytest.raises(RevisionError, match="not part of commit"):
        open_source("lab/borrows")


# A Hub that fails


def test_a_busy_hub_is_waited_for(hub: LoopbackHub, quick: list[float]) -> None:
    hub.create_dataset("lab/busy", {"train.jsonl": jsonl(ROWS)})
    limited = {"RateLimit": '"api";r=0;t=55', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
    hub.fail("GET", "/api/datasets/lab/busy", status=429, headers=limited)
    hub.fail("GET", "/api/datasets/lab/busy", status=503)
    assert rows_of(open_source("lab/busy")) == ROWS
    assert quick == [56.0, 2.0]


def test_a_file_is_fetched_again(hub: LoopbackHub, quick: list[float]) -> None:
    hub.create_dataset("lab/flaky", {"a.jsonl": jsonl(ROWS), "b.parquet": parquet(ROWS)})
    for name in ("a.jsonl", "b.parquet"):
        hub.fail("GET", f"resolve/.*/{name}", status=503, times=2)
        source = open_source(f"hf://datasets/lab/flaky/{name}")
        hub.fail("GET", f"resolve/.*/{name}", status=500, times=2)
        assert rows_of(source) == ROWS


@pytest.mark.parametrize(("status", "words"), [(500, "could not be reached"), (429, "too many requests")])
def test_a_hub_that_stays_down(hub: LoopbackHub, quick: list[float], status: int, words: str) -> None:
    hub.create_dataset(f"lab/down{status}", {"train.jsonl": jsonl(ROWS)})
    hub.fail("*", ".*", status=status, times=1000)
    with pytest.raises(SourceError, match=words):
        open_source(f"lab/down{status}")
    assert len(quick) == problems.TRIES - 1
    assert sum(quick) <= problems.LONGEST_WAIT


def test_a_long_rate_limit_is_not_sat_out(hub: LoopbackHub, quick: list[float]) -> None:
    hub.create_dataset("lab/limit", {"train.jsonl": jsonl(ROWS)})
    hub.fail("GET", ".*", status=429, times=1000, headers={"RateLimit": '"api";r=0;t=200'})
    with pytest.raises(SourceError, match="too many requests"):
        open_source("lab/limit")
    assert quick == [201.0]


def test_a_file_that_never_comes(hub: LoopbackHub, quick: list[float]) -> None:
    hub.create_dataset("lab/lost", {"train.jsonl": jsonl(ROWS)})
    source = open_source("lab/lost")
    hub.fail("GET", r"resolve/.*/train\.jsonl", status=503, times=1000)
    with pytest.raises(SourceError, match=r"stopped answering while train\.jsonl was read"):
        rows_of(source)


def test_offline_mode_is_named(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    hub.create_dataset("lab/offline", {"train.jsonl": jsonl(ROWS)})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SourceError, match="HF_HUB_OFFLINE is set"):
        open_source("lab/offline")


@pytest.mark.parametrize("status", [500, 404])
def test_never_the_rows_of_an_older_revision(hub: LoopbackHub, quick: list[float], status: int) -> None:
    """`load_dataset` serves the cached revision, silently, when the Hub fails; we refuse."""
    from datasets import load_dataset, load_dataset_builder

    name = f"lab/cached{status}"
    old = hub.create_dataset(name, {"train.jsonl": jsonl(ROWS[:3])})
    new = hub.commit(name, {"train.jsonl": jsonl(ROWS[:5])})
    assert len(load_dataset(name, revision=old, split="train")) == 3
    code = "RepoNotFound" if status == 404 else None
    hub.fail("*", rf"(resolve|tree)/{new}", status=status, times=1000, error_code=code)
    offered = load_dataset_builder(name, revision=new)
    assert offered.hash != new  # the trap is there: it offers the cached revision
    with pytest.raises(RevisionError, match="out of its cache"):
        prove(offered, name, new)
    with pytest.raises(SourceError):
        open_source(name, revision=new)
    hub.clear()
    assert rows_of(open_source(name, revision=new)) == ROWS[:5]
