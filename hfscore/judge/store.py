"""The judge's answers on disk, so that no answer is paid for twice: one SQLite file in WAL mode.

An answer is named by everything that decides it (`key`). Commits come in groups of `GROUP_SIZE` answers or
`GROUP_SECONDS`; what is lost when the process is killed is the group not yet written, nothing else. The first answer
to a key stays. Two processes may share a file on a local disk.

The store knows nothing of HTTP or of prompts. It holds what it is given: keys and tokens must be redacted before.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, Self

from hfscore.errors import HfscoreError

STORE_VERSION: Final = 1
APPLICATION_ID: Final = 0x68667363  # "hfsc", in the file's header
GROUP_SIZE: Final = 64
GROUP_SECONDS: Final = 0.1
BUSY_SECONDS: Final = 30.0
READ_CHUNK: Final = 500
SECRET_BYTES: Final = 32

_ELSEWHERE: Final = "(--judge-store FILE, or the folder in HFSCORE_CACHE.)"

COMPLETE: Final = frozenset({"stop", "stop_sequence", "eos_token"})
"""Finish reasons of an answer that the model ended itself (OpenAI's, and TGI's two)."""

_TABLES = (
    "CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB NOT NULL)",
    "CREATE TABLE answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer of a judge, the only thing a store takes.

    Args:
        content: The text answered.
        logprobs: The chat route's `logprobs.content`, an entry a token, or None.
        finish_reason: Why the answer ended; one of `COMPLETE`.
        usage: Tokens, as the server counted them.

    Raises:
        ValueError: The answer was cut off, filtered, or never ended.
    """

    content: str
    logprobs: Sequence[Mapping[str, Any]] | None = None
    finish_reason: str = "stop"
    usage: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if self.finish_reason not in COMPLETE:
            raise ValueError(f"an answer that ended with {self.finish_reason!r} is not complete")


def default_path() -> Path:
    """`judge.sqlite` in the folder that HFSCORE_CACHE names, else in `~/.cache/hfscore`."""
    return Path(os.environ.get("HFSCORE_CACHE") or "~/.cache/hfscore").expanduser() / "judge.sqlite"


