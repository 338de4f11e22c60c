"""Fields that only some data has, as data: measured difficulty, and agents' trajectories (catalogue H3 to H5, H7)."""

from __future__ import annotations

from hfscore.attribution.rule import MODEL, Rule

# Columns that say how hard a question is; the fields on difficulty apply where there is one.
DIFFICULTY_COLUMNS = """difficulty *_difficulty difficulty_* pass_rate* *_pass_rate* *pass_percentage* solve_rate*
    *_solve_rate success_rate* *_success_rate"""
# Columns that hold steps one by one; labels of them are asked for where there is one.
STEPS_COLUMNS = "steps step_texts reasoning_steps solution_steps"

DIFFICULTY = (
    Rule(
        id="difficulty_model",
        group="difficulty",
        title="Whose difficulty",
        advice="Say for which model the difficulty or pass rate was measured, or who rated it.",
        columns="difficulty_model solver_model base_model pass_rate_model student_model rater",
        mentions=rf"""
            \b(?:difficulty|pass[- ]?rates?|solve rates?)\b[^.\n]{{0,120}} (?:by|of|with|using|for) (?:the )?{MODEL}
            \btrudnoś\w{{1,3}}\b[^.\n]{{0,120}} (?:przez|modelu|według) {MODEL}""",
        when="difficulty",
    ),
    Rule(
        id="difficulty_rollouts",
        group="difficulty",
        title="Rollouts per question",
        advice="Give the number of rollouts behind each pass rate.",
        columns="""*_trial_num num_rollouts n_rollouts *_rollouts num_samples n_samples rollout_count *_pass_sequence
            num_generations attempts""",
        mentions=r"""
            \b\d{1,5} (?:rollouts|samples|attempts|generations|trials)\b
            \b\d{1,5} (?:prób|odpowiedzi)\b""",
        when="difficulty",
    ),
    Rule(
        id="difficulty_sampling",
        group="difficulty",
        title="Sampling behind the pass rate",
        advice="Give the temperature and the sampling protocol of the rollouts behind the pass rate.",
        columns="temperature sampling* rollout_temperature difficulty_temperature",
        mentions=r"""
            \btemperature\b|\bgreedy\b
            \btemperatur(?:a|ą|ze|y)\b""",
        when="difficulty",
    ),
    Rule(
        id="difficulty_date",
        group="difficulty",
        title="Date of the estimate",
        advice="Give the date on which the difficulty was estimated: it holds for one model at one time.",
        columns="difficulty_date estimated_at estimation_date pass_rate_date evaluated_at",
        mentions=r"""
            \b(?:difficulty|pass[- ]?rates?|trudnoś\w{1,3})\b[^.\n]{0,120}\b20\d\d\b""",
        when="difficulty",
    ),
)

AGENT = (
    Rule(
        id="initial_state",
        group="agent",
        title="Initial state",
        advice="Say from which state each episode starts (repository and commit, image, seed), in columns.",
        columns="""base_commit *_commit commit* docker_image image image_name initial_state env environment* snapshot
            repo instance_id seed""",
        headings=r"""
            environment|initial state
            środowisk|stan początkowy""",
        mentions=r"""
            \bdocker\b|\bsandbox\w{0,2}\b|\binitial state\b
            \bśrodowisk\w{1,3}\b|\bstan\w{0,2} początkow\w{1,3}""",
        when="agent",
    ),
    Rule(
        id="action_schema",
        group="agent",
        title="Actions and tools",
        advice="List the tools or actions with their parameters: a column `tools`, or a section of the card.",
        columns="tools available_tools target_tools functions tool_schema* action_space actions",
        headings=r"""
            \btools?\b|action space|\bactions\b
            narzędzi|\bakcj""",
        mentions=r"""
            \baction space\b|\btool schemas?\b|\bavailable tools\b|\bMCP servers?\b
            \bdostępn\w{1,3} narzędzi\w{0,3}""",
        when="agent",
    ),
    Rule(
        id="state_differences",
        group="agent",
        title="State differences",
        advice="Add what an episode changed (a patch, a diff, the final state) in a column.",
        columns="patch *_patch diff *_diff state_diff* final_state",
        but="gold_patch test_patch",
        mentions=r"""
            \bgenerated patch(?:es)?\b|\bstate diffs?\b|\bfinal state\b
            \bstan\w{0,2} końcow\w{1,3}""",
        when="agent",
    ),
    Rule(
        id="failures",
        group="agent",
        title="Failed episodes and retries",
        advice="Say whether failed episodes and failed actions were kept: transcripts of successes alone do not show "
        "which action was wrong.",
        columns="""target resolved is_resolved success is_success failed failure* retries n_retries num_failures
            exit_status""",
        headings=r"""
            failure|failed|unsuccessful
            niepowodze|nieudan""",
        mentions=r"""
            \b(?:failed|unsuccessful|failing) (?:trajectories|episodes|runs|attempts|actions)\b
            \bsuccessful (?:trajectories|episodes|runs) only\b|\bonly (?:the )?successful\b
            \bnieudan\w{1,3} (?:trajektori|epizod|prób)\w{0,4}""",
        when="agent",
    ),
    Rule(
        id="terminal",
        group="agent",
        title="Terminal check",
        advice="Add how each episode ended and by what check: columns such as `exit_status`, `resolved`, `reward`.",
        columns="""exit_status resolved is_resolved eval_logs reward rewards success is_success final_status outcome
            test_results score is_correct terminal*""",
        but="*_assessment *quality* messages metadata",
        mentions=r"""
            \bexit status\b|\bterminal (?:state|check|predicate|reward)\b
            \bstatus\w{0,2} końcow\w{1,3}""",
        when="agent",
    ),
    Rule(
        id="scaffold",
        group="agent",
        title="Scaffold",
        advice="Name the scaffold (the program around the model) and its version.",
        columns="scaffold* agent agent_name agent_version harness* agent_framework framework",
        headings=r"""
            scaffold|harness|agent framework
            szkielet agenta""",
        mentions=r"""
            \bscaffold\w{0,4}\b|\bharness\b
            \b(?:mini-)?SWE-?agent\b|\bOpenHands\b|\bAider\b|\bTerminus\b|\bQwen-?Agent\b|\bOpenAI-?Agents?\b""",
        when="agent",
    ),
    Rule(
        id="budget",
        group="agent",
        title="Budget",
        advice="Give the budget of an episode (most turns, tokens or cost) and the sampling settings.",
        columns="""max_turns max_steps max_iterations *_budget budget* cost total_cost cost_limit token_limit time_limit
            timeout temperature""",
        mentions=r"""
            \b(?:at most|up to|max(?:imum)?(?: of)?|limit of) \d{1,6} (?:turns|steps|iterations|actions|calls)\b
            \bmax[-_ ](?:turns|steps|iterations)\b|\b(?:cost|token|step|turn) (?:limit|budget)s?\b
            \b(?:najwyżej|maksymalnie|do) \d{1,6} (?:kroków|tur|akcji)\b|\blimit\w{0,2} (?:kroków|tokenów|kosztów)\b""",
        when="agent",
    ),
)
