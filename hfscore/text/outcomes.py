"""What an agent's environment answered: an error, a test result, a status, a difference. Rules on text, in English.

A rule sees words, not what happened: a file that is shown and quotes an error reads like one. A printed exit code
decides by itself, in both directions. Every pattern is linear in the text.
"""

from __future__ import annotations

import re

NUMBERED_LINES = 5  # from this many on, numbered lines are a listing of a file, not an answer
FINAL_ACTION_HEAD = 80  # characters in which an action that ends an episode is named

# name -> (words one of which must be there, in lower case, before the slower pattern is tried; pattern). Counts ask for
# a digit other than 0, so "0 errors" and "no error" are none.
ERRORS: dict[str, tuple[str, str]] = {
    "traceback": ("traceback", r"Traceback \(most recent call last\)"),
    "command": ("command", r"command not found|is not recognized as an internal or external command"),
    "path": (
        "no such file|not found|does not exist",
        r"no such file or directory|\b(?:file|path|folder|directory|module|page) (?:was )?not found\b"
        r"|\b(?:file|path|folder|directory) \S{0,200} ?does not exist",
    ),
    "permission": ("denied|not permitted", r"permission denied|access denied|operation not permitted"),
    "named": (
        "error|exception|fatal|panic",
        r"^[^\w\n]{0,3}(?:[\w.]{0,80}(?:Error|Exception)|error|fatal|panic)(?:\[\w{1,20}\]|\(\w{1,20}\))?:"
        r"(?! {0,3}(?:none|null|no|nil|0|false|\"\")\b)",
    ),
    "http": (
        "http|status|not found|error|forbidden|unauthorized|bad |timeout|unavailable|not allowed|requests",
        r"\bHTTP(?:/\d(?:\.\d)?)? ?(?:error|status)?:? ?[45]\d\d\b|\bstatus(?:[ _]?code)?[\"']?[ :=]{1,3}[45]\d\d\b"
        r"|\b[45]\d\d:? (?:bad request|unauthorized|forbidden|not found|method not allowed|too many requests"
        r"|internal server error|bad gateway|service unavailable|gateway timeout|client error|server error)\b",
    ),
    "json": (
        "error|exception|success|ok|succeeded|status",
        r"[\"'](?:error|errors|error_message|exception)[\"'] {0,3}:"
        r"(?! {0,3}(?:null|none|false|0\b|\"\"|''|\[ ?\]|\{ ?\}|[\"'](?:none|null)[\"']))"
        r"|[\"'](?:success|ok|succeeded)[\"'] {0,3}: {0,3}false|[\"']is_?error[\"'] {0,3}: {0,3}true"
        r"|[\"']status[\"'] {0,3}: {0,3}[\"'](?:error|fail|failed|failure)[\"']",
    ),
    "counted": (
        "fail|error",
        r"(?<![\d.,])[1-9]\d{0,6} (?:tests? |test cases? )?(?:failed|failures?|failing|errors?)\b"
        r"|\b(?:failures|errors|failed) ?[=:] ?[1-9]",
    ),
    "said": (
        "failed|unable|could not|couldn't|cannot|can't",
        r"(?<!no )(?<!0 )(?<!not )\b(?:command|request|tool call|tool|call|action|execution|build|compilation"
        r"|assertion|tests?|query|connection|login) (?:has |have )?failed\b"
        r"|(?:^|: )(?:failed to|unable to|could not|couldn't|cannot|can't) \w",
    ),
    "refused": (
        "invalid|unknown|unrecognized|unsupported|syntax|segmentation|timed out|nothing",
        r"\b(?:invalid|unknown|unrecognized|unsupported) (?:action|command|tool|function|argument|option|syntax"
        r"|parameter|input)\b|\bsyntax error\b|\bsegmentation fault\b|\btimed out\b|^nothing happens\b",
    ),
}
_ERRORS = [(cues.split("|"), re.compile(pattern, re.IGNORECASE | re.MULTILINE)) for cues, pattern in ERRORS.values()]
_FAILED = re.compile(r"\bFAILED\b")
_EXIT_CODE = re.compile(
    r"\b(?:exit(?:ed)?(?: with)?[ _-]?(?:code|status)|return[ _-]?code)[\"'`]?[ :=>(]{1,3}(-?\d{1,10})\b", re.IGNORECASE
)
_NUMBERED = re.compile(r"^[ \t]{0,12}\d{1,6}[:|\t].*$", re.MULTILINE)

