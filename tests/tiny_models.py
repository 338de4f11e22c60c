"""Tiny causal language models and tokenizers, random from a seed and saved as a user's folder would be."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

_SHARED = tempfile.TemporaryDirectory(prefix="hfscore-tiny-")

SENTENCES = (
    "So two and two make four, and four and four make eight. Wait, let me check.\n\n",
    "Question: Which number is asked for?\nAnswer: First we add 12 and 30; that is 42.\nThe answer is: 42",
    "Żółw ma 3 jajka, a więc razem jest ich sześć. 日本 🙂 \\(x^2 + 1\\)\n",
)
CONTROL = ("<|start|>", "<|end|>")
START, END = "<|bos|>", "<|eos|>"

CHAT = (  # reasoning in a field of its own, as the Qwen family has it
    "{% for m in messages %}<|start|>{{ m.role }}\n"
    "{% if m.reasoning_content %}<think>\n{{ m.reasoning_content }}\n</think>\n\n{% endif %}"
    "{{ m.content }}<|end|>\n{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)

_SMALL = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 512,
    "bos_token_id": None,
    "eos_token_id": None,
    "pad_token_id": None,
}


def _llama(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import LlamaConfig

    return LlamaConfig(**{**_SMALL, "vocab_size": vocab, **more})


def _qwen3(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import Qwen3Config

    return Qwen3Config(**{**_SMALL, "vocab_size": vocab, "tie_word_embeddings": True, **more})


def _gemma2(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import Gemma2Config

    # a cap low enough to bend the logits of a random model
    return Gemma2Config(**{**_SMALL, "vocab_size": vocab, "final_logit_softcapping": 2.0, "sliding_window": 16, **more})


def _granite(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import GraniteConfig

    return GraniteConfig(**{**_SMALL, "vocab_size": vocab, "logits_scaling": 0.2, **more})


def _cohere(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import CohereConfig

    return CohereConfig(**{**_SMALL, "vocab_size": vocab, "logit_scale": 3.0, **more})


def _phi(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import PhiConfig

    return PhiConfig(**{**_SMALL, "vocab_size": vocab, **more})


def _gpt2(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import GPT2Config

    sizes = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 512, "bos_token_id": None, "eos_token_id": None}
    return GPT2Config(**{**sizes, "vocab_size": vocab, **more})


def _hyperclovax(vocab: int, more: Mapping[str, Any]) -> Any:
    from transformers import HyperCLOVAXConfig

    # multiplies where Granite, under the same name, divides
    return HyperCLOVAXConfig(**{**_SMALL, "vocab_size": vocab, "logits_scaling": 0.2, **more})


CONFIGS: Mapping[str, Callable[[int, Mapping[str, Any]], Any]] = {
    "llama": _llama,
    "qwen3": _qwen3,
    "gemma2": _gemma2,
    "granite": _granite,
    "cohere": _cohere,
    "phi": _phi,
    "gpt2": _gpt2,
    "hyperclovax": _hyperclovax,
}


@cache
def byte_level(vocab: int = 400) -> Any:
    """A byte-level BPE trained on a few sentences, as most models have; do not change it."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokenizer.train_from_iterator(SENTENCES * 4, trainer)
    return tokenizer


def sentence_pieces() -> Any:
    """A BPE that writes spaces as signs, puts one in front of every text, and falls back to bytes."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    tokenizer = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator([line.replace("\n", " ") for line in SENTENCES], trainer)
    saved = json.loads(tokenizer.to_str())
    vocab = saved["model"]["vocab"]
    vocab |= {f"<0x{byte:02X}>": len(vocab) + byte for byte in range(256)}
    return Tokenizer.from_str(json.dumps(saved))


def save_tokenizer(
    folder: Path,
    tokenizer: Any = None,
    *,
    chat_template: str | None = None,
    start: str | None = START,
    end: str | None = END,
) -> int:
    """Save a tokenizer and give its size.

    Args:
        folder: Where to.
        tokenizer: A `tokenizers.Tokenizer`; None for `byte_level`.
        chat_template: Its template, if it has one.
        start: The token that begins a text, or None.
        end: The token that ends one, or None.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    copy = Tokenizer.from_str((tokenizer or byte_level()).to_str())
    named = {key: token for key, token in (("bos_token", start), ("eos_token", end)) if token}
    made = PreTrainedTokenizerFast(tokenizer_object=copy, additional_special_tokens=list(CONTROL), **named)
    made.chat_template = chat_template
    made.save_pretrained(folder)
    return len(made)


def tiny_model(
    folder: Path,
    kind: str = "llama",
    *,
    vocab: int | None = None,
    chat_template: str | None = None,
    tokenizer: Any = None,
    start: str | None = START,
    end: str | None = END,
    seed: int = 0,
    change: Callable[[Any], None] | None = None,
    **config: Any,
) -> Path:
    """Save a random model and its tokenizer.

    Args:
        folder: Where to.
        kind: One of `CONFIGS`.
        vocab: Number of output weights; None for the tokenizer's size.
        chat_template: The tokenizer's template, if it has one.
        tokenizer: A `tokenizers.Tokenizer`; None for `byte_level`.
        start: The token that begins a text, or None.
        end: The token that ends one, or None.
        seed: Of its weights.
        change: What to do to the model before it is saved.
        **config: Fields of its config.

    Returns:
        The folder.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    size = save_tokenizer(folder, tokenizer, chat_template=chat_template, start=start, end=end)
    torch.manual_seed(seed)
    with torch.no_grad():
        model = AutoModelForCausalLM.from_config(CONFIGS[kind](vocab or size, config)).eval()
        head = model.get_output_embeddings()
        head.weight.normal_(0, 0.3)  # logits that differ as a trained model's do
        if head.bias is not None:
            head.bias.normal_(0, 0.5)
        if change is not None:
            change(model)
    model.save_pretrained(folder)
    return folder


@cache
def shared_model(kind: str = "llama", chat_template: str | None = None) -> Path:
    """A `tiny_model` that is made once in a test process."""
    name = f"{kind}-{'chat' if chat_template else 'plain'}-{len(list(Path(_SHARED.name).iterdir()))}"
    return tiny_model(Path(_SHARED.name) / name, kind, chat_template=chat_template)
