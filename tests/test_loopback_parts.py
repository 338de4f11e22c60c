"""The loopback Hub's own parts: its little git, its card checks, its HTTP, and the routes around repositories."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from urllib.parse import parse_qs, urlsplit

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub import errors as hf_errors
from huggingface_hub._oidc import oidc_login
from hypothesis import given
from hypothesis import strategies as st

from hfscore.loopback import LoopbackHub, hub_objects, hub_store
from hfscore.loopback.hub_cards import check_card

API = HfApi()
CARD = b"---\nlicense: mit\n---\n# Card\n"
KEY = {"Authorization": "Bearer hf_loopback"}


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return "maintainer/" + re.sub(r"\W+", "-", request.node.name).strip("-")


# --- the store ---------------------------------------------------------------------------------


def test_object_ids_are_those_of_git() -> None:
    """Known answers from `git write-tree` and `git ls-tree -r -t`, git 2.39."""
    files = {path: hub_objects.make_blob(data) for path, data in (("a/b/x", b"hello\n"), ("a.b/y", b"y"), ("a0", b"z"))}
    assert files["a/b/x"].oid == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert hub_objects.folder_oids(files) == {
        "": "09df7263ac9b934b58139dc1fd7bc552242fb85f",
        "a.b": "eb9e42c670eef311e0072bf8113fc5504cd38b4b",
        "a": "e85c8ddedabee0bcf8944d9aaacfbb35e6216b9b",
        "a/b": "e31a96220fbfbe7601ecc086a36b96dc27a8867e",
    }
    assert hub_objects.folder_oids({}) == {"": "4b825dc642cb6eb9a060e54bf8d69288fbee4904"}


def test_an_lfs_file_is_a_pointer_to_git() -> None:
    blob = hub_objects.make_blob(b"data", lfs=True)
    assert blob.sha256 == hashlib.sha256(b"data").hexdigest()
    assert blob.pointer.splitlines()[1:] == [f"oid sha256:{blob.sha256}".encode(), b"size 4"]
    assert blob.oid == hub_objects.make_blob(blob.pointer).oid


_FILES = st.dictionaries(st.sampled_from(["a", "b", "d/c"]), st.sampled_from([b"1", b"2", b"3"]))


@given(base=_FILES, main=_FILES, pull=_FILES)
def test_a_merge_applies_the_proposal_and_keeps_the_rest(
    base: dict[str, bytes], main: dict[str, bytes], pull: dict[str, bytes]
) -> None:
    def blobs(files: dict[str, bytes]) -> dict[str, hub_objects.Blob]:
        return {path: hub_objects.make_blob(data) for path, data in files.items()}

    def move(repo: hub_store.Repo, ref: str, start: dict[str, bytes], end: dict[str, bytes]) -> hub_store.Repo:
        return hub_store.add_commit(repo, ref, hub_objects.changed(blobs(start), blobs(end)), author="a", title="t")

    repo = move(hub_store.new_repo("a/b", "dataset"), hub_store.MAIN, {}, base)
    repo, num = hub_store.open_discussion(
        repo, author="b", title="t", description="", base=repo.refs[hub_store.MAIN], status="open"
    )
    repo = move(move(repo, f"refs/pr/{num}", base, pull), hub_store.MAIN, base, main)
    conflicts = set(hub_store.conflicting(repo, num))
    merged = hub_store.merge(repo, num, author="a")
    after = {path: blob.data for path, blob in merged.commits[merged.refs[hub_store.MAIN]].files.items()}

    for path in {*base, *main, *pull}:
        ours, theirs = main.get(path), pull.get(path)
        proposed = theirs != base.get(path)
        assert after.get(path) == (theirs if proposed else ours)
        assert (path in conflicts) == (proposed and ours not in (base.get(path), theirs))
    assert merged.discussions[num].merged == merged.refs[hub_store.MAIN]


def test_the_diff_is_that_of_git() -> None:
    """Known answer from `git diff --cached --abbrev=7`, git 2.39."""
    old = {"a": b"1\n2\n", "b": b"x", "same": b"", "z": b"\0"}
    new = {"a": b"1\n3\xe2\x80\xa8", "d": b"n\n", "same": b"", "z": b"\0\0"}
    sides = [{path: hub_objects.make_blob(data) for path, data in files.items()} for files in (old, new)]
    assert hub_objects.unified_diff(*sides) == (
        "diff --git a/a b/a\nindex 1191247..418dc26 100644\n--- a/a\n+++ b/a\n"
        "@@ -1,2 +1,2 @@\n 1\n-2\n+3\u2028\n\\ No newline at end of file\n"
        "diff --git a/b b/b\ndeleted file mode 100644\nindex c1b0730..0000000\n--- a/b\n+++ /dev/null\n"
        "@@ -1 +0,0 @@\n-x\n\\ No newline at end of file\n"
        "diff --git a/d b/d\nnew file mode 100644\nindex 0000000..8ba3a16\n--- /dev/null\n+++ b/d\n"
        "@@ -0,0 +1 @@\n+n\n"
        "diff --git a/z b/z\nindex f76dd23..09f370e 100644\nBinary files a/z and b/z differ\n"
    )


# --- cards -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "parsed"),
    [
        ("no", "no"),
        ("True", True),
        ("0777", 777),
        ("0o17", 15),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("12e4567", "12e4567"),
        (".inf", None),
        ("0123456789", 123456789),
        ("'0123456789'", "0123456789"),
        ("12:30:45", "12:30:45"),
        ("2024-01-01", "2024-01-01T00:00:00.000Z"),
        ("2024-01-01 10:00:00 +02:00", "2024-01-01T08:00:00.000Z"),
        ("", None),
        ("|\n  x", "x\n"),
        ("{1: a, on: b}", {"1": "a", "on": "b"}),
    ],
)
def test_values_are_those_of_js_yaml(value: str, parsed: object) -> None:
    """Known answers from js-yaml 4.3.2, the Hub's parser."""
    assert check_card(f"\ufeff---\na: {value}\n---\n").metadata == {"a": parsed}


