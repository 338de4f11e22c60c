"""A language model as a whole, on tiny random ones: equal to transformers itself, however texts are batched."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hfscore.lm import CausalLM, load
from hfscore.lm.batches import TOO_LONG, Budget
from hfscore.lm.model import NO_HEAD, NOT_FINITE, OTHER_TOKENIZER
from hfscore.lm.tokens import Row
from hfscore.ports import ANSWER_CUE, RANK_LIMIT, LanguageModel, Passage, TokenScores, TraceScores
from hfscore.records import Trace, Turn, Unscored
from tests.fakes import trace
from tests.tiny_models import CHAT, CONFIGS, SENTENCES, sentence_pieces, shared_model, tiny_model

KINDS = sorted(CONFIGS)


def model(kind: str = "llama", template: str | None = CHAT, **more: Any) -> CausalLM:
    return load(str(shared_model(kind, template)), device="cpu", **more)


@pytest.fixture(scope="module")
def llama() -> CausalLM:
    return model()


def traces(count: int, seed: int = 0) -> list[Trace]:
    """Traces of very different lengths."""
    draw = random.Random(seed)
    return [
        trace(
            f"{row} " + " ".join(draw.choices(SENTENCES, k=draw.choice([1, 1, 2, 4, 8]))),
            question=draw.choice(SENTENCES) if row % 7 else None,
            response=draw.choice(SENTENCES) if row % 3 else None,
            reference=str(row) if row % 2 else None,
            row=row,
        )
        for row in range(count)
    ]


def row_of(lm: CausalLM, one: Trace) -> Row:
    row = lm.encoder.rows([lm.script.trace(one)])[0]
    assert isinstance(row, Row)
    return row


def own(lm: CausalLM, row: Row) -> tuple[torch.Tensor, float]:
    """Logits before the scored tokens from the model's own forward, and its own loss over them."""
    ids = torch.from_numpy(row.ids)[None]
    labels = torch.full_like(ids, -100)
    labels[0, row.scored] = ids[0, row.scored]
    with torch.no_grad():
        out = lm.model(ids, labels=labels)
    return out.logits[0, row.scored - 1].double(), float(out.loss)


def joined(found: TraceScores | Unscored) -> list[TokenScores]:
    assert isinstance(found, TraceScores)
    return [one for one in (found.reasoning, found.response, found.answer) if one is not None]


def column(found: Sequence[TraceScores | Unscored], name: str) -> NDArray[Any]:
    return np.concatenate([getattr(tokens, name) for one in found for tokens in joined(one)])


@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_transformers(kind: str) -> None:
    lm = model(kind)
    given = traces(12)
    for one, found in zip(given, lm.traces(given), strict=True):
        row = row_of(lm, one)
        logits, loss = own(lm, row)
        logs = logits.log_softmax(-1)
        targets = torch.from_numpy(row.ids[row.scored])
        expected = -logs[torch.arange(len(targets)), targets].numpy()
        nll = column([found], "nll")
        np.testing.assert_allclose(nll, expected, atol=1e-5, rtol=1e-4)
        assert nll.mean() == pytest.approx(loss, abs=1e-5, rel=1e-4)
        np.testing.assert_allclose(column([found], "entropy"), -(logs.exp() * logs).sum(-1).numpy(), atol=1e-4)
        target = logits[torch.arange(len(targets)), targets][:, None]
        clear = (((logits - target).abs() < 1e-4).sum(-1) == 1).numpy()
        expected_rank = (1 + (logits > target).sum(-1)).clamp(max=RANK_LIMIT).numpy()
        assert (column([found], "rank") == expected_rank)[clear].all()
        assert clear.mean() > 0.9


def test_the_head_is_fused_where_it_can_be() -> None:
    """HyperCLOVA X multiplies by what Granite, under the same name, divides by."""
    heads = {kind: model(kind).settings["head"].split(":")[0] for kind in KINDS}
    assert heads == dict.fromkeys(KINDS, "fused") | {"hyperclovax": "the model's own"}


def test_own_logits_in_chunks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    given = traces(4)
    whole = model("hyperclovax").traces(given)
    monkeypatch.setattr("hfscore.lm.forward.OWN_LOGITS", 5 * 382)
    np.testing.assert_allclose(column(model("hyperclovax").traces(given), "nll"), column(whole, "nll"), rtol=1e-5)


