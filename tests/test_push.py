"""Publishing against the loopback Hub, with the real client: what stands on the Hub afterwards."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import get_session
from hypothesis import given, settings
from hypothesis import strategies as st

from hfscore.card import splice
from hfscore.errors import CardError, HubError
from hfscore.fingerprint import fingerprint
from hfscore.hub import pulls
from hfscore.hub.client import connect
from hfscore.hub.pulls import MARKER, TITLE_ADD, Me, only_our_files, read_pull
from hfscore.hub.push import Push, push
from hfscore.hub.scores_repo import SCORES_KEY, publish_scores, scores_of
from hfscore.hub.side_files import check_not_data, check_paths
from hfscore.hub.status import is_restricted, status
from hfscore.loopback import LoopbackHub
from tests.publishing import (
    CARD,
    ROWS,
    Waits,
    commits,
    material,
    new_dataset,
    new_name,
    publish,
    pull_requests,
    section,
)


def spliced(card: bytes, value: str = "0.50") -> bytes:
    p = material("maintainer/any", value)
    return splice.splice(card, section=p.section, identity=p.identity)


# Pull requests


def test_a_push_opens_one_pull_request_and_leaves_main_alone(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    done = publish(name)
    (one,) = pull_requests(hub, name)
    assert (done.action, done.url) == ("opened", f"{hub.endpoint}/datasets/{name}/discussions/1")
    assert done.revision == hub.head(name, "refs/pr/1")
    assert hub.read(name, "README.md") == CARD
    assert hub.read(name, "README.md", "refs/pr/1") == spliced(CARD)
    assert (one.title, one.author, one.status) == (TITLE_ADD, "maintainer", "open")
    assert MARKER in one.description.splitlines()
    assert "hfscore: false" in one.description
    assert "+| overlap | 0.50 |" in done.diff.splitlines()


def test_a_second_push_changes_nothing_and_a_third_updates_the_same_pull_request(
    hub: LoopbackHub,
) -> None:
    name = new_dataset(hub)
    first = publish(name)
    hub.clear()
    second = publish(name)
    assert (second.action, second.url, second.revision) == ("unchanged", first.url, first.revision)
    assert commits(hub) == 0
    third = publish(name, "0.75")
    assert (third.action, third.url) == ("updated", first.url)
    (one,) = pull_requests(hub, name)
    assert len(one.comments) == 1, "an update says nothing"
    assert hub.read(name, "README.md", "refs/pr/1") == spliced(CARD, "0.75")


@pytest.mark.parametrize(
    ("author", "description", "files"),
    [
        ("stranger", f"Mine.\n\n{MARKER}\n", {"README.md": b"# Other\n"}),
        ("maintainer", "Without the marker.", {"README.md": b"# Other\n"}),
        ("maintainer", f"Quoted: `{MARKER}`", {"README.md": b"# Other\n"}),
        ("maintainer", f"{MARKER}\n", {"README.md": b"# Other\n", "data.jsonl": b"{}\n"}),
        ("maintainer", f"{MARKER}\n", {".hfscored/x": b"\n"}),
        ("maintainer", f"{MARKER}\n", {"a/README.md": b"\n"}),
    ],
)
def test_a_pull_request_that_is_not_proven_ours_is_left_alone(
    hub: LoopbackHub, author: str, description: str, files: dict[str, bytes]
) -> None:
    name = new_dataset(hub)
    number = hub.open_pull_request(name, author=author, title=TITLE_ADD, description=description, files=files)
    before = hub.head(name, f"refs/pr/{number}")
    done = publish(name)
    assert done.action == "opened"
    assert hub.head(name, f"refs/pr/{number}") == before
    assert len(pull_requests(hub, name)) == 2


def test_a_marker_in_a_later_comment_proves_nothing(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    number = hub.open_pull_request(
        name, author="maintainer", title="Fix", description="Fix.", files={"README.md": b"# F\n"}
    )
    hub.comment(name, number, author="maintainer", text=MARKER)
    publish(name)
    assert hub.read(name, "README.md", "refs/pr/1") == b"# F\n"


def test_our_pull_request_to_which_somebody_added_a_file_is_left_alone(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    hub.commit(name, {"data.jsonl": b"{}\n"}, branch="refs/pr/1", author="stranger")
    before = hub.head(name, "refs/pr/1")
    assert publish(name, "0.75").action == "opened"
    assert hub.head(name, "refs/pr/1") == before


def test_words_that_somebody_wrote_into_our_pull_request_stay(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    theirs = hub.read(name, "README.md", "refs/pr/1").replace(b"by hand", b"by two hands")
    hub.commit(name, {"README.md": theirs}, branch="refs/pr/1", author="colleague")
    assert publish(name, "0.75").action == "updated"
    after = hub.read(name, "README.md", "refs/pr/1")
    assert b"by two hands" in after
    assert b"0.75" in after


def test_an_update_takes_over_what_main_says_now(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    moved = CARD.replace(b"Written by hand.", b"Written by hand, and revised.")
    hub.commit(name, {"README.md": moved})
    done = publish(name, "0.75")
    assert done.action == "updated"
    assert hub.read(name, "README.md", "refs/pr/1") == spliced(moved, "0.75")
    assert any("README.md" in note for note in done.notes), "the Hub reported a conflict"
    hub.merge(name, 1)
    assert hub.read(name, "README.md") == spliced(moved, "0.75")


def test_a_merged_pull_request_leaves_nothing_to_do_until_the_numbers_change(
    hub: LoopbackHub,
) -> None:
    name = new_dataset(hub)
    publish(name)
    hub.merge(name, 1)
    assert publish(name).action == "unchanged"
    assert len(pull_requests(hub, name)) == 1
    done = publish(name, "0.75")
    assert (done.action, done.url) == ("opened", f"{hub.endpoint}/datasets/{name}/discussions/2")
    assert pull_requests(hub, name)[1].title.startswith("Update")


def test_a_closed_pull_request_is_a_no_to_the_same_section(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    first = publish(name)
    hub.close(name, 1)
    again = publish(name)
    assert (again.action, again.url) == ("unchanged", first.url)
    assert "closed" in again.notes[0]
    assert publish(name, "0.75").action == "opened"
    assert len(pull_requests(hub, name)) == 2
    hub.close(name, 2)
    assert publish(name).action == "opened", "only the latest answer counts"


def test_main_that_already_says_so_needs_no_pull_request(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"README.md": spliced(CARD), "data.jsonl": ROWS})
    done = publish(name)
    assert (done.action, done.url) == ("unchanged", f"{hub.endpoint}/datasets/{name}")
    assert not pull_requests(hub, name)


def test_main_that_already_says_so_leaves_an_older_pull_request_alone(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    publish(name, "0.75", create_pr=False)
    hub.clear()
    assert publish(name, "0.75").action == "unchanged"
    assert commits(hub) == 0


def test_authors_are_checked_though_the_hub_has_filtered_them(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    mine = hub.open_pull_request(
        name,
        author="maintainer",
        title="T",
        description=f"{MARKER}\n",
        files={"README.md": b"# M\n"},
    )
    remote = connect(name)
    me, stranger = Me("maintainer"), Me("stranger")
    assert read_pull(remote, me, mine) is not None
    assert read_pull(remote, stranger, mine) is None
    headers = {"Authorization": "Bearer hf_loopback"}
    url = f"{hub.endpoint}/api/datasets/{name}/discussions/{mine}?diff=1"
    details = get_session().get(url, headers=headers).json()
    by_stranger = {"name": "stranger", "type": "user"}
    described = {**details, "events": [{**e, "author": by_stranger} for e in details["events"]]}
    for forged in (described, {**details, "author": by_stranger}):
        hub.fail("GET", "/discussions/1", status=200, body=json.dumps(forged).encode())
        assert read_pull(remote, me, mine) is None


# Bytes


@pytest.mark.parametrize(
    "card",
    [
        CARD.replace(b"\n", b"\r\n"),
        b"\xef\xbb\xbf" + CARD,
        CARD.rstrip(b"\n"),
        CARD + b"\n\n\n",
        b"# No metadata\n\nText.\n",
        "---\npretty_name: Süß 例 🎉\n---\n# Süß\n".encode(),
    ],
    ids=["crlf", "bom", "no-final-newline", "blank-lines", "no-metadata", "unicode"],
)
def test_what_stands_outside_our_section_stays_byte_for_byte(hub: LoopbackHub, card: bytes) -> None:
    name = new_dataset(hub, {"README.md": card, "data.jsonl": ROWS})
    assert publish(name, create_pr=False).action == "committed"
    there = hub.read(name, "README.md")
    assert b"0.50" in there
    assert splice.remove(there) == card
    assert hub.read(name, "data.jsonl") == ROWS


def test_a_dataset_without_a_card_gets_one(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"data.jsonl": ROWS})
    assert publish(name, create_pr=False).action == "committed"
    assert b"## Reasoning quality" in hub.read(name, "README.md")


# Committing to main


def test_without_a_pull_request_the_section_is_committed_to_main(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    before = hub.head(name)
    done = publish(name, create_pr=False)
    assert (done.action, done.revision) == ("committed", hub.head(name))
    assert done.url == f"{hub.endpoint}/datasets/{name}/commit/{hub.head(name)}"
    assert not pull_requests(hub, name)
    (sent,) = hub.requests.matching("POST", r"/commit/main")
    header = json.loads(sent.body.splitlines()[0])["value"]
    assert header["parentCommit"] == before
    hub.clear()
    assert publish(name, create_pr=False).action == "unchanged"
    assert commits(hub) == 0


def test_a_message_of_ones_own_becomes_one_line(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    p = dataclasses.replace(material(name), commit_message="Measure\n\n the traces" + "!" * 300)
    push(p, patience=Waits().patience())
    assert pull_requests(hub, name)[0].title == ("Measure the traces" + "!" * 300)[:200]


# Files beside the data


def test_side_files_travel_in_the_same_commit(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    p = material(name, report=b'{"schema": 1}')
    assert push(p, create_pr=False, patience=Waits().patience()).action == "committed"
    assert hub.read(name, ".hfscore/report.json") == b'{"schema": 1}'
    assert commits(hub) == 1
    newer = material(name, report=b'{"schema": 2}')
    hub.clear()
    done = push(newer, create_pr=False, patience=Waits().patience())
    assert (done.action, commits(hub)) == ("committed", 1)
    (sent,) = hub.requests.matching("POST", r"/commit/main")
    assert b"README.md" not in sent.body, "only what changed is sent"


@pytest.mark.parametrize(
    "path",
    [
        "report.json",
        "data/train.jsonl",
        "README.md",
        ".hfscore",
        ".hfscore/",
        ".hfscore/../data.jsonl",
        ".hfscore//x",
        "/.hfscore/x",
        ".hfscore/a\nb",
        ".hfscore/.hidden",
    ],
)
def test_side_files_go_nowhere_else(hub: LoopbackHub, path: str) -> None:
    name = new_dataset(hub)
    p = Push(name, section(), {"schema": 1}, {path: b"x"})
    with pytest.raises(CardError, match=re.escape(".hfscore/")):
        push(p, patience=Waits().patience())
    assert not hub.requests


@pytest.mark.parametrize(
    ("configs", "refused"),
    [
        ("- config_name: a\n  data_files: .hfscore/*.parquet", True),
        ("- config_name: a\n  data_files: ['data/*', '.*/**']", True),
        ("- config_name: a\n  data_files:\n  - {split: train, path: './.h*/report.json'}", True),
        ("- config_name: a\n  data_dir: .hfscore", True),
        ("- config_name: a\n  data_files: '.[h]fscore/*'", True),
        ("- config_name: a\n  data_files: '**'", False),
        ("- config_name: a\n  data_files: .cache/*.parquet", False),
        ("- config_name: a\n  data_files: ./data/*.parquet", False),
        ("- config_name: .hfscore\n  data_files: data/*", False),
    ],
)
@pytest.mark.parametrize("where", ["card", "yaml"])
def test_patterns_that_would_read_our_files_as_data_are_refused(configs: str, refused: bool, where: str) -> None:
    metadata = f"license: mit\nconfigs:\n{configs}\n"
    card = f"---\n{metadata}---\n# T\n".encode() if where == "card" else CARD
    repo_yaml = metadata.encode() if where == "yaml" else None
    if refused:
        with pytest.raises(CardError, match="would make data of"):
            check_not_data(card, repo_yaml)
    else:
        check_not_data(card, repo_yaml)


_PARTS = [".hfscore", ".*", ".h*", "?hfscore", "[.]hfscore", "*", "**", ".", "x", "report.*", "*.json"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset's files on disk, ours among them."""
    folder = tmp_path_factory.mktemp("checkout")
    for path in (".hfscore/report.json", ".hfscore/x/report.json", "x/report.json", "report.json"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("{}")
    return folder


@settings(deadline=None)
@given(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=3), st.sampled_from(["", *_PARTS[:5]]))
def test_no_pattern_that_datasets_would_follow_into_our_folder_is_missed(
    checkout: Path, parts: list[str], folder: str
) -> None:
    from datasets.data_files import resolve_pattern

    pattern = "/".join(parts)
    try:
        found = resolve_pattern(pattern, str(checkout / folder) if folder else str(checkout))
    except (FileNotFoundError, ValueError):  # ValueError: `**` within a part
        found = []
    if any("/.hfscore/" in path for path in found):
        card = json.dumps({"configs": [{"data_files": pattern, "data_dir": folder}]})
        with pytest.raises(CardError):
            check_not_data(b"---\nlicense: mit\n---\n", card.encode())