@pytest.mark.parametrize(
    "front",
    ["a: !foo x", "a: {b", "a: *x", "\ta: b", "a: 1\na: 2", "x: {a: 1, a: 2}", "1: a\n'1': b", "a: " + "[" * 2000],
)
def test_what_does_not_parse_is_an_error(front: str) -> None:
    assert check_card(f"---\n{front}\n---\n").errors


def test_a_card_without_metadata_gets_a_warning() -> None:
    for text in ("", "# Title", "---\n---\n", "---\n# only\n---\n"):
        verdict = check_card(text)
        assert (verdict.metadata, verdict.errors) == ({}, ()) and "missing yaml metadata" in verdict.warnings[0]


# --- HTTP --------------------------------------------------------------------------------------


def test_one_connection_carries_every_kind_of_request(hub: LoopbackHub, name: str) -> None:
    hub.create_dataset(name, {"x.txt": b"0123456789"})
    path = f"/datasets/{name}/resolve/main/x.txt"
    connection = http.client.HTTPConnection(hub.endpoint.removeprefix("http://"))
    connection.connect()
    first = connection.sock

    def ask(method: str, target: str, body: object = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        chunked = not isinstance(body, bytes | None)
        connection.request(method, target, body, headers, encode_chunked=chunked)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response.status, response.read(), {k.lower(): v for k, v in response.getheaders()}

    status, body, headers = ask("HEAD", path)
    assert (status, body, headers["content-length"], headers["x-repo-commit"]) == (200, b"", "10", hub.head(name))
    assert headers["etag"] == f'"{hub_objects.make_blob(b"0123456789").oid}"'
    for asked, status, body in (
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=5-99", 206, b"56789"),
        ("lines=1", 200, b"0123456789"),
    ):
        assert ask("GET", path, Range=asked)[:2] == (status, body)
    status, _, headers = ask("GET", path, Range="bytes=10-")
    assert (status, headers["content-range"]) == (416, "bytes */10")
    chunks = [b'{"content": ', b'"# no metadata"', b"}"]
    status, body, _ = ask("POST", "/api/validate-yaml", iter(chunks), **{"Transfer-Encoding": "chunked"})
    assert status == 200 and json.loads(body)["warnings"]
    assert ask("GET", "/api/agent-harnesses")[0] == 404
    assert ask("POST", "/api/validate-yaml", b"no json")[0] == 400
    big = bytes(11 * 1024**2)
    assert ask("PUT", f"/lfs-upload/{hashlib.sha256(big).hexdigest()}", big)[0] == 200
    assert ask("PUT", f"/lfs-upload/{'0' * 64}", big)[0] == 400
    assert connection.sock is first
    assert hub.requests.count("GET", "/resolve/") == 6 and hub.requests.count("*", "x.txt$") == 7
    connection.close()


def test_requests_do_not_undo_each_other(hub: LoopbackHub, name: str) -> None:
    hub.create_dataset(name, {"README.md": CARD})
    interval = sys.getswitchinterval()

    def write(writer: int) -> None:
        with httpx2.Client(headers=KEY) as client:
            for number in range(10):
                steps = {"header": {"summary": "+1"}, "file": {"path": f"{writer}/{number}", "content": "x"}}
                body = "\n".join(json.dumps({"key": key, "value": value}) for key, value in steps.items())
                client.post(f"{hub.endpoint}/api/datasets/{name}/commit/main", content=body).raise_for_status()

    sys.setswitchinterval(1e-6)  # threads change places in the middle of everything
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(write, range(8)))
    finally:
        sys.setswitchinterval(interval)
    assert len(hub.files(name)) == 82
    assert len(httpx2.get(f"{hub.endpoint}/api/datasets/{name}/commits/main?limit=999").json()) == 82


