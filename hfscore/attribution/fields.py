"""Fields of every release, as data: the record, its verifier, its lineage, and how its traces were made.

The list is that of arXiv 2606.02113 (catalogue H1, H2, H6, H7), cut to what a maintainer can answer. Words are English
and Polish; a card in another language is found by its columns and metadata only.
"""

from __future__ import annotations

from hfscore.attribution.rule import FAMILIES, MODEL, Rule

RECORD = (
    Rule(
        id="question",
        group="record",
        title="Task",
        advice="Give every row its question in a column.",
        role="question",
    ),
    Rule(
        id="reasoning",
        group="record",
        title="Trace",
        advice="Give every row its reasoning in a column.",
        role="reasoning",
    ),
    Rule(
        id="response",
        group="record",
        title="Response apart from the trace",
        advice="Set the final answer apart from the reasoning: a column `response`, or a closing think marker.",
        role="response",
        when="not agent",
    ),
    Rule(
        id="reference",
        group="record",
        title="Reference answer or test cases",
        advice="Add a column `reference_answer` or `test_cases`; without one, no answer can be checked again.",
        role="reference_answer",
        columns="""test tests test_case* *_tests test_list unit_test* verification_info ground_truth
            expected_output* rubric*""",
        when="not agent",
    ),
    Rule(
        id="row_id",
        group="record",
        title="Stable row id",
        advice="Add a column `id` that stays the same from version to version, so that rows can be named.",
        columns="id _id uid uuid idx index *_id *_uuid hash",
        but="messages conversations trajectory trajectories tool_calls tools available_tools seed_ids model_id",
    ),
)

VERIFIER = (
    Rule(
        id="verifier",
        group="verifier",
        title="Verifier",
        advice="Name what checked the answers (math-verify, unit tests, a judge's model): add a column `verifier` or a "
        "line to the card; if nothing did, say so.",
        columns="""verifier* *_verifier verified_by verification_info judge* *_judge grader* checker* reward_model.style
            reward_model.name reward_fn reward_func* correctness_* *_correctness *_grade rubric* test tests test_case*
            *_tests test_list unit_test* fail_to_pass pass_to_pass eval_script eval_logs response_quality*""",
        but="correctness_count *_score *_version",
        headings=r"""
            verif|weryfik
            \bjudg|\bgrading|ocenianie
            answer check""",
        mentions=r"""
            math[-_ ]?verify
            \bverifiers?\b|\bverified (?:by|with|using|against)\b
            \b(?:LLM|model)[- ]as[- ](?:a[- ])?judge|\bLLM judges?\b
            \bunit tests?\b|\btest cases?\b
            \bweryfikator\w{0,5}|\bzweryfikowan\w{0,3} (?:przez|za pomocą|programem)\b
            \btest\w{0,3} jednostkow\w{0,4}|\bmodel\w{0,3}[- ]sędzi\w{0,5}""",
    ),
    Rule(
        id="verifier_version",
        group="verifier",
        title="Version of the verifier",
        advice="Give the verifier's version in a column or the card: package and number, or judge model and date.",
        columns="""verifier_version verifier.version judge_version judge.version grader_version *_verifier_version
            reward_model.version""",
        mentions=r"""
            \b(?:math[-_ ]?verify|verifier|judge|grader|checker|weryfikator\w{0,3})\b[\s`*_=:,(]{0,5}(?:in |w )?(?:version |wersj\w{1,2} )?v?\d{1,4}\.\d""",  # noqa: E501
    ),
    Rule(
        id="outcome",
        group="verifier",
        title="Outcome per row",
        advice="Add the verifier's outcome to each row, wrong answers included, as a column such as `is_correct`.",
        columns="""correct is_correct *_correct correctness* *_correctness score scores *_score reward rewards verified
            is_verified resolved is_resolved success passed outcome exit_status eval_logs *_grade verification_result*
            *_pass_sequence""",
        but="messages conversations metadata question_quality* language_*",
    ),
)

