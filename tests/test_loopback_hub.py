"""The loopback Hub against the real clients: what huggingface_hub and datasets expect of a Hub."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import get_dataset_config_names, load_dataset
from huggingface_hub import CommitInfo, CommitOperationAdd, CommitOperationDelete, HfApi, HfFileSystem, hf_hub_download
from huggingface_hub import errors as hf_errors

from hfscore.loopback import LoopbackHub

API = HfApi()
CARD = b"---\nlicense: mit\n---\n# Card\n"


def parquet(*values: str) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table({"question": list(values)}), file)
    return file.getvalue()


def add(path: str, data: bytes) -> CommitOperationAdd:
    return CommitOperationAdd(path, data)


def names(dataset: object) -> list[str]:
    return [row["question"] for row in dataset]  # type: ignore[attr-defined]


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A repository name of this test's own, in the caller's namespace."""
    return "maintainer/" + re.sub(r"\W+", "-", request.node.name).strip("-")


@pytest.fixture
def theirs(name: str) -> str:
    """The same in somebody else's namespace."""
    return name.replace("maintainer/", "alice/")


# --- reading -----------------------------------------------------------------------------------


@pytest.mark.parametrize("revision", [None, "main", "sha"])
@pytest.mark.parametrize("streaming", [False, True])
def test_load_dataset_reads_the_revision(hub: LoopbackHub, theirs: str, streaming: bool, revision: str | None) -> None:
    file = "data/train-00000-of-00001.parquet"
    first = hub.create_dataset(theirs, {"README.md": CARD, file: parquet("old", "older")})
    hub.commit(theirs, {file: parquet("new")})

    rows = load_dataset(theirs, split="train", streaming=streaming, revision=first if revision == "sha" else revision)

    assert names(rows) == (["old", "older"] if revision == "sha" else ["new"])
    assert hub.requests.count("HEAD", rf"{theirs}/resolve/.*/README.md") >= 1
    assert (hub.requests.count("GET", r"/resolve/.*parquet") > 0) and {r.status for r in hub.requests} <= {
        200,
        206,
        404,
    }
    if revision == "sha":
        assert hub.requests.count("GET", f"/api/datasets/{theirs}/revision/{first}") == 1


def test_load_dataset_reads_jsonl(hub: LoopbackHub, theirs: str) -> None:
    hub.create_dataset(theirs, {"train.jsonl": b'{"question": "a"}\n{"question": "b"}\n'})
    assert names(load_dataset(theirs, split="train", revision=hub.head(theirs))) == ["a", "b"]


def test_configs_come_from_the_card(hub: LoopbackHub, theirs: str) -> None:
    configs = b"".join(b"- config_name: %s\n  data_files: %s/*.parquet\n" % (c, c) for c in (b"one", b"two"))
    files = {"one/a.parquet": parquet("1"), "two/a.parquet": parquet("2")}
    sha = hub.create_dataset(theirs, {"README.md": b"---\nconfigs:\n" + configs + b"---\n", **files})

    assert get_dataset_config_names(theirs, revision=sha) == ["one", "two"]
    assert names(load_dataset(theirs, "two", split="train", revision=sha)) == ["2"]


def test_info_tree_refs_and_commits(hub: LoopbackHub, name: str) -> None:
    card = b"---\nlicense: mit\ntags: [reasoning]\nhfscore:\n  seen: no\n  at: 2026-01-02\n---\n"
    data = parquet("x")
    sha = hub.create_dataset(name, {"README.md": card, "data/a.parquet": data, "deep/er/b.txt": b"b"})

    info = API.dataset_info(name, files_metadata=True)
    assert (info.sha, info.author, info.private, info.gated) == (sha, "maintainer", False, False)
    assert info.tags == ["license:mit", "reasoning"]
    # YAML 1.2, as the Hub parses it: `no` is a string, a date is a timestamp.
    assert info.card_data["hfscore"] == {"seen": "no", "at": "2026-01-02T00:00:00.000Z"}
    files = {sibling.rfilename: sibling for sibling in info.siblings}
    assert sorted(files) == [".gitattributes", "README.md", "data/a.parquet", "deep/er/b.txt"]
    assert files["data/a.parquet"].lfs.size == len(data) and files["README.md"].lfs is None

    tree = {entry.path: entry for entry in API.list_repo_tree(name, repo_type="dataset", recursive=True)}
    assert set(tree) == {*files, "data", "deep", "deep/er"}
    assert [e.path for e in API.list_repo_tree(name, "deep", repo_type="dataset", revision=sha)] == ["deep/er"]
    paths = API.get_paths_info(name, ["deep", "README.md", "gone"], repo_type="dataset", expand=True)
    assert {p.path for p in paths} == {"deep", "README.md"} and {p.last_commit.oid for p in paths} == {sha}

    API.create_branch(name, repo_type="dataset", branch="next")
    API.create_tag(name, repo_type="dataset", tag="v1", revision=sha)
    refs = API.list_repo_refs(name, repo_type="dataset", include_pull_requests=True)
    assert {b.name: b.target_commit for b in refs.branches} == {"main": sha, "next": sha}
    assert [t.name for t in refs.tags] == ["v1"] and refs.pull_requests == []
    assert [c.title for c in API.list_repo_commits(name, repo_type="dataset", revision="v1")] == [
        "Upload dataset",
        "initial commit",
    ]