def test_a_body_beyond_the_limit_is_refused(hub: LoopbackHub) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(hub.endpoint).port or 0)) as raw:
        raw.sendall(b"PUT /lfs-upload/x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413")


def test_large_text_goes_through_lfs_and_ignored_files_stay_out(hub: LoopbackHub, name: str) -> None:
    hub.create_dataset(name, {".gitignore": b"*.log\n/build/*\n"})
    large = b"a line of text\n" * 800_000
    operations = [CommitOperationAdd(path, data) for path, data in (("big.jsonl", large), ("x.log", b"x"))]
    API.create_commit(name, operations, commit_message="Large", repo_type="dataset")
    assert sorted(hub.files(name)) == [".gitattributes", ".gitignore", "big.jsonl"]
    assert API.get_paths_info(name, "big.jsonl", repo_type="dataset")[0].lfs.size == len(large)
    assert max(len(r.body) for r in hub.requests) == len(large)  # sent once, not inline in base64


def test_tests_cannot_leave_this_machine(refused: list[str]) -> None:
    for attempt in (
        lambda: socket.create_connection(("192.0.2.1", 80), timeout=1),
        lambda: socket.create_connection(("example.org", 80), timeout=1),
        lambda: httpx2.get("http://example.org/"),
    ):
        with pytest.raises((OSError, httpx2.HTTPError)):
            attempt()
    assert len(refused) == 3
    refused.clear()


def test_an_environment_points_nowhere_else(hub: LoopbackHub, tmp_path: object) -> None:
    variables = hub.environment(tmp_path, token=None)  # type: ignore[arg-type]
    assert variables["HF_ENDPOINT"] == hub.endpoint == huggingface_hub.constants.ENDPOINT
    assert "HF_TOKEN" not in variables and str(tmp_path) in variables["HF_HUB_CACHE"]


# --- Jobs and webhooks -------------------------------------------------------------------------


def test_jobs_are_kept_as_sent(hub: LoopbackHub) -> None:
    job = API.run_uv_job("hfscore", script_args=["push", "a/b"], dependencies=["hfscore"], secrets={"HF_TOKEN": "s"})
    [sent] = hub.jobs
    assert sent["namespace"] == "maintainer" and sent["spec"]["secrets"] == {"HF_TOKEN": "s"}
    assert sent["spec"]["command"] == ["uv", "run", "--with", "hfscore", "hfscore", "push", "a/b"]
    assert API.inspect_job(job_id=job.id).status.stage == "COMPLETED"
    assert [j.id for j in API.list_jobs()] == [job.id]
    assert list(API.fetch_job_logs(job_id=job.id)) == ["uv run --with hfscore hfscore push a/b"]
    with pytest.raises(hf_errors.JobNotFoundError):
        API.inspect_job(job_id="absent")

    hook = API.create_webhook(job_id=job.id, watched=[{"type": "dataset", "name": "a/b"}], domains=["repo"], secret="x")
    assert hook.job.docker_image == sent["spec"]["dockerImage"] and hook.watched[0].name == "a/b"
    assert hub.webhooks[0]["jobSourceId"] == job.id
    assert API.disable_webhook(hook.id).disabled and not API.enable_webhook(hook.id).disabled
    assert [h.id for h in API.list_webhooks()] == [hook.id]
    API.delete_webhook(hook.id)
    assert hub.webhooks == []
    with pytest.raises(hf_errors.HfHubHTTPError):
        API.get_webhook(hook.id)