LINEAGE = (
    Rule(
        id="source",
        group="lineage",
        title="Source of the questions",
        advice="Say where the questions come from: add `source_datasets` to the card's metadata, or a column `source`.",
        columns="""source sources *_source source_* datasource dataset datasets *_dataset dataset_name origin provenance
            hf_dataset_name url repo repo_name subset subset_name contest_name zrodlo pochodzenie""",
        but="references documents source_code source_lang*",
        metadata=(("source_datasets", ".+"), ("datasets", ".+")),
        headings=r"""
            \bsources?\b(?! code)|\bprovenance\b|data collection
            \bźród|pochodzenie""",
        mentions=r"""
            \b(?:questions|problems|prompts|tasks|issues|data) (?:are |were |is |was )?(?:taken|drawn|sourced|collected|derived) from\b
            \b(?:pytania|zadania|dane) (?:pochodzą|zaczerpnięto|zebrano|wzięto) z\b""",  # noqa: E501
        hints=(("language_creators", ".+", "says who wrote the text, not where the questions come from"),),
    ),
    Rule(
        id="teacher",
        group="lineage",
        title="Author of the traces (generator, teacher model)",
        advice="Name the teacher model with its version, or the people who wrote the traces: add a column `generator` "
        "or a line to the card.",
        columns="""generator* *_generator teacher* *_teacher model models model_name model_id *_model model_used
            generated_by llm llm_name engine trace_author""",
        but="""judge* *_judge *_judge_model grader* verifier* reward_model* embedding* student* base_model
            difficulty_model tools available_tools""",
        metadata=(
            ("annotations_creators", "expert-generated|crowdsourced"),
            ("teacher_model", ".+"),
            ("generator", ".+"),
        ),
        headings=r"""
            \bteacher|\bgenerator\b|generation (?:model|process|pipeline)
            \bannotation process|\bannotators\b
            model nauczyciel|generowanie""",
        mentions=rf"""
            \b(?:generated|distilled|produced|sampled|synthesi[sz]ed) (?:by|with|using|from) (?:the )?{MODEL}
            \bdistill(?:ation|ed) (?:of|from) {MODEL}
            \b(?:wygenerowan|wydestylowan)\w{{0,3}} (?:przez|przy użyciu|z|za pomocą) (?:modelu? )?{MODEL}""",
        in_names=rf"\b(?:{FAMILIES})\b",
        hints=(
            ("annotations_creators", "machine-generated", "says that a machine wrote them, not which model"),
            (
                "tags",
                "synthetic.{0,40}|distilabel|curator|.{0,40}distill.{0,40}",
                "says that a model wrote them, not which",
            ),
            (
                "tags",
                rf"(?:{FAMILIES})\b.*",
                "names a family of models, not which of them wrote the traces",
            ),
            ("base_model", ".+", "names a base model, not whether it wrote the traces"),
        ),
        when="traces",
    ),
    Rule(
        id="filter",
        group="lineage",
        title="Filter rule",
        advice="Say in the card which rows were left out and by what rule, or that none were.",
        columns="""filter* *_filter *_filtered is_filtered kept keep is_valid passed_filter used_in_* selected*
            rejection_reason""",
        headings=r"""
            filter|\bcuration\b(?! rationale)|\bcleaning\b|\bselection\b|pre-?process
            filtr|czyszczenie|selekcja""",
        mentions=r"""
            \bfilter(?:ed|ing)\b|\bquality filters?\b|\brejection sampling\b|\bdeduplicat
            \bwe (?:removed|discarded|excluded|kept only)\b
            \b(?:prze|od)?filtrowan|\busunię(?:to|liśmy)\b|\bodrzuc(?:ono|iliśmy)\b""",
    ),
    Rule(
        id="split",
        group="lineage",
        title="Splits",
        advice="Say which rows are for training and which are held out: name the splits in the card's metadata "
        "(`configs`).",
        columns="split splits *_split split_* fold partition",
        metadata=(("configs.data_files.split", ".+"), ("dataset_info.splits.name", ".+")),
        headings=r"""
            \bsplits?\b
            podział""",
        mentions=r"""
            \b(?:train(?:ing)?|test|validation|held-out|hold-out) (?:split|set)\b
            \bzbi[oó]r\w{0,3} (?:treningow|testow|walidacyjn|ucząc)""",
    ),
    Rule(
        id="decontamination",
        group="lineage",
        title="Decontamination",
        advice="Say against which benchmarks the data was decontaminated, and how (exact, n-gram, embedding); or that "
        "it was not.",
        columns="decontam* *contamin* *_overlap overlap_* in_benchmark*",
        headings=r"""
            contaminat
            dekontaminac|skażeni""",
        mentions=r"""
            \b(?:de-?)?contaminat\w{0,6}|\bn-?gram overlap\b|\boverlap with (?:the )?(?:test|benchmark|eval)\w{0,8}
            \bdekontamin\w{0,8}|\bskażeni\w{0,3}""",
    ),
    Rule(
        id="licence",
        group="lineage",
        title="Licence",
        advice="Add `license:` to the card's metadata; where sources differ, a column `license` too.",
        columns="license licence licenses license_* licence_* *_license *_licence licencja",
        metadata=(("license", "(?!other$).+"), ("licenses", "(?!other$).+"), ("license_name", ".+")),
        headings=r"""
            \blicen[cs]
            licencj""",
        mentions=r"""
            \blicen[cs]ed under\b|\breleased under\b
            \b(?:na|pod) licencj\w{1,2}\b""",
        hints=(("license", "other", "says that it is another licence, not which: add `license_name`"),),
    ),
    Rule(
        id="risks",
        group="lineage",
        title="Known limits and risks",
        advice="Write known limits into the card: wrong answers kept, languages, sources that may not be used.",
        headings=r"""
            \blimitations?\b|\bbias|\brisks?\b|\bcaveats?\b|\bknown issues\b
            ogranicze|ryzyk|znane problemy""",
        mentions=r"""
            \bknown (?:limitations|issues|problems)\b
            \bznane (?:ograniczenia|problemy)\b""",
    ),
)

TRACE = (
    Rule(
        id="execution",
        group="trace",
        title="How the traces were produced (prompt, sampling)",
        advice="Give the prompt template and the sampling settings (temperature, top-p, longest output) in the card.",
        columns="""system system_prompt *_system_prompt prompt_template temperature top_p sampling* generation_config*
            api_metadata inference_mode max_tokens developer""",
        headings=r"""
            \bsampling\b|generation (?:settings|parameters|config|details)|\bprompts?\b
            parametry generowania""",
        mentions=r"""
            \btemperature\b|\btop[-_ ]?p\b|\bmax(?:imum)?[-_ ](?:new[-_ ])?(?:tokens|length)\b|\bsystem prompt\b
            \btemperatur(?:a|ą|ze|y)\b|\bprompt\w{0,3} systemow\w{1,3}""",
        when="traces",
    ),
    Rule(
        id="process_labels",
        group="trace",
        title="Labels of single steps",
        advice="Say in the card whether single steps were labelled, and by whom; or that they were not.",
        columns="label labels *_labels ratings step_ratings mistake_index",
        headings=r"""
            (?:step|process) labels
            etykiety kroków""",
        mentions=r"""
            \bprocess (?:labels|supervision|reward)\b|\bstep[- ]level (?:labels|annotations)\b
            \betykiet\w{1,3} kroków\b""",
        when="steps",
    ),
)