def test_the_hazard_is_real(checkout: Path) -> None:
    from datasets.data_files import resolve_pattern

    (found,) = resolve_pattern(".h*/*.json", str(checkout))
    assert found.endswith("/.hfscore/report.json")
    with pytest.raises(CardError):
        check_not_data(b"", b"configs: [{data_files: '.h*/*.json'}]")


def test_a_maze_of_yaml_ends_in_a_sentence_and_soon() -> None:
    rungs = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    check_not_data(b"", "\n".join([*rungs, "configs: *a59"]).encode())
    for broken in ("configs: [", "configs: " + "[" * 500, "a: *b"):
        with pytest.raises(CardError, match="cannot be read"):
            check_not_data(b"", broken.encode())


def test_a_refused_pattern_stops_the_push_and_a_section_alone_passes(hub: LoopbackHub) -> None:
    yaml = b"configs:\n- config_name: a\n  data_files: .hfscore/*\n"
    name = new_dataset(hub, {"README.md": CARD, ".huggingface.yaml": yaml})
    with pytest.raises(CardError, match=re.escape(".huggingface.yaml")):
        push(material(name, report=b"{}"), create_pr=False, patience=Waits().patience())
    assert commits(hub) == 0
    assert publish(name, create_pr=False).action == "committed"


def _parquet() -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"metric": ["overlap"], "value": [0.5]}), sink)
    return sink.getvalue()