def test_long_lists_come_in_pages(hub: LoopbackHub, name: str) -> None:
    hub.create_dataset(name, {f"f/{i:04}.txt": b"x" for i in range(1001)})
    for i in range(12):
        hub.open_pull_request(name, author="bob", title=f"no. {i}", description="", files={"x": b"%d" % i})

    assert len(API.list_repo_files(name, repo_type="dataset")) == 1002
    assert hub.requests.count("GET", "/tree/") == 2
    found = list(API.get_repo_discussions(name, repo_type="dataset"))
    assert [d.num for d in found] == list(range(12, 0, -1))
    assert hub.requests.count("GET", "/discussions") == 2


def test_a_cached_sha_needs_no_request(hub: LoopbackHub, theirs: str) -> None:
    sha = hub.create_dataset(theirs, {"README.md": CARD})
    first = hf_hub_download(theirs, "README.md", repo_type="dataset", revision=sha)
    assert hub.requests.count("*", "/resolve/") == 2  # HEAD, GET
    hub.requests.clear()
    assert hf_hub_download(theirs, "README.md", repo_type="dataset", revision=sha) == first
    assert len(hub.requests) == 0


def test_ranges_move_only_what_is_read(hub: LoopbackHub, theirs: str) -> None:
    data = bytes(range(256)) * 4096
    hub.create_dataset(theirs, {"big.bin": data})
    with HfFileSystem().open(f"datasets/{theirs}/big.bin", block_size=1024, cache_type="none") as file:
        file.seek(5000)
        assert file.read(10) == data[5000:5010]
    ranged = hub.requests.matching("GET", "/resolve/")
    assert [(r.status, r.bytes) for r in ranged] == [(206, 10)]


def test_models_are_served_too(hub: LoopbackHub, theirs: str) -> None:
    sha = hub.create_dataset(theirs, {"config.json": b"{}"}, repo_type="model")
    assert API.model_info(theirs).sha == sha
    assert HfFileSystem().read_bytes(f"{theirs}/config.json") == b"{}"
    with pytest.raises(hf_errors.RepositoryNotFoundError):
        API.dataset_info(theirs)


# --- who may see what --------------------------------------------------------------------------


def test_errors_of_reading(hub: LoopbackHub, theirs: str) -> None:
    hub.create_dataset(theirs, {"README.md": CARD})
    cases: list[tuple[type[Exception], Callable[[], object]]] = [
        (hf_errors.RepositoryNotFoundError, lambda: API.dataset_info("alice/absent")),
        (hf_errors.RepositoryNotFoundError, lambda: API.dataset_info("alice/absent", token=False)),
        (hf_errors.RevisionNotFoundError, lambda: API.dataset_info(theirs, revision="absent")),
        (hf_errors.RevisionNotFoundError, lambda: API.dataset_info(theirs, revision="0" * 40)),
        (hf_errors.RevisionNotFoundError, lambda: hf_hub_download(theirs, "x", repo_type="dataset", revision="absent")),
        (hf_errors.RemoteEntryNotFoundError, lambda: hf_hub_download(theirs, "absent", repo_type="dataset")),
        (hf_errors.RemoteEntryNotFoundError, lambda: list(API.list_repo_tree(theirs, "absent", repo_type="dataset"))),
    ]
    for expected, call in cases:
        with pytest.raises(expected):
            call()


