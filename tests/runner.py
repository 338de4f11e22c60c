"""A GitHub runner as far as a composite action's `run:` steps can tell: bash, variables, files, a comment API."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

ACTION = Path(__file__).resolve().parents[1] / ".github" / "actions" / "hfscore"
SPEC = yaml.safe_load((ACTION / "action.yml").read_text())


@dataclass(frozen=True)
class Done:
    """What a step left."""

    code: int
    out: str
    err: str
    outputs: Mapping[str, str]
    summary: str

    @property
    def commands(self) -> list[str]:
        """The workflow commands that the runner would obey, of all that was printed."""
        obeyed, stopped = [], None
        for line in (self.out + "\n" + self.err).splitlines():
            line = line.strip()
            if stopped is not None:
                stopped = None if line == f"::{stopped}::" else stopped
            elif line.startswith("::stop-commands::"):
                stopped = line.removeprefix("::stop-commands::")
            elif re.match(r"::[\w-]+( .*)?::", line) or line.startswith("##["):
                obeyed.append(line)
        return obeyed


@dataclass
class Runner:
    """One job in one checkout.

    Args:
        temp: `runner.temp`.
        workspace: The checkout, where scripts start.
        environment: What the job's environment holds besides the runner's own variables.
    """

    temp: Path
    workspace: Path
    environment: Mapping[str, str]
    inputs: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def step(self, name: str, **more: str) -> Done:
        """Run the script of a step, found by its name or id, under bash as a runner does."""
        (step,) = [s for s in SPEC["runs"]["steps"] if name in (s.get("id"), s.get("name")) and "run" in s]
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "an expression in a script is an injection"
        self.count += 1
        script, output, summary = (self.temp / f"{self.count}.{end}" for end in ("sh", "output", "summary"))
        script.write_text(step["run"])
        output.touch()
        summary.touch()
        declared = {key: self._expand(str(value)) for key, value in step.get("env", {}).items()}
        runner = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_ACTION_PATH": str(ACTION)}
        environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **self.environment, **runner, **declared, **more}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", script],
            cwd=self.workspace,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr, read_outputs(output.read_text()), summary.read_text())

    def _expand(self, text: str) -> str:
        known = {"runner.temp": str(self.temp), "github.token": "ghs_runner"}
        known["steps.python.outputs.python-path"] = os.environ["RUNNER_PYTHON"]
        for key, one in SPEC["inputs"].items():
            default = str(one.get("default", "")).replace("${{ github.token }}", "ghs_runner")
            known[f"inputs.{key}"] = self.inputs.get(key, default)
        assert not set(self.inputs) - set(SPEC["inputs"]), "an input that the action does not have"
        return re.sub(r"\$\{\{ (.*?) \}\}", lambda found: known[found[1]], text)


def read_outputs(text: str) -> dict[str, str]:
    """GITHUB_OUTPUT as the runner reads it."""
    found, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, end = line.partition("<<")
        assert end, f"no heredoc: {line}"
        value = []
        for one in lines:
            if one == end:
                break
            value.append(one)
        found[name] = "\n".join(value)
    return found


class Comments:
    """GitHub's comments on issues, as much as is asked for, on 127.0.0.1."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.seen: list[tuple[str, str, str]] = []
        self.refuse = False
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                outer.seen.append((self.command, self.path, self.headers.get("Authorization", "")))
                status, value = outer.handle(self.command, self.path, body)
                data = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = _answer

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if self.refuse:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "GET":
            page = int(path.rpartition("page=")[2])
            return 200, self.comments[100 * (page - 1) : 100 * page]
        if method == "PATCH":
            number = int(path.rpartition("/")[2])
            (one,) = [c for c in self.comments if c["id"] == number]
            one["body"] = body["body"]
            return 200, one
        one = {"id": len(self.comments) + 1, "user": {"login": "github-actions[bot]"}, "body": body["body"]}
        self.comments.append(one)
        return 201, one

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
