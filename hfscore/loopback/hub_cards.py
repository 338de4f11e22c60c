"""Reads a README's front matter as the Hub does, and says what the Hub would reject in it.

The Hub parses with js-yaml 4 (YAML 1.2 core values, timestamps, merge keys; duplicate keys are errors), not with
PyYAML's YAML 1.1: `no` and `1_000` are strings, `0777` is 777, `1e3` is a number. The scalar patterns are those of
js-yaml 4.3 (lib/type/*.js); the block is found with the expression that the Hub's client publishes (huggingface_hub
`repocard.py`). The Hub's list of rejections is not public: the rules here are the ones its published messages show.
"""

from __future__ import annotations

import math
import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import yaml

_BLOCK = re.compile(r"^(\s*---(?:\r\n|\r|\n))([\S\s]*?)((?:\r\n|\r|\n)---[ \t]*(\r\n|\n|$))")
_NO_METADATA = "empty or missing yaml metadata in repo card (https://huggingface.co/docs/hub/datasets-cards)"
# hf.co/docs/hub/repositories-licenses
_LICENSE_NAMES = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause
bsd-3-clause-clear c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0
cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0
cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0
cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1
eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research intel-research
lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0
postgresql ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license
llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma grok2-community unknown other"""
_TASK_NAMES = """
text-classification token-classification table-question-answering question-answering
zero-shot-classification translation summarization feature-extraction text-generation fill-mask
sentence-similarity text-to-speech text-to-audio automatic-speech-recognition audio-to-audio
audio-classification audio-text-to-text voice-activity-detection depth-estimation
image-classification object-detection image-segmentation text-to-image image-to-text
image-to-image image-to-video unconditional-image-generation video-classification
reinforcement-learning robotics tabular-classification tabular-regression tabular-to-text
table-to-text multiple-choice text-ranking text-retrieval time-series-forecasting text-to-video
image-text-to-text visual-question-answering document-question-answering
zero-shot-image-classification graph-ml mask-generation zero-shot-object-detection text-to-3d
image-to-3d image-feature-extraction video-text-to-text keypoint-detection
visual-document-retrieval any-to-any video-to-video other"""
_LICENSES = frozenset(_LICENSE_NAMES.split())
_TASKS = frozenset(_TASK_NAMES.split())


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the Hub would say about a card; `metadata` is None where it cannot be read."""

    metadata: Mapping[str, Any] | None
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class _HubLoader(yaml.SafeLoader):
    """SafeLoader with js-yaml's scalars, string keys, and no duplicates among them."""

    yaml_implicit_resolvers: dict[Any, Any] = {}  # noqa: RUF012 - PyYAML's own attribute


def _number(loader: _HubLoader, node: yaml.ScalarNode) -> float | str | None:
    text = str(node.value)
    value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    if math.isfinite(value):
        return value
    return None if text.lstrip("+-").startswith(".") else text  # JSON has no .inf; 1e999 is a string


def _integer(loader: _HubLoader, node: yaml.ScalarNode) -> int:
    text = str(node.value).lower()
    sign, digits = (-1 if text.startswith("-") else 1), text.lstrip("+-")
    base = {"0b": 2, "0o": 8, "0x": 16}.get(digits[:2], 10)
    return sign * int(digits if base == 10 else digits[2:], base)


def _timestamp(loader: _HubLoader, node: yaml.ScalarNode) -> str:
    value = yaml.SafeLoader.construct_yaml_timestamp(loader, node)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _mapping(loader: _HubLoader, node: yaml.MappingNode) -> dict[str, Any]:
    seen: set[Hashable] = set()
    for key, _ in node.value:
        if key.tag == "tag:yaml.org,2002:merge":
            continue
        name = _key(loader.construct_object(key, deep=True))
        if name in seen:
            raise yaml.constructor.ConstructorError(None, None, "duplicated mapping key", key.start_mark)
        seen.add(name)
    loader.flatten_mapping(node)
    return {_key(loader.construct_object(k, deep=True)): loader.construct_object(v, deep=True) for k, v in node.value}


