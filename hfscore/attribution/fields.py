"""The fields that a release card should have, as data: where each may stand, and what to do where it does not.

The list is that of arXiv 2606.02113 (record, lineage, difficulty, agent), cut to what a maintainer can answer. Words
are English and Polish; other languages are found by columns and metadata only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Group = Literal["record", "verifier", "lineage", "trace", "difficulty", "agent"]
When = Literal["always", "traces", "agent", "not agent", "difficulty", "steps"]
Names = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """One field.

    Args:
        id: snake_case name.
        group: What it belongs to.
        title: A few words.
        advice: What to do where it is missing, a sentence.
        columns: Globs over folded names of columns.
        but: Globs over names that do not count, nor what stands inside them.
        roles: Roles of the layout (question, reasoning, ...) that fill it.
        metadata: (key of the card's metadata, pattern that a value matches whole).
        headings: Pattern searched in headings of the card.
        mentions: Pattern searched in its prose.
        hints: (key, pattern, what to say): metadata that says something, yet not enough.
        when: To what data the field applies.
    """

    id: str
    group: Group
    title: str
    advice: str
    columns: Names = ()
    but: Names = ()
    roles: Names = ()
    metadata: tuple[tuple[str, str], ...] = ()
    headings: str = ""
    mentions: str = ""
    hints: tuple[tuple[str, str, str], ...] = ()
    when: When = "always"


# Columns that say how hard a question is; the fields on difficulty apply where there is one.
DIFFICULTY: Names = ("difficulty", "*_difficulty", "difficulty_*", "pass_rate*", "*_pass_rate*", "*pass_percentage*")
DIFFICULTY += ("solve_rate*", "*_solve_rate", "success_rate*", "*_success_rate", "accuracy_of_*")
# Columns that hold steps one by one; labels for them are asked for where there is one.
STEPS: Names = ("steps", "step_texts", "reasoning_steps", "solution_steps")

_ANY = r".+"
_MODEL = r"(?-i:[A-Z0-9])[\w.-]{0,60}"  # a model's name starts with a capital or a digit
_QUOTE = r"[\[*_`\"“]{0,3}"
_JUDGE_COLUMNS: Names = ("judge*", "*_judge", "grader*", "verifier*", "reward_model*", "embedding*", "student*")

RULES: tuple[Rule, ...] = (
    Rule(
        id="question",
        group="record",
        title="Task",
        advice="Give every row its question in a column.",
        roles=("question",),
    ),
    Rule(
        id="reasoning",
        group="record",
        title="Trace",
        advice="Give every row its reasoning in a column.",
        roles=("reasoning",),
    ),
    Rule(
        id="response",
        group="record",
        title="Response apart from the trace",
        advice="Set the final answer apart from the reasoning, in a column `response` or behind a closing think marker.",
        roles=("response",),
        when="not agent",
    ),
    Rule(
        id="reference",
        group="record",
        title="Reference answer or test cases",
        advice="Add a column `reference_answer` or `test_cases`, or a line to the card: answers cannot be checked.",
        roles=("reference_answer",),
        columns=(
            "test",
            "tests",
            "test_case*",
            "*_tests",
            "test_list",
            "fail_to_pass",
            "verification_info",
            "ground_truth",
        )
        + ("expected_output*", "rubric*"),
        when="not agent",
    ),
    Rule(
        id="row_id",
        group="record",
        title="Stable row id",
        advice="Add a column `id` that stays the same from version to version, so that rows can be named.",
        columns=("id", "_id", "uid", "uuid", "idx", "index", "*_id", "*_uuid", "hash", "problem_hash"),
        but=("prompt_token*", "*conversations", "messages", "*tool_calls", "seed_ids"),
    ),
    Rule(
        id="verifier",
        group="verifier",
        title="Verifier",
        advice="Name what checked the answers: add a column `verifier` (math-verify, unit tests, a judge's model) or "
        "a line to the card; if nothing did, say so.",
        columns=(
            "verifier*",
            "*_verifier",
            "verified_by",
            "verification_info",
            "judge*",
            "*_judge",
            "grader*",
            "checker*",
        )
        + ("reward_model*", "reward_fn", "reward_func*", "correctness_*", "*_correctness", "*_grade", "rubric*")
        + ("test", "tests", "test_case*", "*_tests", "test_list", "unit_test*", "fail_to_pass", "pass_to_pass")
        + ("eval_script", "eval_logs", "*_quality_assessment"),
        but=("correctness_count", "*_score", "*_version"),
        headings=r"verif|weryfik|\bjudge|grading|ocenianie|validation of answers|answer check",
        mentions=r"math[-_ ]?verify|\bverifiers?\b|\bverified (?:by|with|using|against)\b|\b(?:LLM|model)[- ]as[- ]a?[- ]?"
        r"judge|\bLLM judges?\b|\bunit tests?\b|\btest cases?\b|\bzweryfikowan\w{0,6} (?:przez|za pomocą|programem)\b"
        r"|\bweryfikator\w{0,5}|\btest\w{0,3} jednostkow\w{0,4}|\bmodel\w{0,3}[- ]sędzi\w{0,5}",
    ),
    Rule(
        id="verifier_version",
        group="verifier",
        title="Version of the verifier",
        advice="Give the verifier's version (package and number, or judge model and date), in a column or in the card.",
        columns=("verifier_version", "verifier.version", "judge_version", "grader_version", "*_verifier_version")
        + ("reward_model.version", "judge.version"),
        mentions=r"\b(?:math[-_ ]?verify|verifiers?|judge|grader|checker|weryfikator\w{0,5}|sędzia)\b[\s`*_=:,(]{0,5}"
        r"(?:in |w )?(?:version |wersj\w{1,2} )?v?\d{1,4}\.\d",
    ),
    Rule(
        id="outcome",
        group="verifier",
        title="Outcome per row",
        advice="Add the verifier's outcome to each row, wrong answers included, for example a column `is_correct`.",
        columns=(
            "correct",
            "is_correct",
            "*_correct",
            "correctness*",
            "*_correctness",
            "score",
            "scores",
            "reward",
            "rewards",
        )
        + (
            "verified",
            "is_verified",
            "resolved",
            "is_resolved",
            "success",
            "passed",
            "outcome",
            "exit_status",
            "eval_logs",
        )
        + ("*_grade", "verification_result*", "*_pass_sequence", "*_score"),
        but=("reward_model", "choix_correct", "messages", "conversations", "metadata", "quality_*", "language_*"),
    ),
    Rule(
        id="source",
        group="lineage",
        title="Source of the questions",
        advice="Say where the questions come from: add `source_datasets` to the card's metadata, or a column `source`.",
        columns=(
            "source",
            "sources",
            "*_source",
            "source_*",
            "datasource",
            "dataset",
            "datasets",
            "*_dataset",
            "dataset_name",
        )
        + (
            "hf_dataset_name",
            "origin",
            "provenance",
            "url",
            "repo",
            "repo_name",
            "subset",
            "subset_name",
            "contest_name",
        )
        + ("zrodlo", "pochodzenie"),
        but=("references", "documents", "source_code", "source_lang*", "open_source"),
        metadata=(("source_datasets", _ANY), ("datasets", _ANY)),
        headings=r"\bsources?\b(?! code)|\bprovenance\b|data collection|\bźródł|pochodzenie",
        mentions=r"\b(?:questions|problems|prompts|tasks|issues|data) (?:are |were |is |was )?(?:taken|drawn|sourced|collected"
        r"|sampled|derived) from\b|\b(?:pytania|zadania|dane) (?:pochodzą|zaczerpnięto|zebrano|wzięto) z\b",
        hints=(("language_creators", _ANY, "says who wrote the text, not where the questions come from"),),
    ),
    Rule(
        id="teacher",
        group="lineage",
        title="Author of the traces (generator, teacher model)",
        advice="Name who wrote the traces, people or the teacher model with its version: add a column `generator` "
        "or a line to the card.",
        columns=(
            "generator*",
            "*_generator",
            "teacher*",
            "*_teacher",
            "model",
            "models",
            "model_name",
            "model_id",
            "*_model",
        )
        + ("model_used", "generated_by", "generation_model", "llm", "llm_name", "engine", "trace_author"),
        but=(*_JUDGE_COLUMNS, "base_model", "difficulty_model", "*_judge_model", "tools", "available_tools"),
        metadata=(
            ("annotations_creators", r"expert-generated|crowdsourced"),
            ("teacher_model", _ANY),
            ("generator", _ANY),
        ),
        headings=r"\bteacher|\bgenerator\b|generation (?:model|process|pipeline)|model nauczyciel|generowanie|"
        r"\bannotation process|\bannotators\b",
        mentions=r"\b(?:generated|distilled|produced|sampled|written|created|annotated) (?:by|with|using|from) (?:the )?"
        + _QUOTE
        + _MODEL
        + r"|\bdistill(?:ation|ed) (?:of|from) "
        + _QUOTE
        + _MODEL
        + r"|\b(?:wygenerowan|utworzon|napisan|wydestylowan)\w{0,3} (?:przez|za pomocą|z użyciem|przy użyciu|z) (?:modelu? )?"
        + _QUOTE
        + _MODEL,
        hints=(
            ("annotations_creators", r"machine-generated", "says that a machine wrote them, not which model"),
            (
                "tags",
                r"synthetic|distilabel|curator|.*distill.*|synthetic-data",
                "says that a model wrote them, not which",
            ),
            (
                "tags",
                r"(?:deepseek|qwen|qwq|gpt|llama|gemini|gemma|claude|mistral|phi|kimi|glm|bielik|pllum)\b.*",
                "names a family of models; say which wrote the traces",
            ),
            ("base_model", _ANY, "names a base model; say whether it wrote the traces"),
        ),
        when="traces",
    ),
    Rule(
        id="filter",
        group="lineage",
        title="Filter rule",
        advice="Say which rows were left out and by what rule, in the card; or that none were.",
        columns=(
            "filter*",
            "*_filter",
            "*_filtered",
            "is_filtered",
            "kept",
            "keep",
            "is_valid",
            "passed_filter",
            "used_in_*",
        )
        + ("selected*", "rejection_reason"),
        headings=r"filter|\bcuration\b(?! rationale)|\bcleaning\b|selection|preprocess|pre-process|filtr|czyszczenie|selekcja",
        mentions=r"\bfilter(?:ed|ing|s)?\b|\brejection sampling\b|\bwe (?:removed|discarded|excluded|kept only)\b"
        r"|\bdeduplicat|\b(?:prze|od)?filtrowan|\busunię(?:to|liśmy)\b|\bodrzuc(?:ono|iliśmy)\b",
    ),
    Rule(
        id="split",
        group="lineage",
        title="Splits",
        advice="Say which rows are for training and which are held out: name the splits in the card's metadata (`configs`).",
        columns=("split", "splits", "*_split", "split_*", "fold", "partition"),
        metadata=(("configs.data_files.split", _ANY), ("dataset_info.splits.name", _ANY)),
        headings=r"\bsplits?\b|podział",
        mentions=r"\b(?:train(?:ing)?|test|validation|held-out|hold-out) (?:split|set)\b|\bzbi[oó]r\w{0,3} "
        r"(?:treningow|testow|walidacyjn|ucząc)",
    ),
    Rule(
        id="decontamination",
        group="lineage",
        title="Decontamination",
        advice="Say against which benchmarks the data was decontaminated and how (exact, n-gram, embedding), or that it "
        "was not.",
        columns=("decontam*", "*contamin*", "*_overlap", "overlap_*", "in_benchmark*"),
        headings=r"contaminat|dekontaminac|skażeni",
        mentions=r"\b(?:de-?)?contaminat\w{0,6}|\bn-?gram overlap\b|\boverlap with (?:the )?(?:test|benchmark|eval)\w{0,8}"
        r"|\bdekontamin\w{0,8}|\bskażeni\w{0,3}",
    ),
    Rule(
        id="licence",
        group="lineage",
        title="Licence",
        advice="Add `license:` to the card's metadata; where sources differ, a column `license` too.",
        columns=("license", "licence", "license_*", "licence_*", "*_license", "*_licence", "licencja"),
        metadata=(("license", r"(?!other$).+"), ("license_name", _ANY), ("licenses", r"(?!other$).+")),
        headings=r"\blicen[cs]|licencj",
        mentions=r"\blicen[cs]ed under\b|\breleased under\b|\b(?:na|pod) licencj\w{1,2}\b|\budostępnion\w{1,2} na licencji\b",
        hints=(("license", r"other", "says that it is another licence, not which: add `license_name`"),),
    ),
    Rule(
        id="risks",
        group="lineage",
        title="Known limits and risks",
        advice="Write down known limits (wrong answers kept, languages, sources that may not be used) in the card.",
        headings=r"\blimitations?\b|\bbias|\brisks?\b|\bcaveats?\b|\bknown issues\b|considerations|ogranicze|ryzyk|znane problemy",
        mentions=r"\bknown (?:limitations|issues|problems)\b|\bznane (?:ograniczenia|problemy)\b",
    ),
    Rule(
        id="execution",
        group="trace",
        title="How the traces were produced (prompt, sampling)",
        advice="Give the prompt template and the sampling settings (temperature, top-p, longest output) in the card.",
        columns=("system", "system_prompt", "*_system_prompt", "prompt_template", "temperature", "top_p", "sampling*")
        + ("generation_config*", "api_metadata", "inference_mode", "max_tokens", "developer", "finish_reason*"),
        but=("extra_info",),
        headings=r"\bsampling\b|generation (?:settings|parameters|config|details)|prompt template|\bprompts?\b|parametry",
        mentions=r"\btemperature\b|\btop[-_ ]?p\b|\bmax(?:imum)?[-_ ](?:new[-_ ])?(?:tokens|length)\b|\bsystem prompt\b"
        r"|\btemperatur(?:a|ą|ze|y)\b|\bprompt\w{0,3} systemow\w{1,3}",
        when="traces",
    ),
    Rule(
        id="process_labels",
        group="trace",
        title="Labels of single steps",
        advice="Say in the card whether steps were labelled, by whom and from where on a trace is wrong; or that they were not.",
        columns=(
            "label",
            "labels",
            "step_labels",
            "*_labels",
            "ratings",
            "step_ratings",
            "mistake_index",
            "completions_labels",
        ),
        headings=r"step labels|process labels|etykiety kroków",
        mentions=r"\bprocess (?:labels|supervision|reward)\b|\bstep[- ]level (?:labels|annotations)\b|\betykiety kroków\b",
        when="steps",
    ),
    Rule(
        id="difficulty_model",
        group="difficulty",
        title="Whose difficulty",
        advice="Say for which model the difficulty or pass rate was measured, or who rated it.",
        columns=("difficulty_model", "solver_model", "base_model", "pass_rate_model", "student_model", "rater"),
        mentions=r"\b(?:difficulty|pass[- ]?rates?|solve rates?)\b[^.\n]{0,120} (?:by|of|with|using|for) (?:the )?"
        + _QUOTE
        + _MODEL
        + r"|\btrudnoś\w{1,3}\b[^.\n]{0,120} (?:przez|modelu|według) "
        + _QUOTE
        + _MODEL,
        when="difficulty",
    ),
    Rule(
        id="difficulty_rollouts",
        group="difficulty",
        title="Rollouts per question",
        advice="Give the number of rollouts behind each pass rate.",
        columns=("*_trial_num", "num_rollouts", "n_rollouts", "*_rollouts", "num_samples", "n_samples", "rollout_count")
        + ("*_pass_sequence", "num_generations", "attempts"),
        mentions=r"\b\d{1,5} (?:rollouts|samples|attempts|generations|trials|responses|prób|odpowiedzi)\b",
        when="difficulty",
    ),
    Rule(
        id="difficulty_sampling",
        group="difficulty",
        title="Sampling behind the pass rate",
        advice="Give temperature and sampling protocol of the rollouts behind the pass rate.",
        columns=("temperature", "sampling*", "rollout_temperature", "difficulty_temperature"),
        mentions=r"\btemperature\b|\btemperatur(?:a|ą|ze|y)\b|\bgreedy\b",
        when="difficulty",
    ),
    Rule(
        id="difficulty_date",
        group="difficulty",
        title="Date of the estimate",
        advice="Give the date on which difficulty was estimated: it belongs to one model at one time.",
        columns=("difficulty_date", "estimated_at", "estimation_date", "pass_rate_date", "evaluated_at"),
        mentions=r"\b(?:difficulty|pass[- ]?rates?|trudnoś\w{1,3})\b[^.\n]{0,120}\b20\d\d\b",
        when="difficulty",
    ),
    Rule(
        id="initial_state",
        group="agent",
        title="Initial state",
        advice="Say from which state each episode starts (repository and commit, image, seed), in columns.",
        columns=(
            "base_commit",
            "*_commit",
            "commit*",
            "docker_image",
            "image",
            "image_name",
            "initial_state",
            "env",
            "environment*",
        )
        + ("snapshot", "repo", "instance_id", "seed"),
        headings=r"environment|initial state|środowisk|stan początkowy",
        mentions=r"\bdocker\b|\bsandbox\w{0,2}\b|\binitial state\b|\bśrodowisk\w{1,3}\b|\bstan\w{0,2} początkow\w{1,3}",
        when="agent",
    ),
    Rule(
        id="action_schema",
        group="agent",
        title="Actions and tools",
        advice="List the tools or actions with their parameters: a column `tools`, or a section of the card.",
        columns=("tools", "available_tools", "target_tools", "functions", "tool_schema*", "action_space", "actions"),
        headings=r"\btools?\b|action space|\bactions\b|narzędzi|\bakcj",
        mentions=r"\baction space\b|\btool schemas?\b|\bavailable tools\b|\bMCP servers?\b|\bdostępn\w{1,3} narzędzi\w{0,3}",
        when="agent",
    ),
    Rule(
        id="state_differences",
        group="agent",
        title="State differences",
        advice="Add what an episode changed (a patch, a diff, the final state) in a column.",
        columns=("patch", "*_patch", "diff", "*_diff", "state_diff*", "final_state"),
        but=("gold_patch", "test_patch"),
        mentions=r"\bgenerated patch(?:es)?\b|\bstate diffs?\b|\bfinal state\b|\bstan\w{0,2} końcow\w{1,3}",
        when="agent",
    ),
    Rule(
        id="failures",
        group="agent",
        title="Failed episodes and retries",
        advice="Say whether failed episodes and failed actions were kept; transcripts of successes alone do not show "
        "which action was wrong.",
        columns=(
            "target",
            "resolved",
            "is_resolved",
            "success",
            "is_success",
            "failed",
            "failure*",
            "retries",
            "n_retries",
        )
        + ("num_failures", "exit_status"),
        headings=r"failure|failed|unsuccessful|niepowodze|nieudan",
        mentions=r"\b(?:failed|unsuccessful|failing) (?:trajectories|episodes|runs|attempts|actions)\b|\bsuccessful "
        r"(?:trajectories|episodes|runs) only\b|\bonly (?:the )?successful\b|\bnieudan\w{1,3} (?:trajektori|epizod|prób)\w{0,4}",
        when="agent",
    ),
    Rule(
        id="terminal",
        group="agent",
        title="Terminal check",
        advice="Add how each episode ended and by what check: columns such as `exit_status`, `resolved`, `reward`.",
        columns=(
            "exit_status",
            "resolved",
            "is_resolved",
            "eval_logs",
            "reward*",
            "success",
            "is_success",
            "final_status",
        )
        + ("outcome", "test_results", "report", "score", "is_correct", "terminal*"),
        but=("reward_model", "*_assessment"),
        mentions=r"\bexit status\b|\bterminal (?:state|check|predicate|reward)\b|\btests? (?:pass|passed) (?:at|in) the end\b",
        when="agent",
    ),
    Rule(
        id="scaffold",
        group="agent",
        title="Scaffold",
        advice="Name the scaffold (the program around the model) and its version.",
        columns=("scaffold*", "agent", "agent_name", "agent_version", "harness*", "agent_framework", "framework"),
        headings=r"scaffold|harness|agent framework|szkielet agenta",
        mentions=r"\bscaffold\w{0,4}\b|\bharness\b|\b(?:mini-)?SWE-?agent\b|\bOpenHands\b|\bAider\b|\bTerminus\b|\bReAct\b"
        r"|\bQwen-?Agent\b|\bOpenAI-?Agents?\b",
        when="agent",
    ),
    Rule(
        id="budget",
        group="agent",
        title="Budget",
        advice="Give the budget of an episode: most turns, tokens or cost, and the sampling settings.",
        columns=(
            "max_turns",
            "max_steps",
            "max_iterations",
            "*_budget",
            "budget*",
            "cost",
            "total_cost",
            "cost_limit",
            "temperature",
        )
        + ("token_limit", "time_limit", "timeout"),
        mentions=r"\b(?:at most|up to|max(?:imum)?(?: of)?|limit of) \d{1,6} (?:turns|steps|iterations|actions|calls)\b"
        r"|\bmax[-_ ](?:turns|steps|iterations)\b|\b(?:cost|token|step|turn) (?:limit|budget)s?\b|\blimit\w{0,2} (?:kroków|tokenów|kosztów)\b"
        r"|\b(?:najwyżej|maksymalnie|do) \d{1,6} (?:kroków|tur|akcji)\b",
        when="agent",
    ),
)