def _traces_parquet() -> bytes:
    import io

    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.table({"question": ["1+1?"] * 3, "reasoning": ["a", "b", "c"]}), sink)
    return sink.getvalue()


_CONFIGS = (
    b"---\nconfigs:\n- config_name: one\n  data_files: one/*.jsonl\n"
    b"- config_name: two\n  data_files:\n  - split: test\n    path: two/*\n---\n# T\n"
)
LAYOUTS = {
    "parquet": {"README.md": CARD, "data/train-00000-of-00001.parquet": _traces_parquet()},
    "jsonl": {"README.md": CARD, "train.jsonl": ROWS * 2, "test.jsonl": ROWS},
    "loose": {"rows.jsonl": ROWS * 2},
    "configs": {"README.md": _CONFIGS, "one/a.jsonl": ROWS, "two/b.jsonl": ROWS * 2},
}


def _load(name: str, revision: str) -> dict[str, dict[str, list[Any]]]:
    """What `datasets` makes of a revision: config -> split -> rows."""
    from datasets import get_dataset_config_names, load_dataset_builder

    found = {}
    for config in get_dataset_config_names(name, revision=revision):
        builder = load_dataset_builder(name, config, revision=revision)
        assert builder.hash == revision, "`datasets` fell back on another revision in its cache"
        builder.download_and_prepare()
        found[config] = {split: list(rows) for split, rows in builder.as_dataset().items()}
    return found


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_datasets_reads_the_same_before_and_after(hub: LoopbackHub, layout: str) -> None:
    name = new_dataset(hub, LAYOUTS[layout])
    before = _load(name, hub.head(name))
    side = {
        ".hfscore/report.json": b'{"rows": 1}',
        ".hfscore/train-00000-of-00001.parquet": _parquet(),
        ".hfscore/data/test.jsonl": ROWS * 9,
    }
    p = dataclasses.replace(material(name), side_files=side)
    assert push(p, create_pr=False, patience=Waits().patience()).action == "committed"
    assert hub.read(name, ".hfscore/train-00000-of-00001.parquet") == _parquet()
    after = _load(name, hub.head(name))
    assert before == after
    assert sum(len(rows) for splits in after.values() for rows in splits.values()) >= 2


