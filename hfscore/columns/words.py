"""Words by role: what columns, fields, chat roles and tags are called, in several languages.

Data only. Spelling is folded before a lookup (`names.fold`): lower case, no accents, camelCase and
punctuation as word breaks. Words joined by a space also match when run together ("groundtruth").
Numbers are strengths: 3 hardly means anything else, 2 usually means this, 1 only for want of better.
"""

from __future__ import annotations

from typing import Literal

Role = Literal[
    "question",
    "context",
    "reasoning",
    "steps",
    "worked",
    "answer",
    "response",
    "reference",
    "options",
    "preference",
    "patch",
    "generic",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


# role -> strength -> names. A name belongs to the role of the word that ends last in it (English puts
# the noun last), the longest word winning.
ROLES: dict[Role, dict[int, tuple[str, ...]]] = {
    "question": {
        3: _words("""question, questions, problem, problem statement, problem description, question text,
            task description, prompt, user prompt, query, instruction, instructions, puzzle, exercise,
            user query, user question, user input, frage, aufgabe, fragestellung, anweisung, pregunta,
            problema, consigna, instruccion, pytanie, zadanie, tresc zadania, polecenie, question posee,
            probleme, consigne, exercice, domanda, quesito, pergunta, enunciado, vraag, soru, вопрос,
            задача, условие, 问题, 题目, 提问, 问, 題目, 問題, 質問, 설문, 질문, 문제, cau hoi, de bai,
            pertanyaan, سؤال, السؤال, प्रश्न, सवाल, שאלה, คำถาม, instrukcja, otazka, fraga, sporgsmal"""),
        2: _words("""q, input, user, human, inputs, request, user message, goal, issue, conjecture, theorem,
            formal statement, informal statement, 指令, 输入, 入力, 입력, eingabe, entrada, ввод,
            utilisateur, benutzer, intent, hypothesis, claim"""),
        1: _words("text, task, description, statement, title, source, texte, texto, tekst"),
    },
    # Stands before the question and belongs to it.
    "context": {
        2: _words("""context, passage, paragraph, article, premise, enonce, kontext, contexto, contesto,
            contexte, kontekst, background, scenario, story, 背景, 文脈, 문맥, контекст"""),
    },
    "reasoning": {
        3: _words("""reasoning, reasoning content, reasoning trace, reasoning traces, reasoning text,
            reasoning process, reasoning path, reasoning paths, reasoning chain, reasoning chains,
            thinking, thinking content, thinking trajectory, thinking process, thinking trace, thoughts,
            thought, thought process, think, think content, cot, cots, cot content, chain of thought,
            chain of thoughts, chains of thought, longcot, rationale, rationales, scratchpad,
            inner monologue, internal monologue, inner thoughts, synthetic reasoning, reasonings,
            raisonnement, reflexion, begrundung, begruendung, gedankengang, denkprozess, uberlegung,
            razonamiento, pensamiento, cadena de pensamiento, uzasadnienie, rozumowanie,
            lancuch mysli, tok rozumowania, tok myslenia, ragionamento, raciocinio, redenering,
            muhakeme, gerekce, dusunce zinciri, рассуждение, рассуждения, ход мыслей, ход рассуждений,
            размышление, обоснование, 思考, 思考过程, 思考過程, 推理, 推理过程, 推理過程, 思维链,
            思維鏈, 思路, 추론, 사고 과정, 사고과정, suy luan, lap luan, qua trinh suy luan, penalaran,
            التفكير, الاستدلال, तर्क, resonemang, uvazovani"""),
        2: _words("""explanation, explanations, justification, analysis, reflection, trajectory, trace,
            traces, deliberation, derivation, explication, erklarung, erlauterung, explicacion,
            justificacion, wyjasnienie, objasnienie, spiegazione, explicacao, justificativa, uitleg,
            aciklama, объяснение, пояснение, 解析, 解説, 説明, 解释, 分析, 해설, 설명, giai thich,
            abstractive explanation, monologue, chain"""),
        1: _words("reason, plan, 理由, 이유, raison, razon, grund"),
    },
    "steps": {
        3: _words("""steps, reasoning steps, solution steps, thinking steps, cot steps, process,
            solution process, step list, thought steps, proof steps, etapes, schritte, pasos, kroki,
            passos, passaggi, шаги, 步骤, 解题步骤, 手順, 단계, cac buoc, stages"""),
    },
    # A worked solution, or its bare result: only the contents tell.
    "worked": {
        2: _words("""solution, solutions, worked solution, full solution, proof, working, workings,
            losung, losungsweg, loesung, solucion, resolution, resolucion, rozwiazanie, soluzione,
            solucao, resolucao, oplossing, cozum, решение, 解答, 解题过程, 解法, 解, 解き方, 풀이, 풀이과정,
            loi giai, bai giai, penyelesaian, reseni, losning, الحل, समाधान"""),
    },
    "answer": {
        2: _words("""answer, answers, final answer, answer content, answer text, short answer,
            reponse, reponses, antwort, endantwort, respuesta, odpowiedz, risposta, resposta, antwoord,
            cevap, ответ, 答案, 最终答案, 答え, 답, 답변, dap an, cau tra loi, jawaban, جواب, الإجابة,
            उत्तर, svar, odpoved, conclusion, 结论, wynik, ergebnis, resultado, schlussfolgerung"""),
    },
    "response": {
        3: _words("""response, responses, response content, response text, completion, completions,
            generation, generations, generated text, assistant, assistant response, reply, attempt,
            attempts, model output, model response, prediction, predictions, model answer,
            gpt, chatbot, bot, model prediction, samples, rollouts, rollout, candidates, odpowiedz modelu,
            回复, 回答, 输出, 模型回答, 応答, 出力, 응답, 출력, ответ модели, phan hoi, assistente"""),
        2: _words(
            "output, outputs, final, final response, ausgabe, salida, sortie, wyjscie, uscita, saida, вывод, result"
        ),
        1: _words("content, contents, message"),
    },
    "reference": {
        3: _words("""ground truth, ground truth answer, ground truths, groundtruth, ground true answer,
            reference answer, reference, reference solution, reference response, gold, golden,
            gold answer, gold label, gold standard, gold solution, gold standard solution, golden answer,
            expected answer, expected, expected output, expected response, correct answer,
            correct answers, answer key, target answer, official answer, official solution, true answer,
            right answer, verified answer, reponse correcte, bonne reponse, solution officielle,
            richtige antwort, musterlosung, respuesta correcta, poprawna odpowiedz, resposta correta,
            risposta corretta, правильный ответ, эталон, 标准答案, 参考答案, 正确答案, 正解, 模範解答, 정답,
            dap an dung, dogru cevap, reference answers"""),
        2: _words("target, targets, correct, correct choice, correct option, answer letter, gt, correcte"),
    },
    "options": {
        3: _words("""options, choices, option, choice, candidates answers, alternatives, choix, opciones,
            opcje, optionen, 选项, 選択肢, 선택지, варианты, distractors, incorrect answer, incorrect answers,
            wrong answer, wrong answers, reponse incorrecte, endings"""),
    },
    "preference": {
        3: _words("""chosen, rejected, preferred, dispreferred, chosen response, rejected response,
            response a, response b, answer a, answer b, response j, response k"""),
    },
    "patch": {
        3: _words("generated patch, model patch, final patch, submission, submitted patch, prediction patch"),
        2: _words("patch, diff, git patch, model diff, final diff"),
    },
    "generic": {1: _words("value, body, string, utterance, item")},
}

# Turn an answer or a solution into a reference ("gold_answer"), or into a model's response.
GOLD_WORDS = frozenset(
    _words("""gold, golden, correct, true, truth, reference, expected, official, target, ground, standard,
        verified, poprawna, correcta, correcte, richtige, правильный""")
)
MODEL_MADE_WORDS = frozenset(
    _words("""generated, model, llm, predicted, student, teacher, sampled, ai, synthetic, extracted, raw,
        assistant, full, greedy, response, my, parsed""")
)

# Families of models: a column that carries such a word holds what that model wrote.
MODEL_WORDS = frozenset(
    _words("""r1, deepseek, qwq, qwen, qwen2, qwen3, gpt, gpt3, gpt4, gpt4o, gpt5, chatgpt, o1, o3, o4,
        openai, claude, opus, sonnet, haiku, gemini, gemma, bard, palm, llama, llama2, llama3, mistral,
        mixtral, magistral, phi, kimi, k2, glm, grok, yi, nemotron, minimax, ernie, hunyuan, doubao,
        bielik, command, cohere, olmo, granite, v3, marco, skywork, text davinci""")
)

# The name is a label, a number or provenance, when it ends in one of these.
NOISE_HEADS = frozenset(
    _words("""id, ids, uuid, uid, idx, index, key, type, types, category, categories, subject, topic,
        topics, level, levels, difficulty, score, scores, grade, rating, quality, model, models,
        generator, engine, dataset, domain, field, subset, split, language, languages, lang, locale,
        license, licence, url, urls, link, links, token, tokens, len, length, lengths, count, counts,
        num, n, rate, percentage, percent, ratio, time, date, timestamp, version, metadata, meta, config,
        status, error, errors, hash, test, tests, cases, tags, tag, tools, tool, schema, params,
        parameters, template, system, developer, seed, format, embedding, embeddings, vector, image,
        images, audio, video, logs, log, mode, effort, budget, correctness, flag, complete, verdict,
        author, name, path, file, page, row, year, reward, rewards, logprob, logprobs, entropy, usage,
        provider, label, labels, harness, skill, skills, role, roles, style, ability, editorial, rubric, rubrics,
        references, citations, code language, finish reason, stop reason, limit, loss, mask, weight, info""")
)
# Anywhere in the name: words of a judge or a checker, never the trace itself.
JUDGE_WORDS = frozenset(
    _words("""grade, grader, grading, judge, judgement, judgment, critique, critic, assessment, review,
        reviewer, feedback, verdict, evaluation, eval, verification, verifier, quality, rating, score,
        moderation, rubric, system, error, mistake, annotation, annotations, annotator, hint, seed, tool,
        critiques, reviews, evaluations, assessments, verdicts, grades, scores, ratings, helpfulness,
        harmlessness, honesty, truthfulness, toxicity, llm judge""")
)
# The name asks or counts, when it starts with one of these ("is_correct", "num_steps").
PREDICATE_WORDS = frozenset(_words("is, has, was, num, n, avg, mean, total, max, min, use, used"))
# Say nothing by themselves: the struct around them gives the role ("responses[*].text").
HOLLOW_WORDS = frozenset(_words("text, content, contents, value, body, string, utterance, message, item"))
# Another version of the same text. Language tags stand first or last in a name.
VERSION_WORDS = frozenset(_words("original, orig, translated, translation, modified, rewritten, old"))
LANGUAGES = frozenset(
    _words("""ar, bg, bn, ca, cn, cs, da, de, deu, el, en, eng, es, et, eu, fa, fi, fr, fra, ga, gl, he,
        hi, hr, hu, it, ita, ja, jp, kk, ko, kor, kr, lt, lv, mk, ml, mr, ms, nl, pl, pol, ps, pt, ro,
        ru, rus, sk, sl, spa, sr, sv, sw, ta, te, th, tl, tr, uk, ukr, ur, uz, vi, vie, zh, zho, zht,
        english, chinese, french, german, spanish, polish, russian, korean, japanese, vietnamese,
        italian, portuguese, arabic, hindi, turkish, dutch, thai, indonesian, czech, ukrainian""")
)
# List columns of these names hold one whole text per item, whatever else is unknown.
GENERATION_LISTS = frozenset(
    _words("""generations, completions, responses, outputs, samples, rollouts, attempts, candidates,
        predictions, solutions, answers, reasonings, rationales, cots, traces, reasoning paths,
        reasoning traces, trajectories, explanations, chains of thought""")
)
TRAJECTORY_WORDS = frozenset(
    _words("trajectory, trajectories, traj, episode, rollout, agent, history, interaction, session")
)

# Chats ------------------------------------------------------------------------------------------
ROLE_KEYS = ("role", "from", "author", "speaker", "sender", "type")
CONTENT_KEYS = ("content", "value", "text", "message", "body", "utterance", "parts", "system_prompt")
CHAT_ROLES: dict[str, frozenset[str]] = {
    "user": frozenset(_words("user, human, customer, prompter, question, instruction, input, client, student")),
    "assistant": frozenset(
        _words("""assistant, gpt, ai, model, bot, chatbot, chatgpt, agent, output, answer, response, final,
            teacher, llm, claude, deepseek, solver""")
    ),
    "system": frozenset(_words("system, developer, system prompt, context, session, tools")),
    "observation": frozenset(
        _words("""tool, function, observation, environment, env, ipython, tool response, tool result,
            tool output, function response, execution, toolresult, computer, terminal, tool results""")
    ),
    "reasoning": frozenset(
        _words("reasoning, thinking, thought, thoughts, think, analysis, cot, chain of thought, rationale")
    ),
    "action": frozenset(_words("tool call, function call, tool use, tool calls, toolcall, action, code")),
}
REASONING_KEYS = _words(
    """reasoning_content, reasoning, thinking, think_content, thinking_content, thought, thoughts, think,
    chain_of_thought, cot, analysis, rationale, reasoningContent, reasoning_text, reasoning_details"""
)
ACTION_KEYS = ("tool_calls", "function_call", "toolCalls", "tool_call", "action", "commands", "actions")
STEP_TEXT_KEYS = (
    "text",
    "content",
    "step",
    "step_text",
    "step_content",
    "description",
    "explanation",
    "value",
    "output",
    "body",
)
OBSERVATION_KEYS = ("observation", "tool_response", "result", "tool_result", "feedback", "state")
TRAINED_KEYS = ("loss", "train", "weight", "trainable")

# Labels that open a line in ReAct-like text.
LABELS: dict[str, tuple[str, ...]] = {
    "reasoning": ("Thought", "Thoughts", "Think", "Thinking", "Reasoning", "Reflection"),
    "action": ("Action", "Act", "Action Input", "Command", "Code"),
    "observation": ("Observation", "Obs", "Tool Result", "Execution Result"),
    "final": ("Final Answer", "Finish"),
}
# Where a command starts inside an agent's text.
ACTION_OPENERS = (
    "```",
    "<tool_call>",
    "<function_call",
    "<function=",
    "<function_calls>",
    "<invoke ",
    "<execute_",
    "<|tool_call",
    "[TOOL_CALLS]",
    "<action>",
    "<code>",
)

# Cells -------------------------------------------------------------------------------------------
PLACEHOLDERS = frozenset({"", "-", "--", "n/a", "na", "none", "null", "nan", "?", "[]", "{}", "unknown"})
# An answer may well be "none" or "-"; these are no answer.
NO_ANSWER = frozenset({"", "n/a", "null", "nan", "[]", "{}"})
FLAG_VALUES = frozenset(
    _words("on, off, true, false, yes, no, enabled, disabled, think, no_think, none, high, medium, low, 0, 1")
)
OFF_VALUES = frozenset(_words("off, false, no, disabled, no_think, none, 0"))
OFF_PROMPTS = ("detailed thinking off", "/no_think", "reasoning: off", "thinking off")
