"""Final answers: how they are stated, when two say the same, and processes that hang or die."""

from __future__ import annotations

import json
import lzma
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.records import Unscored
from hfscore.text import answers
from hfscore.text.answer_text import final_line
from hfscore.text.answers import MAX_ANSWER, Verifier, final_answer, same_answer

DATA = Path(__file__).parent / "data"
WORKER = Path(answers.__file__).with_name("answer_worker.py")
RIGHT = {"175b_verification": 742, "6b_verification": 515, "175b_finetuning": 458, "6b_finetuning": 286}

STATED = [
    (r"so \boxed{\frac{1}{2}} it is", r"\frac{1}{2}"),
    (r"first \boxed{3}, then \boxed{4}", "4"),
    (r"\boxed{\boxed{3}}", "3"),
    (r"\boxed{\{1,2\}}", r"\{1,2\}"),
    (r"Thus \fbox{9}. The answer is 8.", "9"),
    (r"The final answer is $\boxed{7}$. ", "7"),
    ("<answer> 7 </answer>", "7"),
    ("<answer>6</answer> no, <answer>7</answer>", "7"),
    ("x\n#### 18", "18"),
    ("x\n#### 1,800\n\n", "1,800"),
    ("x\nA: 18", "18"),
    ("Q: 1\nA: The answer is 7.", "7"),
    ("The answer is (C).", "(C)"),
    ("The answer: **B**", "B"),
    ("The correct answer is \\(x=5\\).", "x=5"),
    ("the answer is 2.5. I hope it helps", "2.5"),
    ("The answer is 5\nNo: the answer is 6.", "6"),
    ("the answer is: \n 5", "5"),
    ("Final answer: 42", "42"),
    ("final answer\n5", "5"),
    ("**Final Answer**\n\n42", "42"),
    ("## Final Answer:\n\n$42$", "42"),
    ("**Answer:** 18 eggs", "18 eggs"),
    ("Odpowiedź: 2,5", "2,5"),
    ("Odpowiedź: 12 zł.", "12 zł"),
    ("**Odpowiedź:** 12", "12"),
    ("Odpowiedź to 5 km.", "5 km"),
    ("Ostateczna odpowiedź brzmi: 7.", "7"),
    ("Odp. 3/4", "3/4"),
    ("Odp.: 3/4", "3/4"),
    (r"so $\boxed{\frac{1}{\sqrt{2}}}$.", r"\frac{1}{\sqrt{2}}"),
    ("so \\boxed{3}, and so\n#### 18", "18"),
    ("x\n#### $\\boxed{18}$", "18"),
    (r"A: 3, or \boxed{4}", "4"),
    ("The answer would be 7.", "7"),
    ("the answer to this riddle: 7", None),
    ("The answer to this question is 7.", "7"),
    ("x\n**Final Answer:** 7", "7"),
    ("Odpowiedź: siedem owiec.", "siedem owiec"),
    ("Odpowiedź końcowa to 7.", "7"),
    ("La réponse finale est 7. Voilà.", "7"),
    ("Réponse : 7,5 km", "7,5 km"),
    ("La respuesta correcta es 7.", "7"),
    ("**Respuesta final:** 7", "7"),
    ("Die Antwort lautet 7.", "7"),
    ("La risposta è 7.", "7"),
    ("A resposta final é 7.", "7"),
    ("Ответ: 7", "7"),
    ("所以答案是：7", "7"),
    ("最终答案为7。谢谢", "7"),
    ("答えは 7", "7"),
    ("정답: 7", "7"),
    ("I answer letters all day", None),
    ("#### Step 1\nsome text", None),
    ("so 5 + 3 = 42.", None),
    ("answering is good", None),
    ("Answer is\n", None),
    (r"\boxed{", None),
    (r"\boxed{}", None),
    ("", None),
]
SAME = [
    ("18", "18.0"),
    ("1,000", "1000"),
    ("$1,000.00", "1000"),
    (r"\$5", "5"),
    ("$18$", "18"),
    ("$-5", "-$5"),
    ("-5", "−5"),
    ("1 000 zł", "1000"),
    ("1\u00a0000", "1000"),
    ("2,5", "2.5"),
    ("2,5 zł", "2.5 PLN"),
    ("12 zł", "12 złotych"),
    ("12 eggs", "12"),
    ("12 eggs", "12 egg"),
    ("5 dollars", "$5"),
    ("20%", "0.2"),
    ("20%", "20"),
    (r"5\%", "5 %"),
    ("3/4", "0.75"),
    (r"\dfrac{3}{4}", "0.75"),
    ("½", "0.5"),
    ("x=5", "5"),
    ("90^\\circ", "90°"),
    ("90^{\\circ}", "90"),
    ("(1,2)", "(1, 2)"),
    ("(C)", "C"),
    ("C", "C) 40 km/h"),
    ("C. 40", "option C"),
    (r"\text{(B)}", "b"),
    ("yes", "Yes."),
    (r"\text{yes}", "yes"),
    ("**Paris**", "paris"),
]
DIFFERENT = [
    ("18", "81"),
    ("20%", "30%"),
    ("2,5", "2.6"),
    ("1,234", "1,235"),
    ("3.33", "10/3"),
    ("12 eggs", "13 eggs"),
    ("x=5", "x=6"),
    ("(C)", "(D)"),
    ("C) 40", "B) 40"),
    ("yes", "no"),
    ("tak", "nie"),
]
OPEN = [
    ("1 hour", "60 minutes"),
    ("5 km", "5 miles"),
    ("x=5", "y=5"),
    ("1,000", "1"),
    ("1,2", "2,1"),
    ("1/0", "1"),
    ("C", "40"),
    ("(A) and (B)", "(A)"),
    ("Paris", "the city of Paris"),
    (r"\sqrt{8}", r"2\sqrt{2}"),
    ("10^10", "10000000000"),
    ("", "5"),
    ("9" * 50, "9" * 49),
]