def test_a_private_repository_looks_absent(hub: LoopbackHub, theirs: str) -> None:
    sha = hub.create_dataset(theirs, {"README.md": CARD}, private=True)
    for token, status in ((False, 401), (None, 404)):
        with pytest.raises(hf_errors.RepositoryNotFoundError) as caught:
            API.dataset_info(theirs, token=token)
        assert caught.value.response.status_code == status
    with pytest.raises(hf_errors.RepositoryNotFoundError):
        hf_hub_download(theirs, "README.md", repo_type="dataset")
    hub.grant(theirs, "maintainer")
    assert API.dataset_info(theirs).sha == sha


def test_a_gated_repository_shows_its_info_only(hub: LoopbackHub, theirs: str) -> None:
    hub.create_dataset(theirs, {"README.md": CARD}, gated=True)
    assert API.dataset_info(theirs).gated == "manual"
    for token, status in ((False, 401), (None, 403)):
        with pytest.raises(hf_errors.GatedRepoError) as caught:
            hf_hub_download(theirs, "README.md", repo_type="dataset", token=token)
        assert caught.value.response.status_code == status
    hub.grant(theirs, "maintainer")
    assert hf_hub_download(theirs, "README.md", repo_type="dataset")


def test_an_old_name_redirects(hub: LoopbackHub, name: str) -> None:
    sha = hub.create_dataset(name, {"README.md": CARD, "train.jsonl": b'{"question": "a"}\n'})
    hub.rename(name, f"{name}-new")
    assert API.dataset_info(name).id == f"{name}-new"
    assert HfFileSystem().read_bytes(f"datasets/{name}/README.md") == CARD
    assert hub.requests.matching("*", f"{name}($|/)")[0].status == 307
    with pytest.raises(KeyError):
        hub.read(name, "README.md")
    assert hub.head(f"{name}-new") == sha


def test_whoami_and_bad_tokens(hub: LoopbackHub, theirs: str) -> None:
    hub.create_dataset(theirs, {"README.md": CARD})
    me = API.whoami()
    assert (me["name"], [o["name"] for o in me["orgs"]]) == ("maintainer", ["lab"])
    assert me["avatarUrl"] and me["auth"]["accessToken"]["role"] == "write"
    hub.add_token("hf_fine", "carol", role="fineGrained", scopes=["discussion.write"])
    scoped = API.whoami(token="hf_fine")["auth"]["accessToken"]["fineGrained"]["scoped"]
    assert scoped[0]["permissions"] == ["discussion.write"]
    with pytest.raises(hf_errors.HfHubHTTPError, match="Invalid user token"):
        API.whoami(token="hf_wrong")
    with pytest.raises(hf_errors.HfHubHTTPError) as caught:
        API.dataset_info(theirs, token="hf_wrong")
    assert "Invalid credentials in Authorization header" in str(caught.value)
    assert hub.requests[-1].user is None and hub.requests[-1].authorization_present


# --- writing -----------------------------------------------------------------------------------


def test_a_commit_of_text_and_parquet(hub: LoopbackHub, name: str) -> None:
    assert API.create_repo(name, repo_type="dataset").repo_id == name
    with pytest.raises(hf_errors.HfHubHTTPError) as caught:
        API.create_repo(name, repo_type="dataset")
    assert caught.value.response.status_code == 409
    hub.requests.clear()

    data = parquet("a")
    operations = [add("README.md", CARD), add("data/a.parquet", data)]
    commit = API.create_commit(name, operations, commit_message="Both", repo_type="dataset")

    assert (hub.head(name), hub.read(name, "data/a.parquet"), hub.read(name, "README.md")) == (commit.oid, data, CARD)
    sent = [re.sub(r".*/", "", r.path) for r in hub.requests]
    assert [s if len(s) < 64 else "PUT" for s in sent] == ["validate-yaml", "main", "batch", "PUT", "verify", "main"]
    hub.requests.clear()
    again = [add("copy.parquet", data), CommitOperationDelete("data/")]
    API.create_commit(name, again, commit_message="Move", repo_type="dataset")
    assert hub.requests.count("PUT") == 0  # the object is known
    assert sorted(hub.files(name)) == [".gitattributes", "README.md", "copy.parquet"]


