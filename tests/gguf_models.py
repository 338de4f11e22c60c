"""Writes a tiny Llama with a byte-level BPE as a GGUF file, weight for weight."""

from __future__ import annotations

import json
from pathlib import Path

from tests.tiny_judges import END, InProcess


def save_gguf(file: Path, source: InProcess) -> Path:
    """Save a model of `tiny_judges` for llama.cpp, float32.

    Args:
        file: Where to.
        source: The model and its tokenizer.

    Returns:
        The file.
    """
    import gguf

    config, weights = source.model.config, source.model.state_dict()
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    _add_tokenizer(writer, source)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weight in weights.items():
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}.get(name.split(".")[-2])
        array = weight.float().numpy()
        if heads:  # llama.cpp turns neighbours by the rotary embedding, transformers the two halves of a head
            array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        writer.add_tensor(names.get_name(name, try_suffixes=(".weight",)), array.copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _add_tokenizer(writer: object, source: InProcess) -> None:
    import gguf

    assert isinstance(writer, gguf.GGUFWriter)
    tokenizer = source.tokenizer
    control = set(tokenizer.all_special_ids)
    size = source.model.config.vocab_size
    kinds = [gguf.TokenType.CONTROL if one in control else gguf.TokenType.NORMAL for one in range(size)]
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokenizer.convert_ids_to_tokens(range(size)))
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in merges])
    writer.add_eos_token_id(tokenizer.convert_tokens_to_ids(END))
    writer.add_bos_token_id(tokenizer.convert_tokens_to_ids(END))  # llama.cpp wants one, and puts it nowhere
    writer.add_add_bos_token(False)
    writer.add_chat_template(tokenizer.chat_template)