@pytest.mark.parametrize(("text", "answer"), STATED)
def test_final_answer(text: str, answer: str | None) -> None:
    assert final_answer(text) == answer


def test_a_last_line_is_split_off() -> None:
    assert final_line("a\nb\n#### 1,200\n") == ("a\nb", "1,200")
    assert final_line("a\nA: 18") == ("a", "18")
    assert final_line("#### 7\nThe answer is: 7") is None
    assert final_line("####") is None


def test_a_trailing_result_counts_only_when_asked_for() -> None:
    assert final_answer("so 5 + 3 = 8\nand 8 * 2 = 16.", trailing=True) == "16"
    assert final_answer("so x <= 16.", trailing=True) is None
    assert final_answer("Answer: 3\nas 1 + 1 = 2", trailing=True) == "3"


@pytest.mark.parametrize(
    ("pairs", "verdict"), [(SAME, True), (DIFFERENT, False), (OPEN, None)], ids=["same", "different", "open"]
)
def test_same_answer(pairs: list[tuple[str, str]], verdict: bool | None) -> None:
    for a, b in pairs:
        assert same_answer(a, b) is same_answer(b, a) is verdict, (a, b)


@given(st.fractions(max_denominator=999), st.fractions(max_denominator=999))
def test_fractions_are_compared_exactly(a: Fraction, b: Fraction) -> None:
    assert same_answer(f"{a.numerator}/{a.denominator}", f"${b.numerator}/{b.denominator}$") is (a == b)


@given(st.integers(-(10**12), 10**12))
def test_grouped_thousands_are_the_number(number: int) -> None:
    assert same_answer(f"{number:,}", str(number)) is True
    assert same_answer(f"{number:,} zł".replace(",", "\u00a0"), str(number)) is True


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=300)
def test_any_two_texts_are_compared_alike_in_both_orders(a: str, b: str) -> None:
    assert same_answer(a, b) is same_answer(b, a)
    assert same_answer(a, a) in (True, None)
    found = final_answer(a)
    assert found is None or 0 < len(found) <= MAX_ANSWER


def test_the_solvers_of_gsm8k() -> None:
    right: Counter[str] = Counter()
    agree = total = 0
    for line in lzma.decompress((DATA / "gsm8k_solutions.jsonl.xz").read_bytes()).decode().splitlines():
        row = json.loads(line)
        reference = final_answer(row["ground_truth"])
        assert reference is not None
        for solver in RIGHT:
            prediction = final_answer(row[solver]["solution"])
            is_right = prediction is not None and same_answer(reference, prediction) is True
            right[solver] += is_right
            agree += is_right is row[solver]["is_correct"]
            total += 1
    assert right == RIGHT
    assert (agree, total) == (5_276, 5_276)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads Linux's table of processes")