def test_unchanged_content_makes_no_commit(hub: LoopbackHub, name: str) -> None:
    data = parquet("a")
    sha = hub.create_dataset(name, {"README.md": CARD, "a.parquet": data})
    same = [add("README.md", CARD), add("a.parquet", data)]
    commit = API.create_commit(name, same, commit_message="Same", repo_type="dataset", create_pr=True)
    assert (commit.oid, commit.pr_url, hub.head(name), hub.discussions(name)) == (sha, None, sha, [])
    assert hub.requests.count("POST", "/commit/") == 0


def test_a_stale_parent_is_refused(hub: LoopbackHub, name: str) -> None:
    sha = hub.create_dataset(name, {"README.md": CARD})
    newer = hub.commit(name, {"README.md": CARD + b"theirs\n"}, author="alice")
    with pytest.raises(hf_errors.HfHubHTTPError, match="The branch was updated since you opened this page") as caught:
        upload(name, b"ours\n", parent_commit=sha)
    assert caught.value.response.status_code == 412 and hub.head(name) == newer
    assert upload(name, b"ours\n", parent_commit=newer).oid == hub.head(name)


def upload(name: str, more: bytes, **options: Any) -> CommitInfo:
    return API.create_commit(
        name, [add("README.md", CARD + more)], commit_message="Ours", repo_type="dataset", **options
    )


def test_a_pull_request_starts_at_its_parent(hub: LoopbackHub, theirs: str) -> None:
    sha = hub.create_dataset(theirs, {"README.md": CARD})
    hub.commit(theirs, {"other.txt": b"later"})
    commit = upload(theirs, b"ours\n", parent_commit=sha, create_pr=True)
    assert "other.txt" not in hub.files(theirs, commit.pr_revision)


def test_the_life_of_a_pull_request(hub: LoopbackHub, theirs: str) -> None:
    sha = hub.create_dataset(theirs, {"README.md": CARD}, author="alice")
    with pytest.raises(hf_errors.HfHubHTTPError, match="create_pr=1") as caught:
        upload(theirs, b"x")
    assert caught.value.response.status_code == 403

    commit = upload(theirs, b"one\n", create_pr=True, commit_description="Why.")
    assert (commit.pr_num, commit.pr_revision) == (1, "refs/pr/1")
    upload(theirs, b"two\n", revision=commit.pr_revision)
    assert hub.requests.count("POST", r"/commit/refs%2Fpr%2F1$") == 1
    assert hub.read(theirs, "README.md", "refs/pr/1") == CARD + b"two\n"
    fetched = hf_hub_download(theirs, "README.md", repo_type="dataset", revision="refs/pr/1")
    assert Path(fetched).read_bytes() == CARD + b"two\n"

    talk = {"repo_id": theirs, "discussion_num": 1, "repo_type": "dataset"}
    details = API.get_discussion_details(**talk)
    assert (details.title, details.author, details.status) == ("Ours", "maintainer", "open")
    assert [e.type for e in details.events] == ["comment", "commit", "commit"]
    assert details.events[0].content == "Why." and details.conflicting_files == []
    assert "-# Card\n" not in details.diff and "\n+two\n" in details.diff

    API.edit_discussion_comment(comment_id=details.events[0].id, new_content="Why, better.", **talk)
    assert API.comment_discussion(comment="Hello", **talk).content == "Hello"
    API.rename_discussion(new_title="Better", **talk)
    API.change_discussion_status(new_status="closed", comment="Bye", **talk)
    [kept] = hub.discussions(theirs)
    assert (kept.title, kept.status, kept.description) == ("Better", "closed", "Why, better.")
    assert kept.comments == ("Why, better.", "Hello", "Bye")
    with pytest.raises(hf_errors.HfHubHTTPError, match="closed"):
        upload(theirs, b"three\n", revision="refs/pr/1")
    assert hub.head(theirs) == sha


def test_discussions_are_filtered(hub: LoopbackHub, theirs: str) -> None:
    hub.create_dataset(theirs, {"README.md": CARD})
    API.create_discussion(theirs, "A question", repo_type="dataset", description="?")
    hub.open_pull_request(theirs, author="bob", title="Score", description="copied", files={"x": b"1"})
    hub.open_pull_request(theirs, author="eve", title="Score", description="copied", files={"x": b"2"})
    hub.close(theirs, 3)
    draft = API.create_pull_request(theirs, "Empty", repo_type="dataset")
    assert (draft.num, draft.status, draft.diff) == (4, "draft", "")

    def found(**filters: str) -> list[int]:
        return [d.num for d in API.get_repo_discussions(theirs, repo_type="dataset", **filters)]

    assert found(discussion_type="discussion") == [1]
    assert found(discussion_type="pull_request", discussion_status="open") == [4, 2]
    assert found(discussion_status="closed") == [3]
    assert found(author="bob") == [2]
    with pytest.raises(hf_errors.HfHubHTTPError) as caught:  # somebody else's words
        comment = API.get_discussion_details(theirs, 2, repo_type="dataset").events[0]
        API.edit_discussion_comment(theirs, 2, comment.id, "mine", repo_type="dataset")
    assert caught.value.response.status_code == 403


