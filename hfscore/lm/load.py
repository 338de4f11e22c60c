"""Loading a causal language model by name: safetensors only, no code of its own, and refused before it is too large."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from hfscore.errors import MissingExtraError
from hfscore.lm.batches import Budget
from hfscore.lm.forward import longest_input
from hfscore.lm.memory import available
from hfscore.lm.model import CausalLM
from hfscore.lm.probe import fused_head, is_causal
from hfscore.lm.spans import Script
from hfscore.lm.tokens import Encoder
from hfscore.ports import ModelName
from hfscore.text.chat_form import form_of

SECONDS_TO_ANSWER = 10
TOKENS = {"cpu": 4096, "cuda": 32768}  # in a batch; more gains nothing once the matrix products are large
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}

# What transformers and its readers of files raise for a model that is damaged, not there, or not to be had.
_FAILURES = (OSError, ValueError, ImportError, LookupError, AttributeError, TypeError, RuntimeError, SafetensorError)


def load(
    name: str,
    *,
    device: str | None = None,
    dtype: str | None = None,
    window: int | None = None,
    budget: int | None = None,
) -> CausalLM:
    """Load a model by its Hub id ("owner/model" or "owner/model@revision") or its folder.

    Args:
        name: Id or folder.
        device: As torch names it; None for the GPU if there is one, else the CPU.
        dtype: "float32" or "bfloat16"; None for bfloat16 on a GPU, as most weights are published in it and it halves
            memory, and for float32 on a CPU, where numbers should not hang on which CPU it is.
        window: Most tokens read at once; None for as many as the model was made for.
        budget: Most tokens in a batch; None for what suits the device.

    Raises:
        MissingExtraError: There is no such model, it cannot be used, or it does not fit into memory.
    """
    where = _device(device)
    kind = _dtype(dtype, where)
    local = Path(name).is_dir()
    model_id, _, revision = (name, "", "") if local else name.partition("@")
    if not local:
        _check_reachable(model_id, revision or None)
    logging.disable_progress_bar()  # of loading weights: a run has its own
    try:
        model, tokenizer, commit = _fetch(name, model_id, revision or None, dtype=kind, device=where)
    except _FAILURES as error:
        _refuse(name, _first_line(error), error)
    try:
        causal, head = is_causal(model), fused_head(model)
    except _FAILURES as error:
        _refuse(name, f"it does not read plain text: {_first_line(error)}", error)
    if not causal:
        _refuse(name, "what it makes of a token depends on what comes after it: it is no causal language model")
    return CausalLM(
        model=model,
        script=Script(tokenizer, form_of(tokenizer)),
        encoder=Encoder(tokenizer, model.get_input_embeddings().weight.shape[0]),
        name=ModelName(Path(name).resolve().name if local else model_id, f"git:{commit}" if commit else None),
        head=head,
        window=min(filter(None, (window, longest_input(model))), default=None),
        budget=Budget(budget or TOKENS.get(where.type, TOKENS["cpu"])),
    )


def _fetch(
    name: str, model_id: str, revision: str | None, *, dtype: torch.dtype, device: torch.device
) -> tuple[Any, Any, str | None]:
    """The model on its device, its tokenizer and its commit; all three of one state, whatever is pushed meanwhile."""
    at = {"revision": revision} if revision else {}
    config = AutoConfig.from_pretrained(model_id, trust_remote_code=False, **at)
    _check_kind(name, config)
    _check_size(name, config, dtype, device=device)
    commit = None if Path(model_id).is_dir() else _commit(model_id, revision)
    at = {"revision": commit} if commit else at
    tokenizer = AutoTokenizer.from_pretrained(model_id, trust_remote_code=False, **at)
    if not tokenizer.is_fast:
        _refuse(name, "its tokenizer does not say where its tokens stand: there is no tokenizer.json")
    model, report = AutoModelForCausalLM.from_pretrained(
        model_id,
        config=config,
        dtype=dtype,
        use_safetensors=True,
        trust_remote_code=False,
        output_loading_info=True,
        **at,
    )
    if report["missing_keys"] or report["mismatched_keys"]:
        _refuse(name, "its files do not hold all of a causal language model's weights")
    return model.eval().requires_grad_(False).to(device), tokenizer, commit


def _refuse(name: str, why: str, error: BaseException | None = None) -> NoReturn:
    raise MissingExtraError(
        f"The language model '{name}' cannot be used ({why[:200]}).",
        "Name a Hub id[@revision] or a folder of a causal model with safetensors weights and no code of its own.",
    ) from error


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _device(name: str | None) -> torch.device:
    try:
        device = torch.device(name or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise MissingExtraError(f"There is no device '{name}' here.", 'Use "cpu".') from error
    return device


def _dtype(name: str | None, device: torch.device) -> torch.dtype:
    """The type of the weights; bfloat16 only where the hardware multiplies it."""
    if name is not None and name not in DTYPES:
        raise MissingExtraError(f"There is no dtype '{name}'.", f"Use {' or '.join(DTYPES)}.")
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        known = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        fast = device.type == "cpu" and bool(known.get("avx512_bf16") or known.get("amx_bf16"))
    if name == "bfloat16" and not fast:
        raise MissingExtraError(f"This {device.type} does not multiply bfloat16.", "Use float32.")
    return DTYPES[name or ("bfloat16" if fast and device.type == "cuda" else "float32")]


def _check_reachable(model_id: str, revision: str | None) -> None:
    """Refuse a model that is neither in the cache nor on a Hub that answers: loading it would retry for a minute."""
    import httpx2
    from huggingface_hub import HfApi, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        if isinstance(try_to_load_from_cache(model_id, "config.json", revision=revision), str):
            return
        HfApi().model_info(model_id, revision=revision, timeout=SECONDS_TO_ANSWER)
    except (OSError, httpx2.HTTPError, HFValidationError) as error:
        _refuse(model_id, _first_line(error), error)


def _commit(model_id: str, revision: str | None) -> str | None:
    """The commit that the Hub's cache holds for a revision."""
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model_id, "config.json", revision=revision)
    return Path(found).parent.name if isinstance(found, str) else None


def _check_kind(name: str, config: Any) -> None:
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING

    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING or getattr(config, "is_encoder_decoder", False):
        _refuse(name, f"a model of type {config.model_type} is no causal language model")


def _check_size(name: str, config: Any, dtype: torch.dtype, *, device: torch.device) -> None:
    """Refuse weights that do not fit, known from the config alone, before any is fetched."""
    free = available(device)
    if free is None:
        return
    with torch.device("meta"):
        empty = AutoModelForCausalLM.from_config(config, trust_remote_code=False, dtype=dtype)
    size = sum(weight.numel() * weight.element_size() for weight in empty.parameters())
    if size > free:
        raise MissingExtraError(
            f"The language model '{name}' needs {size / 2**30:.1f} GiB for its weights in {str(dtype)[6:]}, and "
            f"{free / 2**30:.1f} GiB are free on the {device.type}.",
            "Name a smaller model, or use a device with more memory.",
        )
