"""The profiles that come with the package; each entry's evidence is the key of a reviewed sentence."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files

from hfscore.profiles.file import parse
from hfscore.profiles.model import Profile

NAMES = ("small", "larger")


@cache
def sentences() -> Mapping[str, str]:
    """Key -> sentence: all that is ever said of published evidence."""
    return {key: str(text) for key, text in tomllib.loads(_read("sentences.toml")).items()}


@cache
def published() -> tuple[Profile, Profile]:
    """The profiles of small and of larger students."""
    small, larger = (_with_words(parse(_read(f"{name}.toml"), name=f"{name}.toml")) for name in NAMES)
    return small, larger


def _with_words(profile: Profile) -> Profile:
    return replace(profile, entries=tuple(replace(one, evidence=sentences()[one.evidence]) for one in profile.entries))


def _read(name: str) -> str:
    return (files("hfscore.profiles") / name).read_text(encoding="utf-8")
