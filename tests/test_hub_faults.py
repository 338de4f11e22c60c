"""Every fault of a Hub ends in the right state and in a sentence.

One table: what the Hub does, what the user is told, and what stands on the Hub afterwards.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import huggingface_hub
import pytest

from hfscore.card import splice
from hfscore.errors import CardError, ConflictError, HubError
from hfscore.hub.client import TRIES, Patience, connect
from hfscore.hub.push import Outcome, push
from hfscore.hub.repo import git_oid, read_card, read_file
from hfscore.hub.status import status
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
)

ALWAYS = 99
Arm = Callable[[LoopbackHub, str], None]


def fails(method: str, pattern: str, **fault: Any) -> Arm:
    """Let requests for one dataset fail; `{name}` in the pattern stands for it."""

    def arm(hub: LoopbackHub, name: str) -> None:
        hub.fail(method, pattern.replace("{name}", name), **fault)

    return arm


INFO = "/api/datasets/{name}"
README = "/resolve/[0-9a-f]{40}/README.md"
LIST = "/discussions[?]"
DETAILS = "/discussions/1[?]"
COMMIT = "/commit/"
VALIDATE = "/api/validate-yaml"


@dataclass(frozen=True)
class Mended:
    """A fault that passes: the push succeeds, once."""

    label: str
    arm: Arm
    waits: bool = True
    only: bool | None = None  # create_pr


@dataclass(frozen=True)
class Refused:
    """A fault that stays: the push ends in a sentence, and nothing was written."""

    label: str
    arm: Arm
    says: str
    hint: str = ""
    kind: type[HubError] = HubError
    only: bool | None = None  # create_pr


def both_ways(cases: list[Any]) -> list[Any]:
    """Every case as a pull request and as a commit to main, but for those of one way only."""
    return [
        pytest.param(case, way, id=f"{case.label}-{'pull-request' if way else 'main'}")
        for case in cases
        for way in (True, False)
        if case.only in (None, way)
    ]


MENDED = [
    Mended("info 429", fails("GET", INFO, status=429)),
    Mended("info 503", fails("GET", INFO, status=503)),
    Mended("info 502 html", fails("GET", INFO, status=502, body=b"<html>Bad gateway")),
    Mended("info no json", fails("GET", INFO, status=200, body=b"<html>")),
    Mended("info dropped", fails("GET", INFO, drop="before")),
    Mended("info answer lost", fails("GET", INFO, drop="after")),
    Mended("info times out twice", fails("GET", INFO, status=504, times=2)),
    Mended("card 500", fails("GET", README, status=500)),
    Mended("card 429", fails("GET", README, status=429)),
    Mended("card dropped", fails("GET", README, drop="after")),
    Mended("side files 503", fails("POST", "/paths-info/", status=503)),
    Mended("whoami 429", fails("GET", "/api/whoami-v2", status=429), only=True),
    Mended("list 500", fails("GET", LIST, status=500), only=True),
    Mended("validate 503", fails("POST", VALIDATE, status=503, body=b"<html>")),
    Mended("validate dropped", fails("POST", VALIDATE, drop="before")),
    Mended("preupload 503", fails("POST", "/preupload/", status=503), waits=False),
    Mended("commit 409", fails("POST", COMMIT, status=409)),
    Mended("commit 412", fails("POST", COMMIT, status=412)),
    Mended("commit 412 thrice", fails("POST", COMMIT, status=412, times=3)),
    Mended("commit 429", fails("POST", COMMIT, status=429)),
    Mended("commit 408", fails("POST", COMMIT, status=408)),
    Mended("commit 500", fails("POST", COMMIT, status=500)),
    Mended("commit 503", fails("POST", COMMIT, status=503, headers={"Retry-After": "7"})),
    Mended("commit dropped", fails("POST", COMMIT, drop="before")),
    Mended("commit answer lost", fails("POST", COMMIT, drop="after")),
]


@pytest.mark.parametrize(("case", "create_pr"), both_ways(MENDED))
def test_a_fault_that_passes_is_waited_out_and_nothing_is_done_twice(
    hub: LoopbackHub, case: Mended, create_pr: bool
) -> None:
    name, waits = new_dataset(hub), Waits()
    case.arm(hub, name)
    p = material(name, report=b"{}")
    done = push(p, create_pr=create_pr, patience=waits.patience())
    _assert_published_once(hub, name, done, create_pr)
    assert bool(waits.seconds) is case.waits


def _assert_published_once(hub: LoopbackHub, name: str, done: Outcome, create_pr: bool) -> None:
    expected = splice.splice(CARD, section=material(name).section, identity=material(name).identity)
    assert done.action == ("opened" if create_pr else "committed")
    assert len(pull_requests(hub, name)) == create_pr
    ref = "refs/pr/1" if create_pr else "main"
    assert done.revision == hub.head(name, ref)
    assert hub.read(name, "README.md", ref) == expected
    assert hub.read(name, "README.md") == (CARD if create_pr else expected)
    assert "+## Reasoning quality" in done.diff.splitlines()
    if create_pr:
        assert done.url == f"{hub.endpoint}/datasets/{name}/discussions/1"
        assert len([e for e in pull_requests(hub, name)[0].events if e.kind == "commit"]) == 1


@pytest.mark.parametrize(
    "arm",
    [
        fails("POST", COMMIT, drop="after"),
        fails("POST", COMMIT, drop="before"),
        fails("POST", COMMIT, status=412),
        fails("POST", COMMIT, status=500),
        fails("GET", DETAILS, status=503),
        fails("GET", LIST, status=429),
    ],
)
def test_an_update_survives_faults_and_stays_one_commit(hub: LoopbackHub, arm: Arm) -> None:
    name = new_dataset(hub)
    publish(name)
    arm(hub, name)
    done = publish(name, "0.75")
    assert (done.action, done.revision) == ("updated", hub.head(name, "refs/pr/1"))
    (one,) = pull_requests(hub, name)
    assert len([event for event in one.events if event.kind == "commit"]) == 2
    assert b"0.75" in hub.read(name, "README.md", "refs/pr/1")


REFUSED = [
    Refused("info 500", fails("GET", INFO, status=500, times=ALWAYS), "kept answering 500", "later"),
    Refused("info gone", fails("GET", INFO, drop="before", times=ALWAYS), "could not be reached"),
    Refused("info 404", fails("GET", INFO, status=404), "The Hub answered 404"),
    Refused(
        "repository missing",
        fails("GET", INFO, status=404, error_code="RepoNotFound"),
        "shows no dataset {name}",
        "hf auth login",
    ),
    Refused("gated", fails("GET", INFO, status=403, error_code="GatedRepo"), "gated", "{name}, then"),
    Refused(
        "disabled",
        fails(
            "GET",
            INFO,
            status=403,
            headers={"X-Error-Message": "Access to this resource is disabled."},
        ),
        "has disabled {name}",
    ),
    # The one that must never be taken for an empty card:
    Refused("card 500", fails("GET", README, status=500, times=ALWAYS), "kept answering 500"),
    Refused("card 404 without a code", fails("GET", README, status=404), "answered 404"),
    Refused("card 403", fails("GET", README, status=403), "may not read"),
    Refused("card gated", fails("GET", README, status=403, error_code="GatedRepo"), "gated", "Ask for"),
    Refused(
        "revision gone",
        fails("GET", README, status=404, error_code="RevisionNotFound"),
        "no such branch",
    ),
    Refused(
        "list 500",
        fails("GET", LIST, status=500, times=ALWAYS),
        "kept answering 500",
        only=True,
    ),
    Refused("validate 500", fails("POST", VALIDATE, status=500, times=ALWAYS), "answering 500"),
    Refused(
        "validate 400 without reasons",
        fails("POST", VALIDATE, status=400, body=b"{}"),
        "validate-yaml answered 400",
    ),
    Refused("token", fails("POST", "/preupload/", status=401), "does not accept", "hf auth login"),
    Refused(
        "preupload 403 main",
        fails("POST", "/preupload/", status=403),
        "may not commit",
        "--create-pr",
        only=False,
    ),
    Refused(
        "preupload 403 pull request",
        fails("POST", "/preupload/", status=403),
        "may not open or update",
        "role write",
        only=True,
    ),
    Refused("commit 403", fails("POST", COMMIT, status=403), "This error was asked for"),
    Refused("commit 413", fails("POST", COMMIT, status=413), "answered 413"),
    Refused(
        "commit 412 for ever",
        fails("POST", COMMIT, status=412, times=ALWAYS),
        "kept changing",
        "nobody else",
        ConflictError,
    ),
    Refused(
        "commit 409 for ever",
        fails("POST", COMMIT, status=409, times=ALWAYS),
        "kept changing",
        kind=ConflictError,
    ),
    Refused(
        "commit 500 for ever",
        fails("POST", COMMIT, status=500, times=ALWAYS),
        "kept answering 500",
        "nothing is done twice",
    ),
    Refused(
        "commit 429 for an hour",
        fails("POST", COMMIT, status=429, headers={"RateLimit": '"api";r=0;t=3600'}),
        "rate limit is used up",
        "3601 seconds",
    ),
    Refused("commit 429 for ever", fails("POST", COMMIT, status=429, times=ALWAYS), "rate limit"),
    Refused("commit dropped", fails("POST", COMMIT, drop="before", times=ALWAYS), "be reached"),
    Refused(
        "words of the server are made printable",
        fails("POST", COMMIT, status=422, body=b'{"error": "no \\u001b[31mway\\u202e {id}"}'),
        r"answered 422: no \[31mway \{id\}",
    ),
]


@pytest.mark.parametrize(("case", "create_pr"), both_ways(REFUSED))
def test_a_fault_that_stays_ends_in_a_sentence_and_nothing_written(
    hub: LoopbackHub, case: Refused, create_pr: bool
) -> None:
    name, waits = new_dataset(hub), Waits()
    head = hub.head(name)
    case.arm(hub, name)
    with pytest.raises(HubError) as raised:
        publish_with(waits, name, create_pr=create_pr)
    assert type(raised.value) is case.kind
    assert re.search(case.says.replace("{name}", name), raised.value.message), raised.value
    assert case.hint.replace("{name}", name) in raised.value.hint
    assert raised.value.message.isprintable()
    assert (hub.head(name), pull_requests(hub, name)) == (head, [])
    assert sum(waits.seconds) <= 320
    assert len(waits.seconds) < TRIES


def publish_with(waits: Waits, name: str, **options: Any) -> Outcome:
    return push(material(name), patience=waits.patience(), **options)


def test_an_update_that_arrived_is_reported_though_the_last_look_fails(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    hub.fail("POST", COMMIT, before=lambda: hub.fail("GET", DETAILS, status=500, times=ALWAYS))
    done = publish(name, "0.75")
    assert (done.action, done.revision) == ("updated", hub.head(name, "refs/pr/1"))
    assert any("is not known" in note for note in done.notes)


# Waiting


@pytest.mark.parametrize(
    ("headers", "at_least", "at_most"),
    [
        ({"RateLimit": '"api";r=0;t=55'}, 56, 56),
        ({"RateLimit": '"api";r=9;t=55', "Retry-After": "12"}, 13, 13),
        ({"RateLimit": "nonsense", "Retry-After": "12"}, 13, 13),
        ({"RateLimit": "", "Retry-After": "nonsense"}, 0.5, 2),
        ({"RateLimit": "", "Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.5, 2),
    ],
)
def test_the_wait_that_the_hub_asks_for_is_kept(
    hub: LoopbackHub, headers: dict[str, str], at_least: float, at_most: float
) -> None:
    name, waits = new_dataset(hub), Waits()
    hub.fail("POST", COMMIT, status=429, headers=headers)
    assert publish_with(waits, name).action == "opened"
    (waited,) = waits.seconds
    assert at_least <= waited <= at_most


def test_patience_is_one_budget_for_the_whole_command(hub: LoopbackHub) -> None:
    name, waits = new_dataset(hub), Waits()
    minute = {"RateLimit": '"api";r=0;t=59'}
    hub.fail("GET", f"/api/datasets/{name}", status=429, headers=minute, times=3)
    hub.fail("POST", COMMIT, status=429, headers=minute, times=3)
    with pytest.raises(HubError, match="rate limit") as raised:
        push(material(name), patience=waits.patience(left=300))
    assert waits.seconds == [60, 60, 60, 60, 60]
    assert "60 seconds" in raised.value.hint
    assert not pull_requests(hub, name)


def test_waits_grow_and_differ_between_clients(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    runs = []
    for _ in range(2):
        waits = Waits()
        hub.fail("POST", COMMIT, status=500, times=TRIES)
        with pytest.raises(HubError):
            publish_with(waits, name)
        runs.append(waits.seconds)
    first, second = runs
    assert first != second
    assert len(first) == TRIES - 1
    assert first[-1] > first[0]


def test_patience_really_waits(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    hub.fail("POST", COMMIT, status=412)
    start = time.monotonic()
    push(material(name), patience=Patience())
    assert time.monotonic() - start >= 0.2


# Others who write at the same time


@pytest.mark.parametrize("create_pr", [True, False], ids=["pull-request", "main"])
def test_a_commit_in_between_and_ours_both_end_up_in_the_card(hub: LoopbackHub, create_pr: bool) -> None:
    name = new_dataset(hub)
    theirs = CARD.replace(b"Written by hand.", b"Written by hand, twice.")
    hub.fail("POST", COMMIT, before=lambda: hub.commit(name, {"README.md": theirs}))
    done = publish(name, create_pr=create_pr)
    if create_pr:
        assert done.action == "opened", "opened from the commit that was read"
        assert publish(name).action == "updated", "and brought up to date by the next push"
        hub.merge(name, 1)
    there = hub.read(name, "README.md")
    assert splice.remove(there) == theirs
    assert b"## Reasoning quality" in there
    assert len(pull_requests(hub, name)) == create_pr


def test_every_commit_is_raced_until_we_give_up(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    count = iter(range(ALWAYS))

    def race() -> None:
        hub.commit(name, {"data.jsonl": ROWS * next(count)})

    hub.fail("POST", COMMIT, before=race, times=ALWAYS)
    with pytest.raises(ConflictError):
        publish(name, create_pr=False)
    assert commits(hub) == TRIES
    assert hub.read(name, "README.md") == CARD


def test_a_pull_request_that_moves_under_an_update_keeps_their_words(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    theirs = hub.read(name, "README.md", "refs/pr/1").replace(b"by hand", b"by two hands")

    def meddle() -> None:
        hub.commit(name, {"README.md": theirs}, branch="refs/pr/1", author="colleague")

    hub.fail("POST", COMMIT, before=meddle)
    assert publish(name, "0.75").action == "updated"
    after = hub.read(name, "README.md", "refs/pr/1")
    assert b"by two hands" in after
    assert b"0.75" in after


def test_a_pull_request_that_is_closed_under_an_update_is_not_reopened(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    publish(name)
    hub.fail("POST", COMMIT, before=lambda: hub.close(name, 1))
    with pytest.raises(HubError, match="closed"):
        publish(name, "0.75")
    assert len(pull_requests(hub, name)) == 1


def test_a_section_that_somebody_else_just_committed_is_not_committed_again(
    hub: LoopbackHub,
) -> None:
    name = new_dataset(hub)
    p = material(name)
    same = splice.splice(CARD, section=p.section, identity=p.identity)
    hub.fail("POST", COMMIT, before=lambda: hub.commit(name, {"README.md": same}))
    publish(name, create_pr=False)
    assert hub.read(name, "README.md") == same
    assert commits(hub) == 1


# Cards the Hub does not accept


BROKEN = b"---\nlicense: my-own-words\n---\n# T\n"


def test_a_card_that_was_invalid_before_is_not_our_fault(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"README.md": BROKEN})
    for options in ({"create_pr": True}, {"create_pr": False}, {"dry_run": True}):
        with pytest.raises(HubError, match=r"was invalid before hfscore.*license"):
            publish(name, **options)
    assert commits(hub) == 0
    assert hub.read(name, "README.md") == BROKEN


def test_a_card_that_we_would_make_invalid_is_our_fault(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    body = json.dumps({"errors": [{"message": '"hfscore" is not allowed'}], "warnings": []})
    hub.fail("POST", VALIDATE, status=400, body=body.encode())
    with pytest.raises(HubError, match='"hfscore" is not allowed') as raised:
        publish(name)
    assert "please report it" in raised.value.hint
    assert commits(hub) == 0


# Names, tokens, rights


def test_a_name_that_is_none(hub: LoopbackHub) -> None:
    for name in ("a/b/c", "a b", "../x", "<script>", ""):
        with pytest.raises(HubError, match="is not the name of a dataset"):
            publish(name)
    assert not hub.requests


def test_a_dataset_that_was_renamed(hub: LoopbackHub) -> None:
    name, new = new_dataset(hub), new_name()
    hub.rename(name, new)
    for create_pr in (True, False):
        with pytest.raises(HubError, match=f"is now called {new}") as raised:
            publish(name, create_pr=create_pr)
        assert new in raised.value.hint
    with pytest.raises(HubError, match="is now called"):
        status(name)
    assert hub.read(new, "README.md") == CARD


def test_a_private_dataset_and_a_stranger(hub: LoopbackHub) -> None:
    name = new_name("somebody")
    hub.create_dataset(name, {"README.md": CARD}, private=True)
    with pytest.raises(HubError, match="shows no dataset"):
        status(name)
    with pytest.raises(HubError, match="shows no dataset"):
        publish(name, allow_foreign=True)


def test_a_gated_dataset_whose_card_may_not_be_read(hub: LoopbackHub) -> None:
    name = new_name("somebody")
    hub.create_dataset(name, {"README.md": CARD, "data.jsonl": ROWS}, gated=True)
    with pytest.raises(HubError, match="gated") as raised:
        publish(name, allow_foreign=True)
    assert f"/datasets/{name}" in raised.value.hint
    assert not pull_requests(hub, name)


def test_a_token_that_nobody_knows(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    for create_pr in (True, False):
        with pytest.raises(HubError) as raised:
            publish(name, token="hf_unknown_secret", create_pr=create_pr)
        assert "hf_unknown_secret" not in str(raised.value)
        assert "hf auth login" in raised.value.hint


def test_a_token_that_may_only_read(hub: LoopbackHub) -> None:
    hub.add_token("hf_reader", "maintainer", role="read")
    name = new_dataset(hub)
    with pytest.raises(HubError, match="may only read"):
        publish(name, token="hf_reader")
    with pytest.raises(HubError, match="may not commit"):
        publish(name, token="hf_reader", create_pr=False)
    assert commits(hub) == 0
    assert publish(name, token="hf_reader", dry_run=True).action == "dry-run"
    assert status(name, token="hf_reader").state == "none"


def test_no_writing_to_a_foreign_main(hub: LoopbackHub) -> None:
    name = new_dataset(hub, owner="somebody")
    with pytest.raises(HubError, match="may not commit") as raised:
        publish(name, create_pr=False)
    assert "--create-pr" in raised.value.hint
    assert hub.read(name, "README.md") == CARD


def test_a_token_is_struck_out_of_what_servers_say(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    hub.add_token("hf_very_secret", "maintainer")
    hub.fail("POST", COMMIT, status=422, body=b'{"error": "bad token hf_very_secret"}')
    with pytest.raises(HubError, match="bad token <token>") as raised:
        publish(name, token="hf_very_secret")
    assert "hf_very_secret" not in str(raised.value)
    assert "hf_very_secret" not in repr(connect(name, "hf_very_secret"))


def test_a_token_with_a_line_break_is_trimmed(hub: LoopbackHub) -> None:
    assert publish(new_dataset(hub), token=" hf_loopback\n").action == "opened"


def test_a_silent_hub_is_not_waited_for_for_ever(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    name = new_dataset(hub)
    huggingface_hub.close_session()
    monkeypatch.setattr("hfscore.hub.client.SILENCE", 0.2)
    hub.fail("GET", LIST, delay_s=0.6)
    try:
        assert publish(name).action == "opened"
        assert huggingface_hub.get_session().timeout.read == 0.2
    finally:
        huggingface_hub.close_session()
    assert len(pull_requests(hub, name)) == 1


def test_offline_is_said_and_not_waited_for(hub: LoopbackHub, monkeypatch: pytest.MonkeyPatch) -> None:
    name, waits = new_dataset(hub), Waits()
    monkeypatch.setattr("huggingface_hub.constants.is_offline_mode", lambda: True)
    with pytest.raises(HubError, match="HF_HUB_OFFLINE"):
        publish_with(waits, name)
    assert not waits.seconds


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """Another server on this machine, and the headers of what was sent to it."""
    seen: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append({key.lower(): value for key, value in self.headers.items()})
            self.send_response(200)
            self.send_header("Content-Length", str(len(CARD)))
            self.end_headers()
            self.wfile.write(CARD)

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def test_a_token_stays_with_the_hub(hub: LoopbackHub, elsewhere: tuple[str, list[dict[str, str]]]) -> None:
    url, seen = elsewhere
    name = new_dataset(hub)
    hub.fail("GET", README, status=302, headers={"Location": f"{url}/blob"}, body=b"-")
    assert read_card(name, hub.head(name), "hf_loopback") == CARD
    assert "authorization" not in seen[0]
    (asked,) = hub.requests.matching("GET", README)
    assert asked.authorization_present


# A card is read whole or not at all


def test_a_card_that_arrives_damaged_is_asked_for_again(hub: LoopbackHub) -> None:
    name = new_dataset(hub)
    damaged = {"ETag": f'"{git_oid(CARD)}"'}
    hub.fail("GET", README, status=200, body=CARD[:20], headers=damaged)
    publish(name, create_pr=False)
    assert splice.remove(hub.read(name, "README.md")) == CARD
    hub.fail("GET", README, status=200, body=CARD[:20], headers=damaged, times=ALWAYS)
    with pytest.raises(HubError, match="did not arrive whole"):
        publish(name, "0.75", create_pr=False)


def test_only_a_missing_entry_is_an_empty_card(hub: LoopbackHub) -> None:
    name = new_name()
    sha = hub.create_dataset(name, {"data.jsonl": ROWS})
    assert read_card(name, sha) == b""
    assert read_file(connect(name), sha, "README.md") is None
    with pytest.raises(HubError, match="no such"):
        read_card(name, "0" * 40)
    with pytest.raises(HubError, match="shows no dataset"):
        read_card("maintainer/nothing", sha)
    hub.fail("GET", README, status=404, times=ALWAYS)
    with pytest.raises(HubError, match="answered 404"):
        read_card(name, sha)


def test_a_card_that_is_not_text_is_refused(hub: LoopbackHub) -> None:
    name = new_dataset(hub, {"README.md": b"# \xff\xfe\n"})
    with pytest.raises(CardError, match="UTF-8"):
        publish(name)
    assert not pull_requests(hub, name)