MEGABYTE = 1_000_000
HOSTILE = {
    "nested boxes": r"\boxed{" * 10_000 + "5" + "}" * 10_000,
    "open boxes": r"\boxed{" * (MEGABYTE // 7),
    "open braces": r"\boxed{" + "{" * MEGABYTE,
    "open tags": "<answer>" * (MEGABYTE // 8),
    "closed tags": "</answer>" * (MEGABYTE // 9),
    "hashes": "#" * MEGABYTE,
    "phrases": "the answer is " * (MEGABYTE // 14),
    "bare phrases": "answer " * (MEGABYTE // 7),
    "empty lines": "answer:" + "\n" * MEGABYTE,
    "lines of markup": "answer:" + "*\n" * (MEGABYTE // 2),
    "spaces": "answer:" + " " * MEGABYTE,
    "dots": "the answer is " + ". " * (MEGABYTE // 2),
    "equals signs": "=" * MEGABYTE,
    "dollars": "answer: " + "$" * MEGABYTE,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_megabyte_of_hostile_text_takes_under_a_second(text: str) -> None:
    start = time.process_time()
    final_answer(text, trailing=True)
    same_answer(text, text + "1")
    same_answer(text[:MAX_ANSWER], text[1 : MAX_ANSWER + 1])
    assert time.process_time() - start < 1


def test_nested_boxes_give_the_innermost() -> None:
    assert final_answer(HOSTILE["nested boxes"]) == "5"


@pytest.fixture(scope="module")
def verifier() -> Iterator[Verifier]:
    pytest.importorskip("math_verify")
    with Verifier() as one:
        yield one


def test_formulas_are_compared_by_mathematics(verifier: Verifier) -> None:
    pairs = [
        (r"\sqrt{8}", r"2\sqrt{2}"),
        ("x^2+2x+1", "(x+1)^2"),
        ("x^2+2x+1", "(x+2)^2"),
        (r"\frac{\pi}{2}", "π/2"),
        (r"\{1,2\}", r"\{2,1\}"),
        ("(1,2)", "(2,1)"),
        ("5", "5.0"),
    ]
    assert verifier.verify(pairs, timeout_s=30) == [True, True, False, True, True, False, True]


def test_what_math_verify_would_misread_is_unscored(verifier: Verifier) -> None:
    pairs = [("listen", "silent"), ("", "5"), ("x" * 2_001, "y"), (r"\frac{", "5"), ("5", r"\frac{")]
    reasons = [verdict.reason for verdict in verifier.verify(pairs, timeout_s=30) if isinstance(verdict, Unscored)]
    assert reasons == [
        "the answers are worded differently",
        "an answer is empty",
        "an answer is longer than 2,000 characters",
        "math-verify cannot read the reference",
        "math-verify cannot read the prediction",
    ]


def test_a_pair_that_hangs_is_unscored_and_the_others_go_on(verifier: Verifier) -> None:
    pairs = [("2x", "x+x"), ("10^{10^{10}}", "10^{10^{11}}"), ("3x", "x+2x")]
    verifier.verify(pairs[:1], timeout_s=30)
    assert verifier.verify(pairs, timeout_s=2) == [True, Unscored("math-verify timed out"), True]


@needs_proc
def test_a_worker_that_dies_is_unscored_and_replaced(verifier: Verifier) -> None:
    assert verifier.verify([("2x", "x+x")], timeout_s=30) == [True]
    first = children()
    assert len(first) == 1
    os.kill(first[0], 9)
    assert verifier.verify([("2x", "x+x"), ("4x", "2x+2x")], timeout_s=30) == [Unscored("math-verify crashed"), True]
    assert len(children()) == 1
    assert children() != first


@needs_proc
def test_closing_leaves_no_process_and_a_verifier_can_be_used_again() -> None:
    pytest.importorskip("math_verify")
    before = children()
    with Verifier(workers=2) as verifier:
        assert verifier.verify([("2x", "x+x"), ("2y", "y+y"), ("2z", "z+z")], timeout_s=30) == [True] * 3
        assert len(children()) in (len(before) + 1, len(before) + 2)
    assert children() == before
    assert verifier.verify([("2x", "x+x")], timeout_s=30) == [True]
    verifier.close()
    assert children() == before


def test_a_verifier_works_outside_the_main_thread_and_leaves_standard_input_alone() -> None:
    pytest.importorskip("math_verify")
    code = """
import sys, threading
from hfscore.text.answers import Verifier
found = []
with Verifier() as verifier:
    thread = threading.Thread(target=lambda: found.extend(verifier.verify([("2x", "x+x")], timeout_s=60)))
    thread.start()
    thread.join()
print(found, sys.stdin.read())
"""
    done = subprocess.run([sys.executable, "-c", code], input="kept", capture_output=True, text=True, check=True)
    assert done.stdout == "[True] kept\n"
    assert done.stderr == ""


@needs_proc
def test_text_decides_without_a_process() -> None:
    before = children()
    with Verifier() as verifier:
        assert verifier.verify([("5", "5.0"), ("(A)", "B"), ("yes", "no")]) == [True, False, False]
        assert verifier.verify([]) == []
        assert children() == before


def test_the_worker_loads_no_model_library() -> None:
    pytest.importorskip("math_verify")
    code = f"""
import runpy, sys
space = runpy.run_path({str(WORKER)!r})
assert space["_comparison"]()("2x", "x+x") is True
print(sorted({{"torch", "transformers", "datasets", "hfscore"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_pool_needs_a_worker() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Verifier(workers=0)


def children() -> list[int]:
    """Processes of ours, zombies included, that run the worker."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue  # It ended meanwhile.
        is_ours = int(fields[1]) == os.getpid()
        if is_ours and (fields[0] == "Z" or WORKER.name.encode() in command):
            found.append(int(stat.parent.name))
    return sorted(found)


def test_no_thread_stays() -> None:
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
