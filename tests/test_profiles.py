"""Profiles are data: complete, read strictly, written and read back equal; sizes are read and never interpolated."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore import catalog, targets
from hfscore.errors import HfscoreError
from hfscore.profiles import Entry, Profile, conflicts, dump, load_profile, published, sentences
from hfscore.profiles.file import flaw, parse

SIZES = st.floats(0, 1000, allow_nan=False).map(lambda size: round(size, 2))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(lambda text: text.strip())


@st.composite
def ranges(draw: st.DrawFn, open_above: bool = True) -> tuple[float, float | None]:
    low, high = sorted((draw(SIZES), draw(SIZES)))
    return low, None if open_above and draw(st.booleans()) else high


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    metrics = draw(st.lists(WORDS, max_size=4, unique=True))
    entries = [
        Entry(
            metric,
            draw(st.sampled_from(["up", "down", "none", "contested"])),
            draw(st.sampled_from(["A", "B", "C", "D", "X"])),
            tuple(draw(st.lists(WORDS, min_size=1, max_size=2))),
            draw(WORDS),
            tuple(draw(st.lists(WORDS, max_size=2))),
            draw(st.none() | st.integers(1, 99)),
            draw(st.none() | ranges(open_above=False)),  # type: ignore[arg-type]
            draw(st.none() | ranges()),
            tuple(draw(st.lists(WORDS, max_size=1))),
        )
        for metric in metrics
    ]
    return Profile(draw(WORDS), draw(ranges()), tuple(entries), draw(st.none() | SIZES), draw(st.none() | SIZES))


# The data.


@pytest.mark.parametrize("profile", published(), ids=lambda one: one.name)
def test_every_entry_has_sign_grade_source_and_a_reviewed_sentence(profile: Profile) -> None:
    assert flaw(profile) == ""
    known = {metric.id for family in catalog.families() for metric in family.metrics}
    for entry in profile.entries:
        assert entry.metric in known
        assert entry.grade in ("B", "C", "X")  # nothing reaches A today; D and - say nothing of a size
        assert entry.sources
        assert all("arXiv" in source for source in entry.sources)
        assert entry.languages
        assert entry.evidence in sentences().values()
        assert (entry.grade == "X") == (entry.direction == "contested")


def test_no_sentence_is_left_over() -> None:
    said = {entry.evidence for profile in published() for entry in profile.entries}
    assert said == set(sentences().values())


def test_what_the_catalogue_of_metrics_says_of_both_sizes() -> None:
    small, larger = published()
    signs = {
        profile.name: {(one.metric, one.direction, one.grade) for one in profile.entries if one.signed}
        for profile in (small, larger)
    }
    assert {("rsr", "down", "B"), ("alignment_margin", "up", "C"), ("factuality", "up", "C")} <= signs["small"]
    assert {("rsr", "down", "B"), ("validity", "up", "C"), ("coherence", "up", "C")} <= signs["larger"]
    assert not {name for name, *_ in signs["larger"]} & {"redundancy", "redundancy_windowed", "factuality", "utility"}
    assert not {name for name, *_ in signs["small"]} & {"redundancy", "validity", "coherence", "utility"}


# The files.


@given(profile=profiles())
@settings(max_examples=100, deadline=None)
def test_a_profile_is_read_back_as_it_was_written(profile: Profile) -> None:
    assert parse(dump(profile), name="p") == profile


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("schema = 2", "schema 2"),
        ("schema = ", "not TOML"),
        ('schema = 1\nname = "x"', "size_b"),
        ('schema = 1\nname = "x"\nsize_b = [9, 8]', "no size"),
        ('schema = 1\nname = "x"\nsize_b = [nan, 8]', "no size"),
        ('schema = 1\nname = "x"\nsize_b = [0, 8]\nweight = 3', "'weight'"),
        ('schema = 1\nname = "x"\nsize_b = [0, 8]\n[[entry]]\nmetric = "rsr"\nweight = 1', "'weight'"),
        ('schema = 1\nname = "x"\nsize_b = [0, 8]\n[[entry]]\nmetric = "rsr"', "direction"),
        ('schema = 1\nname = " "\nsize_b = [0, 8]', "no name"),
    ],
)
def test_a_file_that_is_no_profile_is_refused_by_name(broken: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(broken)
    with pytest.raises(HfscoreError, match=r"own\.toml") as caught:
        load_profile(file)
    assert said in str(caught.value)


ENTRY = Entry("rsr", "down", "C", ("mine",), "")


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((ENTRY, ENTRY), "two entries"),
        ((Entry("rsr", "down", "C", (), ""),), "no source"),
        ((Entry("rsr", "down", "-", ("mine",), ""),), "no grade"),
        ((Entry("rsr", "down", "C", ("mine",), "", n=0),), "0 datasets"),
    ],
)
def test_an_entry_without_source_or_grade_is_refused(entries: tuple[Entry, ...], said: str) -> None:
    with pytest.raises(HfscoreError, match=said):
        parse(dump(Profile("x", (0, 8), entries)), name="own.toml")


def test_a_missing_file_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(HfscoreError, match="evidence fit"):
        load_profile(tmp_path / "none.toml")


# Sizes.


@pytest.mark.parametrize(
    ("text", "total", "active", "shown"),
    [
        ("8B", 8, None, "8B"),
        ("14b", 14, None, "14B"),
        ("0.6B", 0.6, None, "0.6B"),
        ("135M", 0.135, None, "135M"),
        ("30B-A3B", 30, 3, "30B-A3B"),
        ("1T-A32B", 1000, 32, "1000B-A32B"),
        (" unknown ", None, None, "unknown"),
    ],
)
def test_targets_are_read(text: str, total: float | None, active: float | None, shown: str) -> None:
    target = targets.parse(text)
    assert (target.total_b, target.active_b, target.text) == (total, active, shown)


@pytest.mark.parametrize("text", ["", "8", "big", "8B or so", "-8B", "0B", "nanB", "30B-3B"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(HfscoreError, match="no size"):
        targets.parse(text)


@pytest.mark.parametrize(
    ("name", "weights", "experts", "shown", "basis"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8_030_261_248, False, "8B", "weights"),
        ("Qwen/Qwen3-14B", 14_768_307_200, False, "14B", "weights"),
        ("Qwen/Qwen3-0.6B-Base", None, False, "0.6B", "name"),
        ("Qwen/Qwen3-30B-A3B", None, True, "30B-A3B", "name"),
        ("mistralai/Mixtral-8x7B-v0.1", 46_702_792_704, True, "47B", "weights"),
        ("mistralai/Mixtral-8x7B-v0.1", None, False, "unknown", "none"),
        ("me/tuned-8B", 1_540_000_000, False, "1.5B", "weights"),
        ("me/my-model", 8_190_000_000, False, "8B", "weights"),
        ("gsm8k-3m", 2_600_000, False, "3M", "weights"),
        ("me/run-4k-2b2", None, False, "unknown", "none"),
    ],
)
def test_a_student_implies_a_size(name: str, weights: int | None, experts: bool, shown: str, basis: str) -> None:
    target = targets.of_model(name, weights=weights, experts=experts)
    if name == "gsm8k-3m":
        assert target.text in ("3M", "2.6M")
    else:
        assert target.text == shown
    assert (target.basis, target.students) == (basis, (name,))
    assert (target.active_b is not None) == experts


@given(size=st.floats(0.01, 2000))
@settings(max_examples=200, deadline=None)
def test_a_sign_comes_from_a_profile_that_holds_the_size_or_from_two_that_agree(size: float) -> None:
    small, larger = published()
    for metric in {entry.metric for profile in (small, larger) for entry in profile.entries}:
        found = targets.known(targets.Target(size), metric)
        if found.where != "evidence":
            continue
        assert all(entry.signed for entry in found.entries)
        if size <= 8:
            assert found.entries == (small.entry(metric),)
        elif size >= 11:
            assert found.entries == (larger.entry(metric),)
        else:
            assert found.entries == (small.entry(metric), larger.entry(metric))
            assert not conflicts(*found.entries)
        seen = [end for one in found.entries for end in one.size_seen_b or ()]
        assert found.extrapolated == ((size > 14 and size > max(seen)) or (size < 3 and size < min(seen)))


def test_between_the_profiles_nothing_is_interpolated() -> None:
    target = targets.parse("9B")
    assert targets.known(target, "rsr").where == "evidence"
    assert targets.known(target, "factuality") == targets.Known("contested", why=targets.DIFFER)
    assert targets.known(target, "validity") == targets.Known("contested", why=targets.DIFFER)
    assert targets.known(target, "fork_rate") == targets.NOTHING


@pytest.mark.parametrize("text", ["30B-A3B", "unknown"])
def test_a_mixture_of_experts_or_an_unknown_size_has_no_evidence(text: str) -> None:
    target = targets.parse(text)
    mine = Profile("mine", (0, None), (ENTRY,))
    assert targets.known(target, "rsr") == targets.NOTHING
    assert targets.own(target, [mine], "rsr") == ()


def test_what_holds_at_3b_only_is_no_evidence_at_8b() -> None:
    assert targets.known(targets.parse("3B"), "student_surprisal").where == "evidence"
    found = targets.known(targets.parse("8B"), "student_surprisal")
    assert (found.where, found.why) == ("contested", "known for up to 3B only")


def test_students_stand_with_the_size_that_was_asked_for() -> None:
    student = targets.of_model("me/x-8B", weights=8_030_000_000)
    other = targets.of_model("me/y-3B", weights=3_090_000_000)
    asked = (targets.parse("8B"), targets.parse("14B"), targets.parse("8B"))
    found = targets.combined(asked, (student, other))
    assert [(one.text, one.students) for one in found] == [("8B", ("me/x-8B",)), ("14B", ()), ("3B", ("me/y-3B",))]
    assert targets.combined((), (student,)) == (student,)