@pytest.mark.parametrize("kind", ["llama", "gemma2", "gpt2"])
def test_batches_change_no_score(kind: str) -> None:
    given = traces(30)
    expected = model(kind).traces(given)
    mixed = random.Random(1).sample(given, len(given))
    for lm, asked in (
        (model(kind, budget=1), given),
        (model(kind, budget=300), given),
        (model(kind, budget=100_000), mixed),
    ):
        lm.encoder.tokenizer.padding_side = "left"
        found = dict(zip((one.row for one in asked), lm.traces(asked), strict=True))
        again = [found[one.row] for one in given]
        for name in ("nll", "entropy"):
            np.testing.assert_allclose(column(again, name), column(expected, name), atol=1e-5, rtol=1e-4)
        assert column(again, "rank").mean() == pytest.approx(column(expected, "rank").mean(), rel=1e-3)
    alone = [model(kind).traces([one])[0] for one in given[:3]]
    np.testing.assert_allclose(column(alone, "nll"), column(expected[:3], "nll"), atol=1e-5, rtol=1e-4)


def test_parts_of_a_trace(llama: CausalLM) -> None:
    one = trace("\n So two and two make four. ", response="Four\n", reference=" 4 eggs")
    found = llama.traces([one])[0]
    assert isinstance(found, TraceScores)
    assert found.response is not None
    assert found.answer is not None
    assert (found.reasoning.bytes, found.response.bytes, found.answer.bytes) == (25, 4, 6)
    assert one.reasoning[found.reasoning.starts[0]] == "S"
    for tokens in joined(found):
        assert tokens.nll.dtype == tokens.entropy.dtype == np.float32
        assert tokens.rank.dtype == tokens.starts.dtype == np.int32
        assert len(tokens.nll) == len(tokens.entropy) == len(tokens.rank) == len(tokens.starts) > 0
        assert tokens.windowed is False
    bare = llama.traces([trace("So two")])[0]
    assert isinstance(bare, TraceScores)
    assert bare.response is None
    assert bare.answer is None


def test_what_stands_behind_changes_nothing_before(llama: CausalLM) -> None:
    one, more = trace("So two", response="x"), trace("So two", response="x", reference="4")
    first, second = llama.traces([one, more])
    np.testing.assert_allclose(column([first], "nll"), column([second], "nll")[:-1], atol=1e-5)


def test_a_passage_is_scored_part_by_part(llama: CausalLM) -> None:
    question = "Which number?"
    plain = trace("So two and two make four.", question=question, reference="42")
    whole = llama.traces([plain])[0]
    parts = llama.passages([Passage(question, (plain.reasoning, ANSWER_CUE, "42")), Passage(None, ("x", "", "y"))])
    assert isinstance(whole, TraceScores)
    assert whole.answer is not None
    first, second = parts
    assert isinstance(first, tuple)
    assert isinstance(second, tuple)
    np.testing.assert_allclose(first[0].nll, whole.reasoning.nll, atol=1e-5)
    np.testing.assert_allclose(first[2].nll, whole.answer.nll, atol=1e-5)
    assert [len(one.nll) for one in second] == [1, 0, 1]
    assert [one.bytes for one in second] == [1, 0, 1]


def test_a_question_tells_something(llama: CausalLM) -> None:
    asked, unasked, blank = llama.passages([Passage("Why?", ("So",)), Passage(None, ("So",)), Passage(" ", ("So",))])
    assert isinstance(asked, tuple)
    assert isinstance(unasked, tuple)
    assert isinstance(blank, tuple)
    assert abs(asked[0].nll[0] - unasked[0].nll[0]) > 1e-3
    assert unasked[0].nll[0] == blank[0].nll[0]


def test_a_model_that_knows_nothing(tmp_path: Path) -> None:
    lm = load(str(tiny_model(tmp_path / "m", change=lambda made: made.lm_head.weight.zero_())), device="cpu")
    found = lm.traces(traces(5))
    size = lm.model.config.vocab_size
    assert np.exp(column(found, "nll")) == pytest.approx(size, rel=1e-5)
    assert column(found, "entropy") == pytest.approx(math.log(size), abs=1e-5)
    assert (column(found, "rank") == 1).all()


def test_a_temperature_leaves_ranks(tmp_path: Path) -> None:
    plain = tiny_model(tmp_path / "plain")
    hot = tiny_model(tmp_path / "hot", change=lambda made: made.lm_head.weight.div_(4))
    first, second = (load(str(folder), device="cpu").traces(traces(5)) for folder in (plain, hot))
    assert (column(first, "rank") == column(second, "rank")).mean() > 0.999
    assert column(first, "nll").mean() > column(second, "nll").mean()