def test_merging(hub: LoopbackHub, name: str) -> None:
    sha = hub.create_dataset(name, {"README.md": CARD, "gone.txt": b"x"})
    files = {"new.txt": b"new", "gone.txt": None}
    first = hub.open_pull_request(name, author="bob", title="Bob's", description="", files=files)
    second = hub.open_pull_request(name, author="eve", title="Eve's", description="", files={"README.md": CARD + b"e"})
    hub.commit(name, {"README.md": CARD + b"main"})

    API.merge_pull_request(name, first, repo_type="dataset")
    assert hub.files(name).keys() == {".gitattributes", "README.md", "new.txt"}
    merged = API.get_discussion_details(name, first, repo_type="dataset")
    assert (merged.status, merged.merge_commit_oid) == ("merged", hub.head(name))
    with pytest.raises(hf_errors.HfHubHTTPError, match="conflicts in README"):
        API.merge_pull_request(name, second, repo_type="dataset")
    assert API.get_discussion_details(name, second, repo_type="dataset").conflicting_files == ["README.md"]
    hub.merge(name, second)
    assert hub.read(name, "README.md") == CARD + b"e" and hub.read(name, "new.txt") == b"new"
    assert "new.txt" not in hub.files(name, sha)


def test_roles_limit_writing(hub: LoopbackHub, name: str, theirs: str) -> None:
    for repo in (name, theirs):
        hub.create_dataset(repo, {"README.md": CARD})
    hub.add_token("hf_read", "maintainer", role="read")
    hub.add_token("hf_pr_only", "maintainer", role="fineGrained", scopes=["discussion.write"])

    def status(repo: str, token: str | bool, create_pr: bool) -> int:
        try:
            upload(repo, token.encode() if token else b"", token=token, create_pr=create_pr)
        except hf_errors.HfHubHTTPError as error:
            return error.response.status_code
        return 200

    assert [status(name, "hf_read", pr) for pr in (False, True)] == [403, 403]
    assert [status(name, "hf_pr_only", pr) for pr in (False, True)] == [403, 200]
    assert [status(theirs, "hf_pr_only", pr) for pr in (False, True)] == [403, 200]
    lab = name.replace("maintainer/", "lab/")
    hub.create_dataset(lab, {"README.md": CARD})
    assert upload(lab, b"by a member").oid == hub.head(lab)


@pytest.mark.parametrize(
    ("front", "message"),
    [
        ("a: [", "YAML Metadata Error"),
        ("license: mit\nlicense: mit", "duplicated mapping key"),
        ("- a\n- b", "not an object"),
        ("license: my-own", '"license" must be one of'),
        ("language: english", '"language" with value "english" is not valid'),
        ("pretty_name: [a]", '"pretty_name" must be a string'),
        ("configs: default", '"configs" must be an array'),
    ],
)
def test_an_invalid_card_is_refused(hub: LoopbackHub, name: str, front: str, message: str) -> None:
    sha = hub.create_dataset(name, {"README.md": CARD})
    card = f"---\n{front}\n---\n# Card\n".encode()
    with pytest.raises(ValueError, match=re.escape(message)):
        API.create_commit(name, [add("README.md", card)], commit_message="Bad", repo_type="dataset")
    assert hub.requests.count("POST", "/preupload/") == 0 and hub.head(name) == sha
    # A client that does not ask first is refused as well.
    steps = {"header": {"summary": "Bad"}, "file": {"path": "README.md", "content": card.decode()}}
    lines = "\n".join(json.dumps({"key": key, "value": value}) for key, value in steps.items())
    url, key = f"{hub.endpoint}/api/datasets/{name}/commit/main", {"Authorization": "Bearer hf_loopback"}
    assert httpx2.post(url, content=lines, headers=key).status_code == 400 and hub.head(name) == sha
