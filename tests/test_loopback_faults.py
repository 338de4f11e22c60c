"""The loopback Hub when things go wrong: asked-for faults, lost responses, races, shutdown."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import httpx2
import pytest
from huggingface_hub import CommitInfo, CommitOperationAdd, HfApi
from huggingface_hub import errors as hf_errors
from huggingface_hub.utils import parse_ratelimit_headers

from hfscore.loopback import LoopbackHub

API = HfApi()
CARD = b"---\nlicense: mit\n---\n# Card\n"


@pytest.fixture
def name(hub: LoopbackHub, request: pytest.FixtureRequest) -> str:
    """A dataset of this test's own that holds a card."""
    repo_id = "maintainer/" + re.sub(r"\W+", "-", request.node.name).strip("-")
    hub.create_dataset(repo_id, {"README.md": CARD})
    return repo_id


def upload(name: str, more: bytes, **options: Any) -> CommitInfo:
    change = [CommitOperationAdd("README.md", CARD + more)]
    return API.create_commit(name, change, commit_message="Ours", repo_type="dataset", **options)


def test_faults_strike_as_often_as_asked(hub: LoopbackHub, name: str) -> None:
    hub.fail("GET", f"/api/datasets/{name}$", status=503, times=2, body=b"busy")
    for _ in range(2):
        with pytest.raises(hf_errors.HfHubHTTPError) as caught:
            API.dataset_info(name)
        assert caught.value.response.status_code == 503 and "busy" in str(caught.value)
    assert API.dataset_info(name).id == name
    hub.fail("GET", name, error_code="RevisionNotFound", status=404)
    with pytest.raises(hf_errors.RevisionNotFoundError):
        API.dataset_info(name)


def test_rate_limits_are_shown(hub: LoopbackHub, name: str) -> None:
    url = f"{hub.endpoint}/datasets/{name}/resolve/main/README.md"
    limits = parse_ratelimit_headers(httpx2.head(url).headers)
    assert limits and (limits.resource_type, limits.limit, limits.window_seconds) == ("resolvers", 3000, 300)
    hub.fail("GET", "/api/", status=429, headers={"RateLimit": '"api";r=0;t=7'})
    with pytest.raises(hf_errors.HfHubHTTPError, match="Retry after 7 seconds"):
        API.dataset_info(name)


def test_a_response_can_be_lost_before_or_after_the_commit(hub: LoopbackHub, name: str) -> None:
    sha = hub.head(name)
    hub.fail("POST", "/commit/main", drop="before")
    with pytest.raises(httpx2.HTTPError):
        upload(name, b"1\n")
    assert hub.head(name) == sha
    hub.fail("POST", "/commit/main", drop="after")
    with pytest.raises(httpx2.HTTPError):
        upload(name, b"1\n", parent_commit=sha)
    assert hub.read(name, "README.md") == CARD + b"1\n"
    assert [r.status for r in hub.requests.matching("POST", "/commit/")] == [0, 0]
    with pytest.raises(hf_errors.HfHubHTTPError, match="412"):
        upload(name, b"2\n", parent_commit=sha)


def test_somebody_can_be_faster(hub: LoopbackHub, name: str) -> None:
    sha = hub.head(name)
    hub.fail("POST", "/commit/main", before=lambda: hub.commit(name, {"x.txt": b"x"}, author="bob"), delay_s=0.01)
    with pytest.raises(hf_errors.HfHubHTTPError, match="412"):
        upload(name, b"ours\n", parent_commit=sha)
    assert hub.read(name, "x.txt") == b"x"
    assert upload(name, b"ours\n", parent_commit=hub.head(name)).oid == hub.head(name)


def test_no_update_is_lost_between_many_writers(hub: LoopbackHub, name: str) -> None:
    def write(number: int) -> None:
        while True:
            head = API.dataset_info(name).sha
            text = hub.read(name, "README.md", head) + b"line %d\n" % number
            try:
                upload(name, text.removeprefix(CARD), parent_commit=head)
            except hf_errors.HfHubHTTPError as error:
                assert error.response.status_code == 412
            else:
                return

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    lines = hub.read(name, "README.md").removeprefix(CARD).decode().split("\n")
    assert sorted(lines[:-1]) == [f"line {n}" for n in range(6)]
    assert len(API.list_repo_commits(name, repo_type="dataset")) == 8


def test_stopping_is_quick_even_with_open_connections() -> None:
    hub = LoopbackHub(users={"t": "u"}).start()
    with httpx2.Client() as client:
        assert client.get(f"{hub.endpoint}/api/whoami-v2", headers={"Authorization": "Bearer t"}).json()["name"] == "u"
        started = time.monotonic()
        hub.stop()
        assert time.monotonic() - started < 0.5
        with pytest.raises(httpx2.HTTPError):
            client.get(f"{hub.endpoint}/api/whoami-v2")
