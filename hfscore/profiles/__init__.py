"""Profiles: what evidence says of metrics for students of one size. Data with sources; how to read it is `targets`.

A profile is a TOML file: `small.toml` and `larger.toml` come with the package, and users add their own. The published
ones take their words from `sentences.toml`, which is reviewed; a metric without an entry has no sign at that size.
"""

from hfscore.profiles.file import dump, load_profile
from hfscore.profiles.model import GRADES, SCHEMA, Entry, Profile, conflicts
from hfscore.profiles.published import published, sentences

__all__ = ["GRADES", "SCHEMA", "Entry", "Profile", "conflicts", "dump", "load_profile", "published", "sentences"]
