"""The steps of the GitHub Action: `python -m hfscore.cli.action score|push|finish`.

The Action's inputs are the options of `hfscore score`, `push` and `gate`. They come as environment variables and leave
as words of an argument list; no shell reads them. Scoring sees no token but one for reading; the trusted publisher's
token, which lives for an hour, is asked for when there is something to push.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hfscore.cli import output, runner
from hfscore.errors import HfscoreError
from hfscore.escape import markdown

PREFIX = "INPUT_"
LAST_WORDS = 12  # lines of a failed command that go into the summary
# Options of the commands that have no meaning in a workflow, or that the Action sets itself.
NOT_INPUTS = frozenset(
    {"as_json", "create_pr", "dry_run", "estimate", "job_package", "on_jobs", "out", "report", "secret", "shard"}
    | {"timeout", "help", "compare_settings"}
)
_SYNC = re.compile(r"^\s*(?:-\s+)?uses:\s*['\"]?huggingface/hub-sync@", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class State:
    """What one step leaves to the next.

    Args:
        verdict: "passed" or "failed" by the gate, or "none" where no gate was set.
        up_to_date: Whether nothing was scored because data and settings are those of the section.
        summary: What the run found, Markdown.
    """

    verdict: str = "none"
    up_to_date: bool = False
    summary: str = ""


def options(*commands: str) -> dict[str, Any]:
    """Name -> parameter of every option of some commands that is an input of the Action."""
    import typer

    from hfscore.cli import app

    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found: dict[str, Any] = {}
    for command in commands:
        for parameter in known[command].params:
            if parameter.param_type_name == "option" and parameter.name not in NOT_INPUTS:
                found.setdefault(parameter.name, parameter)
    return found


def words(command: str) -> list[str]:
    """The inputs that a command knows, as its options. An input that is left empty is not given."""
    return [word for name, parameter in options(command).items() for word in _option(parameter, _input(name))]


def _input(name: str) -> str:
    return os.environ.get(f"{PREFIX}{name.upper()}", "").strip()


def _is_true(name: str) -> bool:
    given = _input(name)
    if given not in ("", "true", "false"):
        raise HfscoreError(f"The input {name.replace('_', '-')} is neither true nor false.", "Write one of them.")
    return given == "true"


def _option(parameter: Any, given: str) -> Iterator[str]:
    option = parameter.opts[0]
    if not given:
        return
    if parameter.is_flag:
        if _is_true(str(parameter.name)):
            yield option
    elif parameter.multiple:
        yield from (f"{option}={line.strip()}" for line in given.splitlines() if line.strip())
    elif parameter.nargs > 1:
        yield from (option, *given.split())
    else:
        yield f"{option}={given}"


def score() -> int:
    """Score the source unless its section is up to date, and put it before the gate."""
    source, out = _source(), _out()
    given = words("score")
    if not _is_true("force") and not _input("revision") and (why := _up_to_date(source)):
        runner.summarise(f"### hfscore\n\n{markdown(source)} is up to date. {markdown(why)} Nothing was scored.")
        return _leave(State(up_to_date=True))
    done = _hfscore("score", *given, f"--out={out}", "--", source)
    if done.returncode:
        return _failed("could not score", source, done)
    verdict, found = _gate(source, out)
    if verdict is None:
        return _failed("could not compare", source, found)
    head = f"### hfscore: {markdown(source)}\n\n{_WORDS[verdict]}\n\n{found.stdout if verdict != 'none' else ''}"
    runner.summarise(head, f"\n{_section(out)}")
    return _leave(State(verdict, summary=head))


_WORDS = {"passed": "The gate is passed.", "failed": "**The gate is not passed.**", "none": "There is no gate."}


def _leave(state: State) -> int:
    _state_file().write_text(json.dumps(asdict(state)), encoding="utf-8")
    runner.set_output("verdict", state.verdict)
    runner.set_output("up-to-date", str(state.up_to_date).lower())
    runner.set_output("report", "" if state.up_to_date else str(_out() / "report.json"))
    return 0


def _up_to_date(source: str) -> str | None:
    """Why nothing needs to be scored, or None."""
    done = _hfscore("status", *words("status"), "--settings", "--json", "--", source, keep=True)
    if done.returncode:
        return None  # scoring will say what is wrong
    found = json.loads(done.stdout)
    good = found["state"] == "fresh" or (found["state"] == "pending" and _input("push") != "direct")
    return str(found["why"]) if good else None


def _gate(source: str, out: Path) -> tuple[str | None, subprocess.CompletedProcess[str]]:
    """The verdict, None where the gate itself failed, and what the gate printed."""
    if not _is_true("gate"):
        return "none", subprocess.CompletedProcess([], 0, "", "")
    done = _hfscore("gate", *_gate_words(source), "--", str(out), keep=True)
    return {0: "passed", 1: "failed"}.get(done.returncode), done


def _gate_words(source: str) -> list[str]:
    """Options of the gate: the inputs, and for a checkout the report that it carries."""
    from hfscore.publish import card_of, is_local
    from hfscore.settings_file import find

    given, own = words("gate"), find(None)
    if is_local(source) and not _input("baseline") and not (own and own.gate.get("baseline")):
        published = card_of(Path(source)).parent / ".hfscore" / "report.json"
        given += [f"--baseline={published}"] if published.exists() else []
    return given


def _section(out: Path) -> str:
    from hfscore import api
    from hfscore.report import load

    return f"<details><summary>The section</summary>\n\n{api.section(load(out))}\n</details>\n"


def push() -> int:
    """Send the section where the inputs say, unless there is nothing to send or the gate forbids it."""
    how, source, state = _input("push") or "none", _source(), _state()
    if how not in ("none", "pr", "direct"):
        raise HfscoreError("The input push is none of none, pr and direct.", "Write one of them.")
    if how == "none" or state.up_to_date or state.verdict == "failed":
        why = {"none": "push is none"}.get(how, "it is up to date" if state.up_to_date else "the gate is not passed")
        return _sent("unchanged", "", f"Nothing was sent: {why}.")
    from hfscore import publish

    if publish.is_local(source):
        return _into_checkout(source)
    if mirror := _mirror_of(source):
        raise HfscoreError(
            f"{mirror} mirrors this repository to {source} and would erase a section that stands only there.",
            "Score the checkout, with `source: .`, and commit its README.md.",
        )
    return _to_hub(source, how)


def _to_hub(source: str, how: str) -> int:
    token = _token(source)
    from hfscore import api
    from hfscore.report import load

    outcome = api.push(
        load(_out()),
        create_pr=how == "pr",
        allow_foreign=_is_true("allow_foreign"),
        commit_message=_input("commit_message") or None,
        token=token,
    )
    notes = " ".join(markdown(note) for note in outcome.notes)
    if scores := _input("scores_repo"):
        api.publish_scores(load(_out()), _out(), scores, token=token)
        notes += f" The scores of every trace: {markdown(scores)}."
    return _sent(outcome.action, outcome.url or "", f"{outcome.action}: {outcome.url} {notes}")


def _token(source: str) -> str | None:
    """None where huggingface_hub has got a trusted publisher's token, which goes first; else what HF_TOKEN holds."""
    stored = os.environ.get("HF_TOKEN", "").strip() or None
    if not os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        return stored
    from hfscore.publish import hub_id

    os.environ["HF_OIDC_RESOURCE"] = f"datasets/{hub_id(source)}"
    from hfscore.errors import HubError
    from hfscore.hub.client import connect

    try:
        connect(hub_id(source))
    except HubError as fault:
        del os.environ["HF_OIDC_RESOURCE"]
        if stored is None:
            raise
        runner.say(f"{fault.message} HF_TOKEN is used instead.")
        return stored
    return None