# No


def test_a_card_that_declines_is_left_alone(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"README.md": b"---\nlicense: mit\nhfscore: false\n---\n# T\n"})
    for create_pr in (True, False):
        with pytest.raises(CardError):
            publish(name, create_pr=create_pr)
    assert commits(hub) == 0
    assert not pull_requests(hub, name)


@pytest.mark.parametrize("token", [None, "anonymous"])
def test_a_dry_run_shows_the_diff_and_writes_nothing(
    hub: LoopbackHub, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = new_dataset(hub)
    if token == "anonymous":
        monkeypatch.delenv("HF_TOKEN")
    done = publish(name, dry_run=True)
    assert (done.action, done.revision) == ("dry-run", None)
    assert "+## Reasoning quality" in done.diff.splitlines()
    assert commits(hub) == 0
    assert hub.requests.count("POST", "/preupload/") == 0
    assert not pull_requests(hub, name)
    assert hub.read(name, "README.md") == CARD


def test_a_dry_run_names_the_pull_request_it_would_update(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    opened = publish(name)
    hub.clear()
    done = publish(name, "0.75", dry_run=True)
    assert (done.action, done.url) == ("dry-run", opened.url)
    assert "-| overlap | 0.50 |" in done.diff.splitlines()
    assert commits(hub) == 0


def test_nobody_publishes_without_a_token(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    name = new_dataset(hub)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubError, match="needs a token") as raised:
        publish(name)
    assert "hf auth login" in raised.value.hint


# Somebody else's dataset


def test_a_foreign_dataset_gets_a_pull_request_only_on_request(hub: LoopbackHub) -> None:
    name = new_dataset(hub, owner="somebody")
    with pytest.raises(HubError, match="does not maintain") as raised:
        publish(name)
    assert "--allow-foreign" in raised.value.hint
    assert not pull_requests(hub, name)
    assert publish(name, allow_foreign=True).action == "opened"
    assert publish(name, allow_foreign=True).action == "unchanged"
    assert pull_requests(hub, name)[0].author == "maintainer"


def test_an_organisation_s_dataset_is_not_foreign_to_its_members(hub: LoopbackHub) -> None:
    assert publish(new_dataset(hub, owner="lab")).action == "opened"


@pytest.mark.parametrize(
    ("answer", "writes"),
    [
        ({"name": "a"}, False),
        ({"name": "Lab"}, True),
        ({"name": "a", "orgs": [{"name": "lab", "roleInOrg": "write"}]}, True),
        ({"name": "a", "orgs": [{"name": "LAB", "roleInOrg": "admin"}]}, True),
        ({"name": "a", "orgs": [{"name": "lab", "roleInOrg": "contributor"}]}, False),
        ({"name": "a", "orgs": [{"name": "lab", "roleInOrg": "read"}]}, False),
        ({"name": "a", "orgs": [{"name": "lab"}]}, False),
        ({"name": "a", "orgs": [{"name": "other", "roleInOrg": "admin"}], "auth": None}, False),
    ],
)
def test_who_maintains_a_dataset_follows_from_whoami(hub: LoopbackHub, answer: dict[str, Any], writes: bool) -> None:
    name = new_dataset(hub, owner="lab")
    hub.fail("GET", "/api/whoami-v2", status=200, body=json.dumps(answer).encode())
    if not writes:
        with pytest.raises(HubError, match="does not maintain"):
            publish(name)
    else:
        publish(name)
    assert len(pull_requests(hub, name)) == writes


def test_a_token_that_may_open_pull_requests_only(hub: LoopbackHub) -> None:
    hub.add_token("hf_propose", "maintainer", role="fineGrained", scopes=["discussion.write"])
    name = new_dataset(hub)
    with pytest.raises(HubError, match="may not commit") as raised:
        publish(name, create_pr=False, token="hf_propose")
    assert "--create-pr" in raised.value.hint
    assert publish(name, token="hf_propose").action == "opened"
    assert publish(name, "0.75", token="hf_propose").action == "updated"


# Trusted publishers


def test_a_trusted_publisher_updates_its_own_pull_request(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    name = new_dataset(hub)
    for variable, value in hub.trust(f"datasets/{name}", "lab/ci").items():
        monkeypatch.setenv(variable, value)
    lookalike = hub.open_pull_request(
        name,
        author="maintainer",
        title=TITLE_ADD,
        description=f"{MARKER}\n",
        files={"README.md": b"# L\n"},
    )
    assert publish(name).action == "opened"
    assert publish(name).action == "unchanged"
    assert publish(name, "0.75").action == "updated"
    assert [one.author for one in pull_requests(hub, name)] == ["maintainer", pulls.SYSTEM_AUTHOR]
    assert hub.read(name, "README.md", f"refs/pr/{lookalike}") == b"# L\n"
    assert hub.requests.count("GET", "whoami") == 0
    assert status(name).state == "none"


def test_a_job_that_no_publisher_trusts_is_told_so(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    name = new_dataset(hub)
    for variable, value in hub.trust(f"datasets/{name}", "lab/ci").items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("HF_OIDC_RESOURCE", "datasets/lab/other")
    with pytest.raises(HubError, match="No trusted publisher"):
        publish(name)
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL")
    with pytest.raises(HubError, match="gave no token") as raised:
        publish(name)
    assert "id-token: write" in raised.value.hint


# What a diff touches


@pytest.mark.parametrize(
    ("diff", "ours"),
    [
        ("diff --git a/README.md b/README.md\n+x\n", True),
        ("diff --git a/.hfscore/a b/.hfscore/a\ndiff --git a/README.md b/README.md\n", True),
        ("diff --git a/README.md b/README.md\n+diff --git a/x b/x\n", True),
        ("", False),
        (None, False),
        ("diff --git a/README.md b/data.jsonl\nsimilarity index 90%\n", False),
        ('diff --git "a/.hfscore/\\n" "b/.hfscore/\\n"\n', False),
        ("diff --git a/.hfscore/x b/.hfscore/x b/y b/.hfscore/x\n", False),
        ("diff --git a/x b/.hfscore/x\n", False),
        ("diff --git a/ b/\n", False),
        ("diff --git \n", False),
    ],
)
def test_only_our_files(diff: str | None, ours: bool) -> None:
    assert only_our_files(diff) is ours


# Status


def _measured(hub: LoopbackHub, name: str, **identity: str) -> Push:
    """Something to publish that was measured on the data as it stands."""
    return material(name, data_fingerprint=status(name).fingerprint, **identity)


def test_status_follows_the_data_and_not_the_card(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"README.md": CARD, "data.jsonl": ROWS, "big.parquet": _parquet()})
    assert (status(name).state, status(name).ref) == ("none", None)
    p = _measured(hub, name, settings=f"sha256:{1:064x}")
    assert push(p, patience=Waits().patience()).notes == ()
    pending = status(name)
    assert (pending.state, pending.ref) == ("pending", "refs/pr/1")
    assert pending.url.endswith("/discussions/1")
    hub.merge(name, 1)
    fresh = status(name)
    assert (fresh.state, fresh.ref) == ("fresh", "main")
    assert fresh.identity == p.identity
    hub.commit(name, {"README.md": hub.read(name, "README.md") + b"\nMore words.\n"})
    assert status(name).state == "fresh"
    assert status(name, settings_hash=f"sha256:{1:064x}").state == "fresh"
    other = status(name, settings_hash=f"sha256:{2:064x}")
    assert (other.state, "settings" in other.why) == ("stale", True)
    hub.commit(name, {"big.parquet": _traces_parquet()})
    stale = status(name)
    assert (stale.state, "data files have changed" in stale.why) == ("stale", True)
    late = push(p, dry_run=True, patience=Waits().patience())
    assert any("data has changed since" in note for note in late.notes)
    hub.commit(name, {"big.parquet": _parquet()})
    assert status(name).state == "fresh"


def test_status_sees_a_fresh_proposal_over_a_stale_section(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    push(_measured(hub, name), create_pr=False, patience=Waits().patience())
    hub.commit(name, {"data.jsonl": ROWS * 2})
    assert status(name).state == "stale"
    push(_measured(hub, name), patience=Waits().patience())
    assert status(name).state == "pending"
    hub.commit(name, {"data.jsonl": ROWS * 3})
    assert status(name).state == "stale"
    push(_measured(hub, name), patience=Waits().patience())
    assert status(name).state == "pending"
    hub.close(name, 1)
    assert status(name).state == "stale"


def test_status_of_a_card_that_declines_and_for_nobody(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    name = new_dataset(hub, {"README.md": b"---\nhfscore: false\n---\n# T\n"})
    monkeypatch.delenv("HF_TOKEN")
    found = status(name)
    assert (found.state, "hfscore: false" in found.why) == ("none", True)


def test_restricted_is_private_or_gated(hub: LoopbackHub) -> None:
    private, gated = new_name(), new_name()
    hub.create_dataset(private, {}, private=True)
    hub.create_dataset(gated, {}, gated=True)
    assert [is_restricted(name) for name in (private, gated, new_dataset(hub))] == [
        True,
        True,
        False,
    ]


def test_the_fingerprint_is_over_the_hub_s_own_ids(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"README.md": CARD, "a.jsonl": ROWS, "b.parquet": _parquet()})
    import hashlib

    git = hashlib.sha1(b"blob %d\0" % len(ROWS) + ROWS, usedforsecurity=False).hexdigest()
    lfs = hashlib.sha256(_parquet()).hexdigest()
    assert status(name).fingerprint == fingerprint([("a.jsonl", git), ("b.parquet", lfs)])


# A dataset of scores


def scores_card(about: str, words: str = "Scores.") -> bytes:
    block = {"schema": 1, "version": "0.1.0", SCORES_KEY: about}
    return splice.splice(f"# Scores\n\n{words}\n".encode(), section=section(), identity=block)


def test_scores_get_a_dataset_of_their_own(hub: LoopbackHub, tmp_path: Path) -> None:
    about, name = new_dataset(hub), new_name()
    table = tmp_path / "scores.parquet"
    table.write_bytes(_parquet())
    card = scores_card(about)
    files = {"data/scores.parquet": table, "report.json": b"{}"}
    waits = Waits()
    done = publish_scores(name, files, card, private=False, patience=waits.patience())
    assert (done.action, done.revision) == ("committed", hub.head(name))
    assert hub.read(name, "data/scores.parquet") == _parquet()
    assert hub.read(name, "README.md") == card
    assert scores_of(card) == about
    hub.clear()
    again = publish_scores(name, files, card, private=False, patience=waits.patience())
    assert (again.action, commits(hub)) == ("unchanged", 0)
    table.write_bytes(_traces_parquet())
    third = publish_scores(name, files, card, private=False, patience=waits.patience())
    assert (third.action, commits(hub)) == ("committed", 1)
    assert hub.read(name, "data/scores.parquet") == _traces_parquet()


def test_scores_of_a_private_dataset_stay_private(hub: LoopbackHub) -> None:
    about, name, public = new_dataset(hub), new_name(), new_name()
    card = scores_card(about)
    publish_scores(name, {}, card, private=True, patience=Waits().patience())
    (created,) = hub.requests.matching("POST", "/api/repos/create")
    assert json.loads(created.body)["visibility"] == "private"
    publish_scores(public, {}, card, private=False, patience=Waits().patience())
    hub.clear()
    with pytest.raises(HubError, match="is public, but"):
        publish_scores(public, {"x.json": b"{}"}, card, private=True, patience=Waits().patience())
    assert commits(hub) == 0


def test_a_dataset_that_holds_something_else_is_not_overwritten(hub: LoopbackHub) -> None:
    about, other = new_dataset(hub), new_dataset(hub)
    publish(other, create_pr=False)  # has a section of ours, and is no scores dataset for that
    name = new_name()
    publish_scores(name, {}, scores_card("lab/x"), private=False, patience=Waits().patience())
    hub.clear()
    for taken, why in [
        (about, "was not written by hfscore"),
        (other, "was not written by hfscore"),
        (name, "holds the scores of lab/x"),
    ]:
        with pytest.raises(HubError, match=why):
            publish_scores(taken, {}, scores_card(about), private=False, patience=Waits().patience())
    assert commits(hub) == 0


def test_scores_need_a_card_that_says_whose_they_are(hub: LoopbackHub) -> None:
    with pytest.raises(CardError, match="whose scores"):
        publish_scores(new_name(), {}, CARD, private=False, patience=Waits().patience())
    assert not hub.requests


def test_scores_whose_commit_s_answer_was_lost_are_committed_once(hub: LoopbackHub) -> None:
    name = new_name()
    hub.fail("POST", "/api/repos/create", drop="after")
    hub.fail("POST", "/commit/", drop="after")
    card = scores_card("lab/x")
    done = publish_scores(name, {"a.json": b"1"}, card, private=False, patience=Waits().patience())
    assert (done.action, done.revision) == ("committed", hub.head(name))
    assert commits(hub) == 1


def test_scores_in_a_foreign_namespace_are_refused(hub: LoopbackHub) -> None:
    with pytest.raises(HubError, match="may not create"):
        publish_scores("somebody/x", {}, scores_card("lab/x"), private=False, patience=Waits().patience())


def test_side_file_paths_that_are_fine() -> None:
    check_paths([".hfscore/report.json", ".hfscore/data/train-00000-of-00001.parquet"])