def _key(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


_INT = r"[-+]?(?:0b[01]+|0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+)"
_FLOAT = (
    r"(?:[-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?|\.[0-9]+(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_DATE = (
    r"\d{4}-\d\d-\d\d|\d{4}-\d\d?-\d\d?(?:[Tt]|[ \t]+)\d\d?:\d\d:\d\d(?:\.\d*)?"
    r"(?:[ \t]*(?:Z|[-+]\d\d?(?::\d\d)?))?"
)
for _tag, _pattern, _first in (
    ("null", "~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", "true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("timestamp", _DATE, list("0123456789")),
    ("merge", "<<", ["<"]),
):
    _HubLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)
_HubLoader.add_constructor("tag:yaml.org,2002:int", _integer)
_HubLoader.add_constructor("tag:yaml.org,2002:float", _number)
_HubLoader.add_constructor("tag:yaml.org,2002:timestamp", _timestamp)
for _tag, _construct in (
    ("map", _mapping),
    ("set", _mapping),
    ("omap", yaml.SafeLoader.construct_yaml_seq),
    ("pairs", yaml.SafeLoader.construct_yaml_seq),
    ("binary", yaml.SafeLoader.construct_yaml_str),
):
    _HubLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _construct)


@lru_cache(maxsize=64)
def check_card(text: str) -> Verdict:
    """Parse and check a README's front matter.

    Args:
        text: The whole README.

    Returns:
        The metadata, and the errors and warnings that `/api/validate-yaml` would answer with.
    """
    block = _BLOCK.match(text.removeprefix("\ufeff"))
    if block is None:
        return Verdict({}, (), (_NO_METADATA,))
    try:
        # js-yaml ends its input with a newline, which a block scalar at the end then keeps.
        metadata = yaml.load(block.group(2) + "\n", Loader=_HubLoader)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as err:
        return Verdict(None, (f"YAML Metadata Error: {_problem(err)}",))
    if metadata is None:
        return Verdict({}, (), (_NO_METADATA,))
    if not isinstance(metadata, dict):
        return Verdict(None, ("YAML Metadata Error: the front matter is not an object",))
    return Verdict(metadata, tuple(_errors(metadata)), tuple(_warnings(metadata)))


def _problem(err: Exception) -> str:
    if isinstance(err, yaml.MarkedYAMLError) and err.problem_mark is not None:
        mark = err.problem_mark
        return f"{err.problem} ({mark.line + 1}:{mark.column + 1})"
    return " ".join(str(err).split())


def _errors(metadata: Mapping[str, Any]) -> list[str]:
    errors = []
    for key in ("license", "language", "tags", "task_categories", "task_ids", "size_categories"):
        value = metadata.get(key)
        items = value if isinstance(value, list) else [] if value is None else [value]
        bad = [i for i, item in enumerate(items) if not isinstance(item, str)]
        if bad or (key == "tags" and isinstance(value, str)):
            errors.append(f'"{key}" must be an array of strings')
            continue
        errors += [message for item in items if (message := _bad_value(key, item))]
    for key, kinds, name in (
        ("pretty_name", (str,), "a string"),
        ("configs", (list,), "an array"),
        ("dataset_info", (dict, list), "an object or an array"),
    ):
        if metadata.get(key) is not None and not isinstance(metadata[key], kinds):
            errors.append(f'"{key}" must be {name}')
    return errors


def _bad_value(key: str, item: str) -> str:
    if key == "license" and item not in _LICENSES:
        return f'"license" must be one of [{", ".join(sorted(_LICENSES))}]'
    if key == "language" and not re.fullmatch(r"[a-z]{2,3}|code|multilingual|other", item):
        return (
            f'"language" with value "{item}" is not valid. It must be an ISO 639-1, 639-2 or 639-3 '
            'code (two/three letters), or a special value like "code", "multilingual". If you want '
            "to use BCP-47 identifiers, you can specify them in language_bcp47."
        )
    return ""


def _warnings(metadata: Mapping[str, Any]) -> list[str]:
    tasks = metadata.get("task_categories")
    items = tasks if isinstance(tasks, list) else []
    return [
        f'The task_categories "{item}" is not in the official list.'
        for item in items
        if isinstance(item, str) and item not in _TASKS
    ]
