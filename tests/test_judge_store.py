"""The judge's store: what is put comes back, whoever shares the file and whenever a process is killed."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfscore.errors import HfscoreError
from hfscore.judge import store as module
from hfscore.judge.store import COMPLETE, GROUP_SIZE, Answer, Store, default_path, key

POSITION = {"token": "1", "logprob": -0.1, "top_logprobs": [{"token": "0", "logprob": None}, {"token": " 1"}]}


def name(index: int) -> str:
    return key({"index": index}, model="m", fingerprint="f", prompts=1, schema=1, splitter=1)


def on_disk(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return int(connection.execute("SELECT count(*) FROM answers").fetchone()[0])


# --- what is put comes back -------------------------------------------------------------------------------------------


@given(content=st.text(), finish=st.sampled_from(sorted(COMPLETE)))
def test_an_answer_comes_back_as_it_was(content: str, finish: str) -> None:
    answer = Answer(content + "\ud800", [POSITION], finish, {"prompt_tokens": 3, "details": {"cached": None}})
    with Store.open(None) as store:
        store.put("k", answer)
        assert store.get_many(["k", "absent"]) == {"k": answer}
        store.flush()
        assert store.get_many(["k"]) == {"k": answer}


def test_an_infinite_logprob_comes_back() -> None:
    with Store.open(None) as store:
        store.put("k", Answer("1", [{"token": "0", "logprob": float("-inf")}]))
        assert store.get_many(["k"])["k"].logprobs == [{"token": "0", "logprob": float("-inf")}]


def test_the_first_answer_stays_before_and_after_a_commit(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        for content in ("first", "second"):
            store.put("k", Answer(content))
        store.flush()
        store.put("k", Answer("third"))
        assert store.get_many(["k"])["k"].content == "first"
    with Store.open(tmp_path / "s") as store:
        assert store.get_many(["k"])["k"].content == "first"


def test_more_keys_than_a_chunk(tmp_path: Path) -> None:
    keys = [name(index) for index in range(2 * module.READ_CHUNK + 7)]
    with Store.open(tmp_path / "s") as store:
        for each in keys[::2]:
            store.put(each, Answer(each))
        assert {each: answer.content for each, answer in store.get_many(keys).items()} == {k: k for k in keys[::2]}


@pytest.mark.parametrize("reason", ["length", "content_filter", "tool_calls", "", "error"])
def test_an_answer_cut_off_is_none(reason: str) -> None:
    with pytest.raises(ValueError, match="not complete"):
        Answer("1", finish_reason=reason)


@pytest.mark.parametrize("other", [{"content": "1"}, "1", None])
def test_only_answers_are_put(other: object) -> None:
    with Store.open(None) as store:
        with pytest.raises(TypeError, match="takes an Answer"):
            store.put("k", other)  # type: ignore[arg-type]
        assert store.get_many(["k"]) == {}


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_key_does_not_hang_on_the_order_of_the_body() -> None:
    one = key({"a": 1, "b": [1, {"c": "ż"}]}, model="m", fingerprint="f", prompts=1, schema=1, splitter=1)
    two = key({"b": [1, {"c": "ż"}], "a": 1}, model="m", fingerprint="f", prompts=1, schema=1, splitter=1)
    assert one == two
    assert len(one) == 64


def test_a_key_changes_with_each_of_its_parts() -> None:
    parts = {"model": "m", "fingerprint": "f", "prompts": 1, "schema": 1, "splitter": 1}
    keys = {key({"a": 1}, **parts), key({"a": 2}, **parts), key({"a": "1"}, **parts)}  # type: ignore[arg-type]
    for part in parts:
        keys.add(key({"a": 1}, **{**parts, part: "2"}))  # type: ignore[arg-type]
    assert len(keys) == 3 + len(parts)


# --- group commit -----------------------------------------------------------------------------------------------------


def test_a_group_is_written_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_SECONDS", 1e9)
    with Store.open(tmp_path / "s") as store:
        for index in range(GROUP_SIZE - 1):
            store.put(name(index), Answer("1"))
        assert on_disk(tmp_path / "s") == 0
        store.put(name(GROUP_SIZE), Answer("1"))
        assert on_disk(tmp_path / "s") == GROUP_SIZE
        store.put("last", Answer("1"))
    assert on_disk(tmp_path / "s") == GROUP_SIZE + 1


def test_a_group_is_written_when_it_is_old(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        for call in (lambda: store.put("b", Answer("1")), lambda: store.get_many([])):
            store.put(str(call), Answer("1"))
            before = on_disk(tmp_path / "s")
            time.sleep(module.GROUP_SECONDS * 1.1)
            call()
            assert on_disk(tmp_path / "s") > before


def test_threads_share_a_store(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:

        def work(first: int) -> None:
            for index in range(first, first + 200):
                store.put(name(index), Answer(str(index)))
                assert store.get_many([name(index)])[name(index)].content == str(index)

        threads = [threading.Thread(target=work, args=(first,)) for first in (0, 100, 200)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(store.get_many([name(index) for index in range(400)])) == 400


def test_a_group_that_cannot_be_written_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY_SECONDS", 0.05)
    with Store.open(tmp_path / "s") as store:
        store.put("k", Answer("1"))
        other = sqlite3.connect(tmp_path / "s", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HfscoreError, match=r"locked.*Another process"):
            store.flush()
        other.execute("ROLLBACK")
        other.close()
    assert on_disk(tmp_path / "s") == 1


# --- processes --------------------------------------------------------------------------------------------------------

SHARE = """
import sys
from pathlib import Path
from hfscore.judge.store import Answer, Store
path, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
sys.stdin.readline()
with Store.open(path) as store:
    print(store.secret.hex(), flush=True)
    for index in range(first, last):
        store.put(str(index), Answer(f"{index} of {first}"))
        if index % 50 == 0:
            store.flush()
