"""What a model is found to do when it is loaded: whether it is causal, and whether its logits are what they seem."""

from __future__ import annotations

from typing import Any

import torch

from hfscore.lm.forward import Window, hidden_states, longest_input, own_logits
from hfscore.lm.head import Head, statistics

TOKENS = 24
_TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 0.05}  # nats, at most, and that share of the surprisal
_SAME = {torch.float32: 1e-5, torch.bfloat16: 0.02}  # of the largest number of a hidden state: a few last bits


@torch.inference_mode()
def is_causal(model: Any) -> bool:
    """Whether the hidden states of a probe's first half stay the same when its second half changes."""
    ids = _ids(model)
    half = len(ids) // 2
    other = torch.cat([ids[:half], ids[half:].flip(0)])
    first, second = (_states(model, one)[:half].float() for one in (ids, other))
    return bool((first - second).abs().max() <= _SAME.get(model.dtype, 0.02) * first.abs().max())


@torch.inference_mode()
def fused_head(model: Any) -> Head | None:
    """The model's output weights as a `Head`, if on a probe they give the surprisal of its own logits; else None.

    Compared are logits and not the loss a model returns, to which some add terms of their own.
    """
    head = _head(model)
    if head is None:
        return None
    ids = _ids(model)
    places = torch.arange(len(ids) - 1, device=model.device)
    logits = torch.cat(list(own_logits(model, ids[None], places)))
    if logits.shape[1] != head.size:
        return None
    own = torch.nn.functional.cross_entropy(logits, ids[1:], reduction="none")
    found, _, _ = statistics(head, _states(model, ids)[:-1], ids[1:])
    tolerance = _TOLERANCE.get(model.dtype, 0.05)
    return head if bool(torch.allclose(found, own, rtol=tolerance, atol=tolerance)) else None


def _head(model: Any) -> Head | None:
    layer, config = model.get_output_embeddings(), model.config.get_text_config()
    if not isinstance(layer, torch.nn.Linear):
        return None
    # Names of models in use: Gemma 2 and 3 bound their logits, Cohere multiplies them, Granite divides.
    factor = getattr(config, "logit_scale", None) or 1 / (getattr(config, "logits_scaling", None) or 1)
    cap = getattr(config, "final_logit_softcapping", None)
    bias = None if layer.bias is None else layer.bias.detach().float()
    return Head(layer.weight.detach(), bias, float(factor), cap, wide=_is_wide(layer.weight))


def _is_wide(weight: torch.Tensor) -> bool:
    """Whether the device multiplies these numbers into float32."""
    if weight.dtype == torch.float32 or weight.device.type != "cuda":
        return False
    small = weight[:16, :16].contiguous()
    try:
        torch.mm(small, small.T, out_dtype=torch.float32, out=torch.empty(16, 16, device=weight.device))
    except (TypeError, RuntimeError):  # an older torch, or a device without it
        return False
    return True


def _ids(model: Any) -> torch.Tensor:
    size = model.get_input_embeddings().weight.shape[0]
    count = min(TOKENS, longest_input(model) or TOKENS)
    return torch.randint(size, (count,), generator=torch.Generator().manual_seed(0)).to(model.device)


def _states(model: Any, ids: torch.Tensor) -> torch.Tensor:
    row = ids.cpu().numpy()
    places = torch.arange(len(row)).numpy()
    return hidden_states(model, [Window(0, row, places, row)])
