"""A tiny chat model that has something to say to a judge's question: `1` or `0`, and then the end of its turn.

Its weights are random but for three rows of the head, and for one place of every embedding by which it is kept from
writing white space, as an undecided model would without end where a grammar allows it. Which of the two labels it
prefers, and how much, is for its random attention to say, so that it differs from prompt to prompt.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pytest

from hfscore.judge import plan, prompts
from hfscore.judge.labels import LABELS
from hfscore.judge.store import Store
from hfscore.ports import Judged, Verdict
from hfscore.records import Trace, Unscored
from hfscore.text.steps import split_steps
from tests.served import HEAD
from tests.tiny_models import tiny_model

END = "<|end|>"
CHAT = (
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
WINDOW = 4096
_LABEL = 24.0  # logit at which a label stands out of 2,048 random tokens
_LEANING = 0.2
_SEED = 8  # one with which neither label is always preferred


def _texts() -> Iterator[str]:
    yield from prompts.rubric("en")["criteria"].values()
    for line in HEAD.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        yield row["question"]
        yield row["answer"]


def _tokenizer() -> Any:
    """A byte-level BPE that takes about four characters of a judge's prompt to a token."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=2040, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(_texts(), trainer)
    return tokenizer


def tiny_judge(folder: Path) -> Path:
    """Save a Llama of 0.15 million weights, float32, with its tokenizer and chat template.

    Returns:
        The folder.
    """
    import torch

    tokenizer = _tokenizer()
    ids = {text: tokenizer.token_to_id(text) for text in ("1", "0", "Ċ")}  # Ċ is how a byte-level BPE writes \n

    blank = [token for text, token in tokenizer.get_vocab().items() if not text.strip("ĊĠč")]  # white space alone

    def speak(model: Any) -> None:
        before = model.get_input_embeddings().weight
        head = model.get_output_embeddings().weight
        for layer in model.model.layers:  # the token itself is still seen through what attention adds to it
            layer.self_attn.o_proj.weight.mul_(0.2)
            layer.mlp.down_proj.weight.mul_(0.1)
        head.mul_(0.3)
        before[:, 0] = 0  # one place that says the same behind every token
        asked = torch.nn.functional.normalize(before[ids["Ċ"]], dim=0)
        said = torch.nn.functional.normalize(before[ids["1"]] + before[ids["0"]], dim=0)
        leaning = torch.randn_like(asked) * _LEANING
        leaning[0] = 0
        leaning -= (leaning @ asked) * asked
        width = len(asked) ** 0.5  # of a vector behind an RMS norm
        head[ids["1"]] = _LABEL / width * asked + leaning
        head[ids["0"]] = _LABEL / width * asked - leaning
        before[:, 0] = 1
        head[blank, 0] = -_LABEL
        head[model.config.eos_token_id] = 2 * _LABEL / width * said

    return tiny_model(
        folder,
        chat_template=CHAT,
        tokenizer=tokenizer,
        start=None,
        end=END,
        seed=_SEED,
        change=speak,
        initializer_range=0.3,
        max_position_embeddings=WINDOW,
        eos_token_id=tokenizer.get_vocab_size(),
    )


@dataclass(frozen=True, slots=True)
class InProcess:
    """The same model without a server, to compare with."""

    tokenizer: Any
    model: Any

    @classmethod
    def load(cls, folder: Path) -> Self:
        from transformers import AutoModelForCausalLM, AutoTokenizer

        return cls(AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval())

    def prompt(self, messages: Sequence[prompts.Message]) -> Any:
        """(1, n) token ids of a prompt, up to where the answer begins."""
        rendered = self.tokenizer.apply_chat_template(list(messages), add_generation_prompt=True, return_tensors="pt")
        return rendered["input_ids"]

    def answer(self, messages: Sequence[prompts.Message]) -> str:
        """What it says, the likeliest token each time."""
        asked = self.prompt(messages)
        said = self.model.generate(asked, max_new_tokens=plan.ANSWER_TOKENS["label"], do_sample=False)
        return str(self.tokenizer.decode(said[0, asked.shape[1] :], skip_special_tokens=True))

    def chances(self, messages: Sequence[prompts.Message]) -> dict[str, float]:
        """Probability of each label as the first token."""
        import torch

        with torch.no_grad():
            likely = self.model(self.prompt(messages)).logits[0, -1].double().softmax(-1)
        return {label: float(likely[self.tokenizer.convert_tokens_to_ids(label)]) for label in LABELS}


def same_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every new store one secret, so that prompts, and with them answers, are the same in every run."""
    monkeypatch.setattr("hfscore.judge.store.secrets.token_bytes", bytes)


def labels_asked(
    store: Path, traces: Sequence[Trace], judged: Sequence[Judged | Unscored]
) -> Iterator[tuple[list[prompts.Message], Verdict | Unscored]]:
    """Every label that was asked for, as prompt and verdict.

    Args:
        store: The answers' file, which holds the secret of the prompts' markers.
        traces: What was judged.
        judged: What came of it.
    """
    with closing(Store.open(store)) as opened:
        secret = opened.secret
    for trace, found in zip(traces, judged, strict=True):
        assert isinstance(found, Judged), found
        steps = [step.text for step in split_steps(trace.reasoning)]
        whole = plan.Window(tuple(range(len(steps))), range(len(steps)))
        shown = plan.show(trace, steps, whole, prompts.nonce_of(secret, trace.question, trace.reasoning))
        for index, step in enumerate(found.steps):
            for criterion, verdict in step.verdicts.items():
                yield prompts.ask("en", shown, "label", criterion, first=index + 1), verdict
