"""A run's folder in an object store or on the Hub: kept on this machine, and copied there as it grows.

Any address that fsspec opens will do (`s3://bucket/run`, `hf://datasets/owner/name/run`). What lies there already is
fetched first, so that a run goes on where another machine stopped; what is written here is copied every few seconds,
so that it can be read there at any time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfscore.errors import HfscoreError

SECONDS = 10.0
SECONDS_HUB = 300.0  # every copy is a commit there


def local(out: Path | str) -> contextlib.AbstractContextManager[Path]:
    """`mirrored`, of what is no None."""
    return mirrored(out)  # type: ignore[return-value]


@contextlib.contextmanager
def mirrored(out: Path | str | None) -> Iterator[Path | None]:
    """A local folder that stands for `out`, the same one for the same address.

    Args:
        out: A path or None, given back as they are, or an address with "://".

    Raises:
        HfscoreError: The address cannot be read or written; what was written stays in the local folder.
    """
    if out is None or "://" not in str(out):
        yield None if out is None else Path(out)
        return
    place = _Place(str(out))
    place.fetch()
    stop = threading.Event()
    copier = threading.Thread(target=place.watch, args=(stop,), daemon=True)
    copier.start()
    try:
        yield place.folder
    finally:
        stop.set()
        copier.join()
        place.copy()


class _Place:
    """An address, its folder here, and which files there are as they are here."""

    def __init__(self, address: str) -> None:
        import fsspec

        cache = Path(os.environ.get("HFSCORE_CACHE") or "~/.cache/hfscore").expanduser()
        self.address = address.rstrip("/")
        self.folder = cache / "runs" / hashlib.sha256(self.address.encode()).hexdigest()[:16]
        self.folder.mkdir(parents=True, exist_ok=True)
        self.known: dict[str, tuple[int, int]] = {}
        with self._told():
            self.files, self.root = fsspec.url_to_fs(self.address)

    @property
    def on_hub(self) -> bool:
        return self.address.startswith("hf://")

    def fetch(self) -> None:
        """What lies there and not here."""
        with self._told():
            self.files.invalidate_cache()  # of an earlier listing
            there = self.files.find(self.root) if self.files.exists(self.root) else []
            for path in there:
                name = path[len(self.root.rstrip("/")) + 1 :]
                if not (self.folder / name).resolve().is_relative_to(self.folder.resolve()):
                    continue
                if not (self.folder / name).exists():
                    (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                    part = self.folder / f"{name}.part"
                    self.files.get_file(path, str(part))
                    part.replace(self.folder / name)
                self.known |= {name: seen} if (seen := _seen(self.folder / name)) else {}

    def watch(self, stop: threading.Event) -> None:
        """Copy now and then; a copy that fails is tried again, and told by the last one."""
        while not stop.wait(SECONDS_HUB if self.on_hub else SECONDS):
            with contextlib.suppress(HfscoreError):
                self.copy()

    def copy(self) -> None:
        """What has changed here since the last copy; what is gone here goes there."""
        now = {name: seen for name in self._names() if (seen := _seen(self.folder / name))}
        new = [name for name, seen in now.items() if self.known.get(name) != seen]
        gone = [name for name in self.known if name not in now]
        if not new and not gone:
            return
        with self._told():
            if self.on_hub:
                self._commit(new, gone)
            else:
                for name in new:
                    self.files.makedirs(f"{self.root}/{name}".rpartition("/")[0], exist_ok=True)
                    self.files.put_file(str(self.folder / name), f"{self.root}/{name}")
                for name in gone:
                    self.files.rm_file(f"{self.root}/{name}")
        self.known = now

    def _commit(self, new: list[str], gone: list[str]) -> None:
        """All at once: a commit for each file would meet the Hub's limits."""
        from huggingface_hub import CommitOperationAdd, CommitOperationDelete

        at = self.files.resolve_path(self.root)
        inside = f"{at.path_in_repo}/".lstrip("/")
        operations: list[Any] = [CommitOperationAdd(f"{inside}{name}", self.folder / name) for name in new]
        operations += [CommitOperationDelete(f"{inside}{name}") for name in gone]
        self.files._api.create_commit(
            at.repo_id,
            operations,
            commit_message="hfscore: scores",
            repo_type=at.repo_type,
            revision=at.revision,
        )

    def _names(self) -> list[str]:
        """Files that are whole: temporary ones begin with a dot."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(
            path.relative_to(self.folder).as_posix()
            for path in files
            if not path.name.startswith(".") and path.suffix != ".part"
        )

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ImportError, ValueError) as error:  # huggingface_hub's and fsspec's are OSErrors
            raise HfscoreError(
                f"{self.address} cannot be used: {error}.", f"What was written so far is in {self.folder}."
            ) from error


def _seen(path: Path) -> tuple[int, int] | None:
    """What tells that a file has changed; None where it has just gone."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size