# --- identities --------------------------------------------------------------------------------


def test_a_trusted_publisher_writes_one_repository(
    hub: LoopbackHub, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for repo in (name, f"{name}-other"):
        hub.create_dataset(repo, {"README.md": CARD})
    for key, value in hub.trust(f"datasets/{name}", "octo/data").items():
        monkeypatch.setenv(key, value)
    token = huggingface_hub.get_token()
    assert token is not None and token.startswith("hf_jwt_")

    def commit_to(repo: str) -> object:
        change = [CommitOperationAdd("README.md", CARD + b"by CI\n")]
        return API.create_commit(repo, change, commit_message="CI", repo_type="dataset").oid

    assert commit_to(name) == hub.head(name)
    assert API.list_repo_commits(name, repo_type="dataset")[0].authors == ["system"]
    for refusal in (
        lambda: API.whoami(),
        lambda: commit_to(f"{name}-other"),
        lambda: API.create_discussion(f"{name}-other", "Hello", repo_type="dataset"),
    ):
        with pytest.raises(hf_errors.HfHubHTTPError, match="403"):
            refusal()
    with pytest.raises(hf_errors.HfHubHTTPError, match="audience"):
        oidc_login(resource=f"datasets/{name}", audience="https://example.org")
    monkeypatch.setenv("HF_OIDC_RESOURCE", f"datasets/{name}-other")
    with pytest.raises(hf_errors.HfHubHTTPError, match="No trusted publisher"):
        huggingface_hub.get_token()


def _visit(hub: LoopbackHub, scope: str) -> tuple[str, str]:
    """Go through the consent page; returns the code and the PKCE verifier."""
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"client_id": "app", "redirect_uri": "http://127.0.0.1:1/login", "state": "s", "scope": scope}
    answer = httpx2.get(f"{hub.endpoint}/oauth/authorize", params={**asked, "code_challenge": challenge})
    assert answer.status_code == 302 and answer.headers["location"].startswith("http://127.0.0.1:1/login?")
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["state"] == ["s"]
    return back["code"][0], verifier


def test_a_visitor_may_propose_but_not_write(hub: LoopbackHub, name: str) -> None:
    hub.create_dataset(name, {"README.md": CARD})
    url = f"{hub.endpoint}/oauth/token"
    code, verifier = _visit(hub, "profile write-discussions")
    form = {"grant_type": "authorization_code", "code": code}
    assert "invalid_grant" in httpx2.post(url, data={**form, "code_verifier": "wrong"}).json()["error"]
    code, verifier = _visit(hub, "profile write-discussions")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    token = httpx2.post(url, data=form).json()["access_token"]
    assert httpx2.post(url, data=form).status_code == 400  # a code works once

    me = httpx2.get(f"{hub.endpoint}/oauth/userinfo", headers={"Authorization": f"Bearer {token}"}).json()
    assert (me["preferred_username"], API.whoami(token=token)["name"]) == ("maintainer", "maintainer")
    change = [CommitOperationAdd("README.md", CARD + b"ours\n")]
    with pytest.raises(hf_errors.HfHubHTTPError, match="403"):
        API.create_commit(name, change, commit_message="m", repo_type="dataset", token=token)
    pull = API.create_commit(name, change, commit_message="m", repo_type="dataset", token=token, create_pr=True)
    assert pull.pr_num == 1
    assert API.whoami(token="mock-oauth-token-for-local-dev")["name"] == "maintainer"


def test_identity_tokens_are_signed_or_refused(hub: LoopbackHub) -> None:
    config = httpx2.get(f"{hub.endpoint}/.well-known/openid-configuration").json()
    assert config["issuer"] == hub.endpoint
    keys = httpx2.get(config["jwks_uri"])
    code, verifier = _visit(hub, "openid profile")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    answer = httpx2.post(config["token_endpoint"], data=form)
    if find_spec("cryptography") is None:
        assert (keys.status_code, answer.status_code) == (501, 501)
        return
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    def decode(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    n, e = (int.from_bytes(decode(keys.json()["keys"][0][part])) for part in "ne")
    signed, _, signature = answer.json()["id_token"].rpartition(".")
    key = rsa.RSAPublicNumbers(e, n).public_key()
    key.verify(decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    claims = json.loads(decode(signed.split(".")[1]))
    assert (claims["aud"], claims["preferred_username"]) == ("app", "maintainer")
