"""Git objects: blobs, LFS pointers, tree ids, and the difference of two sets of files.

Object ids are git's own (a client may compare them with what it hashed itself), so two
repositories with the same bytes show the same ids, as on the Hub.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blob:
    """A file's content, with `oid` the git id of what git stores (for LFS: the pointer)."""

    data: bytes
    oid: str
    sha256: str = ""
    pointer: bytes = b""


Files = Mapping[str, Blob]
Changes = Mapping[str, Blob | None]


def git_oid(kind: str, data: bytes) -> str:
    """Return the id git gives to an object of this kind and content."""
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(data)) + data, usedforsecurity=False).hexdigest()


def make_blob(data: bytes, *, lfs: bool = False) -> Blob:
    """Hash a file's content, as a regular file or as an LFS object behind a pointer."""
    if not lfs:
        return Blob(data, git_oid("blob", data))
    sha256 = hashlib.sha256(data).hexdigest()
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {len(data)}\n"
    pointer = text.encode()
    return Blob(data, git_oid("blob", pointer), sha256, pointer)


def folder_oids(files: Files) -> dict[str, str]:
    """Return the git tree id of every folder; the root is the empty string."""
    entries: dict[str, dict[str, tuple[str, str]]] = {"": {}}
    for path, blob in files.items():
        folder, _, name = path.rpartition("/")
        entries.setdefault(folder, {})[name] = ("100644", blob.oid)
        while folder:
            folder, _, name = folder.rpartition("/")
            entries.setdefault(folder, {})
    oids: dict[str, str] = {}
    for folder in sorted(entries, key=lambda f: (f != "", f.count("/")), reverse=True):
        # git sorts a folder's name as if it ended in a slash (git fast-import, "tree objects").
        listed = sorted(entries[folder].items(), key=lambda e: e[0] + "/" * (e[1][0] == "40000"))
        body = b"".join(f"{mode} {name}".encode() + b"\0" + bytes.fromhex(oid) for name, (mode, oid) in listed)
        oids[folder] = git_oid("tree", body)
        parent, _, name = folder.rpartition("/")
        if folder:
            entries[parent][name] = ("40000", oids[folder])
    return oids


def changed(before: Files, after: Files) -> dict[str, Blob | None]:
    """Return what turns one set of files into another; None stands for a deletion."""
    changes: dict[str, Blob | None] = {p: None for p in before if p not in after}
    changes.update((p, b) for p, b in after.items() if p not in before or before[p].oid != b.oid)
    return changes


def unified_diff(before: Files, after: Files) -> str:
    """Return the difference of two sets of files as `git diff` writes it (LFS files as pointers)."""
    parts = []
    for path in sorted(changed(before, after)):
        old, new = before.get(path), after.get(path)
        parts.append(f"diff --git a/{path} b/{path}\n{_index_line(old, new)}")
        names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
        if any(b"\0" in _stored(blob) for blob in (old, new)):
            parts.append(f"Binary files {names[0]} and {names[1]} differ\n")
            continue
        parts += [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(_lines(old), _lines(new), *names)
        ]
    return "".join(parts)


def _index_line(old: Blob | None, new: Blob | None) -> str:
    oids = f"index {oid_of(old)[:7]}..{oid_of(new)[:7]}"
    if old and new:
        return f"{oids} 100644\n"
    return f"{'deleted' if old else 'new'} file mode 100644\n{oids}\n"


def _lines(blob: Blob | None) -> list[str]:
    """Split where git does: at line feeds only, not at every character Unicode breaks lines at."""
    return re.findall(r"[^\n]*\n|[^\n]+", _stored(blob).decode("utf-8", "replace"))


def _stored(blob: Blob | None) -> bytes:
    return b"" if blob is None else blob.pointer or blob.data


def oid_of(blob: Blob | None) -> str:
    """Return a blob's id, and for a file that is not there the one of zeros."""
    return blob.oid if blob else "0" * 40
