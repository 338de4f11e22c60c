"""A run whose folder is an address: copied there as it grows, gone on with by another machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import fsspec
import pytest

from hfscore import api, engine, mirror, shards
from hfscore.errors import HfscoreError
from hfscore.loopback import LoopbackHub
from tests.publishing import CARD, commits, new_dataset
from tests.test_lm_runs import WINDOW, dataset, settings


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """An object store in this process."""
    monkeypatch.setenv("HFSCORE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(engine, "WINDOW_TRACES", WINDOW)
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    return files


def test_report_and_scores_lie_at_the_address_and_nothing_else(bucket: Any, tmp_path: Path) -> None:
    data = dataset(tmp_path, 16)
    whole = api.score(data, settings(), out=tmp_path / "whole")
    report = api.score(data, settings(), out="memory://bucket/run")
    assert report.values == whole.values
    assert sorted(bucket.find("/bucket/run")) == ["/bucket/run/report.json", "/bucket/run/scores.parquet"]
    assert b'"schema"' in bucket.cat("/bucket/run/report.json")


def test_another_machine_goes_on_with_what_lies_there(bucket: Any, tmp_path: Path) -> None:
    data, address = dataset(tmp_path), "memory://bucket/shares"
    whole = api.score(data, settings(), out=tmp_path / "whole")
    for index in (1, 2):
        api.score_share(data, f"{index}/2", settings(), out=address)
        shutil.rmtree(tmp_path / "cache")  # the next one knows nothing of this one's folder
    assert len(bucket.find(f"/bucket/shares/{shards.FOLDER}")) == 5
    assert api.merge(address).values == whole.values
    assert not bucket.find(f"/bucket/shares/{shards.FOLDER}")


def test_partial_results_can_be_read_meanwhile(bucket: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(mirror, "SECONDS", 0.02)
    with mirror.local("memory://bucket/live") as folder:
        (folder / "part.parquet").write_bytes(b"1")
        limit = time.monotonic() + 10
        while not bucket.exists("/bucket/live/part.parquet"):
            assert time.monotonic() < limit
            time.sleep(0.01)


def test_a_path_is_given_back(tmp_path: Path) -> None:
    with mirror.mirrored(tmp_path) as folder:
        assert folder == tmp_path
    with mirror.mirrored(None) as nothing:
        assert nothing is None


def test_an_address_that_nothing_opens_is_a_sentence(bucket: Any) -> None:
    with pytest.raises(HfscoreError, match="cannot be used"), mirror.mirrored("nosuch://bucket/run"):
        pass


def test_names_from_there_stay_inside_the_folder(bucket: Any, tmp_path: Path) -> None:
    bucket.pipe("/bucket/odd/../../escaped.txt", b"x")
    with mirror.local("memory://bucket/odd") as folder:
        assert not [path for path in tmp_path.rglob("escaped.txt") if folder not in path.parents]


def test_a_folder_on_the_hub_takes_a_commit_a_copy(
    hub: LoopbackHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HFSCORE_CACHE", str(tmp_path / "cache"))
    name = new_dataset(hub)
    hub.requests.clear()
    with mirror.local(f"hf://datasets/{name}/run") as folder:
        (folder / "shards").mkdir()
        for number in range(3):
            (folder / "shards" / f"{number}.parquet").write_bytes(b"x")
    assert commits(hub) == 1
    assert {path for path in hub.files(name) if path.startswith("run/")} == {
        f"run/shards/{n}.parquet" for n in range(3)
    }
    shutil.rmtree(tmp_path / "cache")
    with mirror.local(f"hf://datasets/{name}/run") as folder:
        assert (folder / "shards" / "1.parquet").read_bytes() == b"x"
        shutil.rmtree(folder / "shards")
        (folder / "report.json").write_text("{}")
    assert {path for path in hub.files(name) if path.startswith("run/")} == {"run/report.json"}
    assert hub.read(name, "README.md") == CARD