_TEST_COMMAND = re.compile(
    r"\b(?:pytest|py\.test|unittest|nosetests|nose2|tox|ctest|jest|mocha|vitest|phpunit|rspec|runtests?|run_tests?"
    r"|(?:go|cargo|npm|yarn|pnpm|npm run|make|mvn|gradle|gradlew|manage\.py|dotnet|mix|swift|bazel) (?:test|check))\b"
    r"|\bpython3? [\w./-]{0,200}test[\w./-]{0,200}",
    re.IGNORECASE,
)
_TEST_RESULT = re.compile(
    r"\b\d{1,7} (?:tests? |test cases? )?(?:passed|failed|passing|failing)\b|\bRan \d{1,7} tests?\b|\btest result:"
    r"|\ball tests? (?:have |has )?pass|^ok\b|\bPASS(?:ED)?\b|\bFAIL(?:ED|URES)?\b",
    re.IGNORECASE | re.MULTILINE,
)
_FINAL_ACTION = re.compile(
    r"\b(?:submit|finish|complete_task|task_complete|terminate|exit|done|answer|final_answer|stop)\b", re.IGNORECASE
)
_VERDICT = re.compile(
    r"\b(?:reward|score)\b[^\n:=]{0,40}[:=] ?-?\d|\btask (?:is |was )?(?:completed|succeeded|failed|solved)\b",
    re.IGNORECASE,
)
_STATUS = re.compile(
    r"\b(?:reward|score|success|successful(?:ly)?|solved|resolved|status|correct|incorrect|wrong|passed|failed"
    r"|completed|submitted|congratulations|you (?:won|lost))\b",
    re.IGNORECASE,
)
_DIFFERENCE = re.compile(
    r"^diff --git |^@@ -\d{1,9}(?:,\d{1,9})? \+\d|^--- \S.*\n\+\+\+ \S|^\*\*\* (?:Begin Patch|Update File:)"
    r"|^-[^-\n].*\n\+[^+\n]",
    re.MULTILINE,
)


def is_error(observation: str) -> bool:
    """Whether an observation says that the action before it failed."""
    lowered = observation.lower()
    codes = _EXIT_CODE.findall(observation) if "exit" in lowered or "return" in lowered else []
    if codes:
        return int(codes[-1]) != 0
    if not _says_error(observation, lowered):
        return False
    if sum(1 for _ in _NUMBERED.finditer(observation)) < NUMBERED_LINES:
        return True
    without = _NUMBERED.sub("", observation)
    return _says_error(without, without.lower())


def _says_error(text: str, lowered: str) -> bool:
    if _FAILED.search(text):
        return True
    return any(pattern.search(text) for cues, pattern in _ERRORS if any(cue in lowered for cue in cues))


def shows_difference(text: str) -> bool:
    """Whether a text shows how a state changed: a diff or a patch."""
    return _DIFFERENCE.search(text) is not None


def is_check(action: str, observation: str) -> bool:
    """Whether an action checked the outcome and its result is there: tests, a status or verdict, a difference."""
    if shows_difference(observation) or _VERDICT.search(observation):
        return True
    if _TEST_COMMAND.search(action) and _TEST_RESULT.search(observation):
        return True
    return _FINAL_ACTION.search(action[:FINAL_ACTION_HEAD]) is not None and _STATUS.search(observation) is not None