def key(
    body: Mapping[str, Any], *, model: str, fingerprint: str, prompts: int | str, schema: int | str, splitter: int | str
) -> str:
    """Name an answer by all that decides it.

    Args:
        body: The request's JSON body, without what changes from try to try.
        model: The judge's id.
        fingerprint: What its server says of model and build, such as TGI's `model_sha`; empty if it says nothing.
        prompts: Version of the prompts.
        schema: Version of the answer's schema and labels.
        splitter: Version of the splitter or atomizer.

    Returns:
        64 hex digits: SHA-256 of the canonical JSON of them all.
    """
    named = [body, model, fingerprint, str(prompts), str(schema), str(splitter)]
    canonical = json.dumps(named, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


class Store:
    """An open store; `open` makes one. Its methods may be called from any thread, one at a time runs.

    Args:
        connection: A connection to a file or memory with the tables of this version.
        name: What errors call the store.
        secret: 32 bytes, the store's own.
        behind: A store to look in for what this one does not hold.
    """

    def __init__(self, connection: sqlite3.Connection, name: str, secret: bytes, behind: Store | None = None) -> None:
        self._connection = connection
        self._name = name
        self._secret = secret
        self._behind = behind
        self._lock = Lock()
        self._pending: dict[str, str] = {}
        self._since = 0.0

    @classmethod
    def open(cls, path: Path | None, behind: Path | None = None) -> Store:
        """Open a store, and create it where there is none.

        Args:
            path: The file, readable by its owner alone; None for a store in memory.
            behind: The file of another store: what it holds is read too, and a new store takes over its secret, so
                that one question has one key in both.

        Raises:
            HfscoreError: The path cannot be written, holds something else or another version, or lies on a file
                system without the shared memory that WAL needs.
        """
        name = "in memory" if path is None else str(path)
        other = cls.open(behind) if behind is not None else None
        with _told(name):
            if path is not None:
                _reserve(path)
            connection = sqlite3.connect(
                path or ":memory:", timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                _check(connection, name)
                if path is not None:
                    _write_ahead(connection, name)
                    if path.stat().st_mode & 0o077:
                        path.chmod(0o600)
                secret = _prepare(connection, other.secret if other else secrets.token_bytes(SECRET_BYTES))
            except BaseException:
                connection.close()
                raise
        return cls(connection, name, secret, other)

    @property
    def secret(self) -> bytes:
        """32 random bytes, drawn once when the store was made: the key of its nonces."""
        return self._secret

    def put(self, key: str, answer: Answer) -> None:
        """Remember an answer; on disk after the next group commit. A key that has an answer keeps it.

        Args:
            key: What `key` gave.
            answer: A complete answer, its texts already redacted.

        Raises:
            TypeError: It is no `Answer`.
            HfscoreError: The group cannot be written; it is kept for the next try.
        """
        if not isinstance(answer, Answer):
            raise TypeError(f"a store takes an Answer, not {type(answer).__name__}")
        text = json.dumps(asdict(answer), separators=(",", ":"))
        with self._lock:
            if not self._pending:
                self._since = time.monotonic()
            self._pending.setdefault(key, text)
            if len(self._pending) >= GROUP_SIZE or self._is_late():
                self._commit()

    def get_many(self, keys: Sequence[str]) -> dict[str, Answer]:
        """The answers at hand, written or not yet; keys without one are left out.

        Raises:
            HfscoreError: The file cannot be read.
        """
        found: dict[str, str] = {}
        rest = iter(keys)
        with self._lock, _told(self._name):
            if self._pending and self._is_late():
                self._commit()
            while chunk := list(islice(rest, READ_CHUNK)):
                found |= {key: self._pending[key] for key in chunk if key in self._pending}
                found |= self._connection.execute(
                    "SELECT key, answer FROM answers WHERE key IN (SELECT value FROM json_each(?))",
                    (json.dumps(chunk),),
                ).fetchall()
        answers = {key: Answer(**json.loads(text)) for key, text in found.items()}
        if self._behind is not None and (missing := [key for key in keys if key not in answers]):
            answers |= self._behind.get_many(missing)
        return answers

    def absorb(self, path: Path) -> None:
        """Take over the answers of another store's file; a key that has an answer keeps it.

        Raises:
            HfscoreError: The file is no store, or cannot be read.
        """
        Store.open(path).close()  # refuses what is none, and writes what its owner left in the log
        with self._lock, _told(self._name):
            self._commit()
            self._connection.execute("ATTACH DATABASE ? AS other", (str(path),))
            try:
                with _transaction(self._connection):
                    self._connection.execute("INSERT OR IGNORE INTO answers SELECT key, answer FROM other.answers")
            finally:
                self._connection.execute("DETACH DATABASE other")

    def flush(self) -> None:
        """Write what is not yet written."""
        with self._lock:
            self._commit()

    def close(self) -> None:
        """Write the rest and close the file."""
        try:
            self.flush()
        finally:
            self._connection.close()
            if self._behind is not None:
                self._behind.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _is_late(self) -> bool:
        return time.monotonic() - self._since >= GROUP_SECONDS

    def _commit(self) -> None:
        if not self._pending:
            return
        with _told(self._name), _transaction(self._connection):
            self._connection.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", self._pending.items())
        self._pending.clear()


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into sentences."""
    hint = f"Name a file on a local disk that you can write to. {_ELSEWHERE}"
    try:
        yield
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            hint = f"Another process has held it for over {BUSY_SECONDS:.0f} seconds; wait for it to end."
        raise HfscoreError(f"The judge's store {name} cannot be used: {error}.", hint) from error
    except sqlite3.DatabaseError as error:
        hint = "Move the file away; a new store is made in its place."
        raise HfscoreError(f"The judge's store {name} is damaged or is no store: {error}.", hint) from error
    except OSError as error:
        raise HfscoreError(f"The judge's store {name} cannot be opened: {error.strerror}.", hint) from error


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        connection.rollback()
        raise


def _reserve(path: Path) -> None:
    """Create the file for its owner alone; SQLite gives its side files the same mode."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Never opened where it exists: closing a descriptor would drop this process's locks on the file
    # ("How To Corrupt An SQLite Database File", section 2.2).
    if not path.exists():
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return


def _check(connection: sqlite3.Connection, name: str) -> None:
    """Refuse a database that another program or another version made, before anything is changed in it."""
    # One statement, so that it sees one state while another process makes the tables.
    owner, version, tables = connection.execute(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_master)"
        " FROM pragma_application_id, pragma_user_version"
    ).fetchone()
    if owner == APPLICATION_ID and version != STORE_VERSION:
        raise HfscoreError(
            f"The judge's store {name} has version {version}; this hfscore reads version {STORE_VERSION}.",
            f"Move the file away, or use another. {_ELSEWHERE}",
        )
    if owner != APPLICATION_ID and (owner or tables):
        raise HfscoreError(f"{name} is a database of another program.", f"Leave it, and use another file. {_ELSEWHERE}")


def _write_ahead(connection: sqlite3.Connection, name: str) -> None:
    """Switch to WAL. Another process that is just opening the file may hold it: try again for a while."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
            break
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.01)
    if mode != "wal":
        raise HfscoreError(
            f"The judge's store {name} lies on a file system that cannot hold it, perhaps a network disk.",
            f"Name a file on a local disk. {_ELSEWHERE}",
        )
    connection.execute("PRAGMA synchronous=FULL")


def _prepare(connection: sqlite3.Connection, secret: bytes) -> bytes:
    """Make the tables of a new store, in one transaction with the secret it is given, and read the secret it has."""
    with _transaction(connection):
        (owner,) = connection.execute("PRAGMA application_id").fetchone()
        if owner != APPLICATION_ID:
            for table in _TABLES:
                connection.execute(table)
            connection.execute("INSERT INTO about VALUES ('secret', ?)", (secret,))
            connection.execute(f"PRAGMA user_version={STORE_VERSION}")
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        row = connection.execute("SELECT value FROM about WHERE name = 'secret'").fetchone()
    if row is None or len(row[0]) != SECRET_BYTES:
        raise sqlite3.DatabaseError("its secret is missing")
    return bytes(row[0])