def _into_checkout(source: str) -> int:
    from hfscore.publish import card_of

    readme = Path(_input("readme") or card_of(Path(source)))
    before = readme.read_bytes() if readme.exists() else b""
    done = _hfscore("card", f"--readme={readme}", "--write", "--", str(_out()))
    if done.returncode:
        return _failed("could not write the section of", source, done)
    changed = readme.read_bytes() != before
    said = f"The section stands in {readme} of the checkout: commit it in a later step, and the mirror will carry it."
    return _sent("updated" if changed else "unchanged", "", said)


def _sent(action: str, url: str, sentence: str) -> int:
    runner.set_output("changed", str(action not in ("unchanged", "dry-run")).lower())
    runner.set_output("url", url)
    runner.summarise(f"\n{sentence}")
    runner.say(sentence)
    return 0


def _mirror_of(source: str) -> str | None:
    """The workflow of this repository that mirrors it to the dataset, if there is one."""
    for path in sorted(Path(".github/workflows").glob("*.y*ml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        if _SYNC.search(text) and re.search(rf"(?<![\w./-]){re.escape(source)}(?![\w/-])", text):
            return str(path)
    return None


def finish() -> int:
    """Comment on the pull request, and fail the job if the gate is not passed."""
    state = _state()
    number, token = runner.pull_request(), os.environ.get("GITHUB_TOKEN", "")
    if number is not None and token and state.summary:
        runner.comment(number, state.summary, token)
    if state.verdict == "failed":
        runner.error("The gate is not passed; the job summary says where.")
        return 1
    return 0


def _hfscore(*arguments: str, keep: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command of hfscore; its last words on stderr are kept, and its stdout if asked for."""
    command = [sys.executable, "-m", "hfscore", *arguments]
    with runner.no_commands():
        process = subprocess.Popen(  # noqa: S603 - an argument list of our own program
            command, stdout=subprocess.PIPE if keep else None, stderr=subprocess.PIPE, text=True, errors="replace"
        )
        out, err = process.communicate()
        output.raw(err)
    return subprocess.CompletedProcess(command, process.returncode, out or "", err)


def _failed(what: str, source: str, done: subprocess.CompletedProcess[str]) -> int:
    last = [line for line in done.stderr.splitlines() if line.strip()][-LAST_WORDS:]
    quoted = "\n".join(f"> {markdown(line)}<br>" for line in last)
    runner.summarise(f"### hfscore {what} {markdown(source)}\n\n{quoted}")
    runner.error(" ".join(" ".join(last).split()))
    return done.returncode


def _source() -> str:
    source = _input("source")
    if not source:
        raise HfscoreError("The input source is empty.", "Name a dataset (owner/name), or a path in the checkout.")
    return source


def _work() -> Path:
    path = Path(os.environ["WORK"])
    path.mkdir(parents=True, exist_ok=True)
    return path


def _out() -> Path:
    return _work() / "report"


def _state_file() -> Path:
    return _work() / "state.json"


def _state() -> State:
    path = _state_file()
    return State(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else State()


STEPS: Mapping[str, Callable[[], int]] = {"score": score, "push": push, "finish": finish}


def main(arguments: Sequence[str]) -> int:
    """Run a step; exit codes as those of `hfscore`."""
    try:
        with contextlib.redirect_stderr(sys.stdout):  # of two streams nobody knows the order
            return STEPS[arguments[0]]()
    except HfscoreError as error:
        runner.summarise(f"### hfscore\n\n{markdown(error.message)} {markdown(error.hint)}")
        runner.error(f"{error.message} {error.hint}")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