"""


def test_processes_share_a_new_store(tmp_path: Path) -> None:
    path = tmp_path / "new" / "judge.sqlite"
    ranges = [(0, 600), (300, 900), (600, 1200)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", SHARE, str(path), str(first), str(last)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for first, last in ranges
    ]
    time.sleep(0.5)  # all are up and wait, so that they open the store at once
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    said = [worker.communicate(timeout=60)[0].strip() for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    with Store.open(path) as store:
        assert set(said) == {store.secret.hex()}
        found = store.get_many([str(index) for index in range(1200)])
    assert {int(index) for index in found} == set(range(1200))
    for index, answer in found.items():
        assert answer.content in {f"{index} of {first}" for first, last in ranges if first <= int(index) < last}
    assert on_disk(path) == 1200


ENDLESS = """
import os, sys
from pathlib import Path
from hfscore.judge.store import Answer, Store
store = Store.open(Path(sys.argv[1]))
for index in range(int(sys.argv[2]), 10**9):
    store.put(str(index), Answer("x" * 300))
    os.write(1, b"%d\\n" % index)
"""


def test_a_kill_loses_at_most_the_group_not_yet_written(tmp_path: Path) -> None:
    path = tmp_path / "s"
    chance = random.Random(7)
    first = 0
    for _ in range(8):
        worker = subprocess.Popen([sys.executable, "-c", ENDLESS, str(path), str(first)], stdout=subprocess.PIPE)
        assert worker.stdout
        lines = [worker.stdout.readline() for _ in range(chance.randint(1, 5 * GROUP_SIZE))]
        worker.send_signal(signal.SIGKILL)
        lines += worker.stdout.read().splitlines()
        assert worker.wait(timeout=20) == -signal.SIGKILL
        last = int(lines[-1])
        stored = on_disk(path)
        assert stored >= last + 1 - GROUP_SIZE
        with Store.open(path) as store:
            # No gap: a group is written whole or not at all, in order.
            assert len(store.get_many([str(index) for index in range(stored)])) == stored
        first = stored
    assert first > GROUP_SIZE


# --- the file ---------------------------------------------------------------------------------------------------------


def test_secret_is_drawn_once(tmp_path: Path) -> None:
    with Store.open(tmp_path / "a") as one, Store.open(tmp_path / "a") as again, Store.open(tmp_path / "b") as other:
        assert one.secret == again.secret != other.secret
        assert len(one.secret) == 32
    assert Store.open(None).secret != Store.open(None).secret


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "judge.sqlite"
    with Store.open(path) as store:
        store.put("k", Answer("1"))
        store.flush()
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        assert modes == {f"judge.sqlite{tail}": 0o600 for tail in ("", "-wal", "-shm")}
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    Store.open(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_default_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HFSCORE_CACHE", str(tmp_path))
    assert default_path() == tmp_path / "judge.sqlite"
    monkeypatch.setenv("HFSCORE_CACHE", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_path() == tmp_path / ".cache" / "hfscore" / "judge.sqlite"


def test_written_safely(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store.open(tmp_path / "s").close()
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("PRAGMA user_version=7")
    connection.close()
    before = (tmp_path / "s").read_bytes()
    with pytest.raises(HfscoreError, match=r"version 7; this hfscore reads version 1.*Move the file"):
        Store.open(tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == before


def test_a_foreign_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "s") as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    before = (tmp_path / "s").read_bytes()
    with pytest.raises(HfscoreError, match="another program"):
        Store.open(tmp_path / "s")
    assert (tmp_path / "s").read_bytes() == before


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("some notes of mine\n" * 100)
    with pytest.raises(HfscoreError, match="damaged or is no store"):
        Store.open(tmp_path / "s")
    with pytest.raises(HfscoreError, match="local disk"):
        Store.open(tmp_path / "s" / "judge.sqlite")
    with pytest.raises(HfscoreError, match="cannot be used"):
        Store.open(tmp_path)


def test_a_damaged_answer_is_an_error_and_no_answer(tmp_path: Path) -> None:
    with Store.open(tmp_path / "s") as store:
        for index in range(500):
            store.put(name(index), Answer(json.dumps(list(range(200)))))
    with (tmp_path / "s").open("r+b") as file:
        for page in range(5, 60):
            file.seek(page * 4096)
            file.write(b"\xff" * 4096)
    with Store.open(tmp_path / "s") as store, pytest.raises(HfscoreError, match="damaged"):
        store.get_many([name(index) for index in range(500)])


@pytest.mark.skipif(os.name != "posix", reason="the lock files of SQLite's unix-dotfile system")
def test_a_file_system_without_shared_memory_is_named(tmp_path: Path) -> None:
    # SQLite's own dot-file locking is what it uses on network disks: no shared memory, so no WAL.
    connection = sqlite3.connect(f"file:{tmp_path / 's'}?vfs=unix-dotfile", uri=True, isolation_level=None)
    with pytest.raises(HfscoreError, match=r"network disk.*HFSCORE_CACHE"):
        module._write_ahead(connection, "s")
    connection.close()