def test_a_text_beyond_the_window(llama: CausalLM) -> None:
    one = trace(" ".join(SENTENCES * 4), question="q")
    whole = llama.traces([one])[0]
    short = model(window=64).traces([one, trace("So two")])
    assert isinstance(whole, TraceScores)
    cut = short[0]
    assert isinstance(cut, TraceScores)
    assert cut.reasoning.windowed
    assert not whole.reasoning.windowed
    assert not joined(short[1])[0].windowed
    assert (cut.reasoning.starts == whole.reasoning.starts).all()
    # by hand: the first window sees all; the next begins half a window later and is scored behind the first
    row = row_of(llama, one)
    first = int((row.scored <= 64).sum())
    np.testing.assert_allclose(cut.reasoning.nll[:first], whole.reasoning.nll[:first], atol=1e-5, rtol=1e-4)
    for begin, low, high in ((32, 64, 96), (64, 96, 128)):
        with torch.no_grad():
            logs = llama.model(torch.from_numpy(row.ids[begin : begin + 64])[None]).logits[0].log_softmax(-1)
        for place in range(low + 1, high + 1):
            expected = -float(logs[place - 1 - begin, row.ids[place]])
            assert cut.reasoning.nll[place - row.scored[0]] == pytest.approx(expected, abs=1e-5, rel=1e-4)


def test_the_window_changes_nothing_that_fits(llama: CausalLM) -> None:
    one = trace("So two and two make four.", question="q")
    size = int(row_of(llama, one).scored[-1])
    for window in (size, size + 1):
        found = model(window=window).traces([one])
        assert not joined(found[0])[0].windowed
        np.testing.assert_allclose(column(found, "nll"), column(llama.traces([one]), "nll"), atol=1e-5, rtol=1e-4)
    assert joined(model(window=size - 1).traces([one])[0])[0].windowed


def test_a_question_that_fills_the_window() -> None:
    found = model(window=64).traces([trace("So", question=" ".join(SENTENCES)), trace("So")])
    assert found[0] == Unscored("the question alone fills the model's window of 64 tokens")
    assert isinstance(found[1], TraceScores)


def test_sixty_thousand_tokens_among_short_texts(llama: CausalLM) -> None:
    """All of it is scored, and never more than a batch's tokens are in the model at once."""
    long = trace("Żółw 日本 🙂 or x! " * 6_200, question="q")
    given = [*traces(5), long, *traces(5)]
    sizes = []
    hook = llama.model.base_model.register_forward_pre_hook(lambda module, args: sizes.append(args[0].numel()))
    try:
        found = llama.traces(given)
    finally:
        hook.remove()
    scores = joined(found[5])[0]
    assert len(scores.nll) > 60_000
    assert scores.windowed
    assert scores.starts[-1] >= len(long.reasoning) - 3
    assert np.isfinite(scores.nll).all()
    assert max(sizes) <= llama.budget.tokens
    np.testing.assert_allclose(column(found[:5], "nll"), column(llama.traces(given[:5]), "nll"), atol=1e-5, rtol=1e-4)


def limited(lm: CausalLM, tokens: int) -> CausalLM:
    """A model whose memory holds so many tokens."""

    def check(module: Any, args: Any) -> None:
        if args[0].numel() > tokens:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    lm.model.base_model.register_forward_pre_hook(check)
    return lm


def test_memory_that_runs_out_changes_no_score(llama: CausalLM) -> None:
    given = traces(20)
    lm = limited(model(), 600)
    np.testing.assert_allclose(
        column(lm.traces(given), "nll"), column(llama.traces(given), "nll"), atol=1e-5, rtol=1e-4
    )
    assert lm.budget.tokens <= 600


def test_a_text_that_memory_does_not_hold_says_so(llama: CausalLM) -> None:
    given = [trace("So two"), trace(" ".join(SENTENCES * 3)), trace("So four")]
    found = limited(model(), 100).traces(given)
    assert found[1] == TOO_LONG
    expected = llama.traces([given[0], given[2]])
    np.testing.assert_allclose(column([found[0], found[2]], "nll"), column(expected, "nll"), atol=1e-5, rtol=1e-4)


def test_a_cpu_gives_up_before_the_system_does(llama: CausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hfscore.lm.forward.available", lambda device: 100_000)
    lm = model()
    assert lm.traces([trace(" ".join(SENTENCES * 3)), trace("So")])[0] == TOO_LONG
    assert isinstance(lm.traces([trace("So")])[0], TraceScores)
    assert lm.budget.tokens < llama.budget.tokens


def test_a_model_that_gives_no_numbers(tmp_path: Path) -> None:
    lm = load(str(tiny_model(tmp_path / "m")), device="cpu")
    lm.model.model.norm.weight.fill_(float("nan"))
    assert lm.traces([trace("So")]) == [NOT_FINITE]


def test_a_batch_is_remembered(llama: CausalLM) -> None:
    calls: list[int] = []
    hook = llama.model.base_model.register_forward_pre_hook(lambda module, args: calls.append(1))
    try:
        given = traces(3, seed=9)
        first = llama.traces(given)
        count = len(calls)
        assert llama.traces(list(given)) == first
        assert len(calls) == count > 0
        llama.traces([*given[:2], trace("other")])
        assert len(calls) > count
    finally:
        hook.remove()


def test_reasons_keep_their_place(llama: CausalLM) -> None:
    found = llama.traces([trace("  "), trace("So"), trace("", turns=(Turn("user", "x"),))])
    assert [isinstance(one, Unscored) for one in found] == [True, False, True]
    assert llama.traces([]) == []
    assert llama.passages([]) == []


def test_what_it_says_of_itself(llama: CausalLM) -> None:
    port: LanguageModel = llama
    assert port.parameters == sum(one.numel() for one in llama.model.parameters())
    assert port.settings["dtype"] == "float32"
    assert port.settings["device"] == "cpu"
    assert port.settings["window"].startswith("512 tokens")
    assert "reasoning_content" in port.settings["form"]
    assert "'Question: ...\\nAnswer: '" in model(template=None).settings["form"]


def jensen_shannon(p: torch.Tensor, q: torch.Tensor) -> NDArray[Any]:
    middle = ((p + q) / 2).log()
    total = (p * (p.log() - middle)).sum(-1) + (q * (q.log() - middle)).sum(-1)
    return total.numpy() / 2


def test_disagreement_of_two_models(llama: CausalLM, tmp_path: Path) -> None:
    other = load(str(tiny_model(tmp_path / "m", "qwen3", chat_template=CHAT)), device="cpu", window=200)
    given = [*traces(6), trace(" ")]
    found = llama.disagreement(other, given)
    assert found[6] == Unscored("empty trace")
    for one, values in zip(given[:6], found[:6], strict=True):
        row = row_of(llama, one)
        places = row.scored[row.part == 0]
        assert isinstance(values, np.ndarray)
        assert len(values) == len(places)
        if places[-1] <= 200:  # the other reads it in one window
            p, q = (own(lm, row)[0][: len(places)].softmax(-1) for lm in (llama, other))
            np.testing.assert_allclose(values, jensen_shannon(p, q), atol=1e-5, rtol=1e-4)
    same = llama.disagreement(model(), given)
    assert all(np.abs(one).max() < 1e-6 for one in same[:6] if isinstance(one, np.ndarray))


def test_disagreement_needs_one_tokenizer_and_two_heads(llama: CausalLM, tmp_path: Path) -> None:
    other = load(str(tiny_model(tmp_path / "m", tokenizer=sentence_pieces())), device="cpu")
    assert llama.disagreement(other, traces(2)) == [OTHER_TOKENIZER] * 2
    assert llama.disagreement(model("hyperclovax"), traces(2)) == [NO_HEAD] * 2
    padded = load(str(tiny_model(tmp_path / "n", vocab=500)), device="cpu")
    assert all(isinstance(one, np.ndarray) for one in llama.disagreement(padded, traces(3)))


def test_narrow_weights_are_near(llama: CausalLM) -> None:
    if not torch.cpu.get_capabilities().get("avx512_bf16"):
        pytest.skip("this CPU does not multiply bfloat16")
    lm = model(dtype="bfloat16")
    assert lm.settings["dtype"] == "bfloat16"
    given = traces(10)
    exact, narrow = (column(one.traces(given), "nll") for one in (llama, lm))
    assert narrow.mean() == pytest.approx(exact.mean(), rel=0.01)
    assert 0 < np.abs(narrow - exact).mean() < 0.1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize(("dtype", "near"), [("float32", 1e-3), ("bfloat16", 0.1)])
def test_a_gpu_gives_the_same(llama: CausalLM, dtype: str, near: float) -> None:
    given = traces(20)
    lm = load(str(shared_model("llama", CHAT)), device="cuda", dtype=dtype)
    found, expected = (column(one.traces(given), "nll") for one in (lm, llama))
    assert np.abs(found - expected).mean() < near


def test_the_budget_is_the_caller_s() -> None:
    assert model(budget=7).budget == Budget(7)
