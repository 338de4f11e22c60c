"""Layouts of reasoning data as the Hub holds them, with invented rows and the texts expected from the first.

`question`, `reasoning`, `response` and `reference` are what must come out: a text, None, or for several
traces (generations, turns) and for an agent's steps a list.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Text = str | None | list[str | None]


@dataclass(frozen=True)
class Case:
    """One layout: rows, and what comes out of the first of them."""

    name: str
    rows: list[dict[str, Any]]
    kind: str
    question: Text = None
    reasoning: Text = None
    response: Text = None
    reference: str | None = None


def one(name: str, row: dict[str, Any], kind: str = "single_trace", **expected: Any) -> Case:
    """A layout with one example row."""
    return Case(name, [row], kind, **expected)


def chat(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    """Messages with role and content."""
    return [{"role": role, "content": content} for role, content in pairs]


Q = "A farmer has 3 pens with 4 sheep each. How many sheep?"
R = "Three pens of four sheep make 3 * 4 = 12 sheep."
A = "There are 12 sheep."

MARKED = [
    one(
        f"think markers {opening}",
        {"id": 1, "prompt": Q, "response": f"{opening}{R}{closing}\n\n{A}"},
        question=Q,
        reasoning=R,
        response=A,
    )
    for opening, closing in (
        ("<think>\n", "\n</think>"),
        ("<thinking>", "</thinking>"),
        ("<thought>", "</thought>"),
        ("<Thought>\n", "\n</Thought>"),
        ("<reasoning>", "</reasoning>"),
        ("<REASONING>", "</REASONING>"),
        ("<scratchpad>", "</scratchpad>"),
        ("<analysis>", "</analysis>"),
        ("<chain_of_thought>", "</chain_of_thought>"),
        ("<seed:think>", "</seed:think>"),
        ("[THINK]", "[/THINK]"),
        ("◁think▷", "◁/think▷"),
        ("<|begin_of_thought|>\n\n", "\n\n<|end_of_thought|>"),
        ("<|START_THINKING|>", "<|END_THINKING|>"),
        ("<|startofthought|>", "<|endofthought|>"),
        ("<|thinking|>", "<|/thinking|>"),
        ("<think_start>", "<think_end>"),
        ("<unused94>thought\n", "<unused95>"),
        ("<|channel>thought\n", "<channel|>"),
        ("<|im_start|>think\n", "\n<|im_start|>answer"),
        ("Here is my thought process:", "Here is my response:"),
        ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
        ("analysis", "assistantfinal"),
        ("<思考>", "</思考>"),
    )
]

ANSWER_TAGS = [
    one(
        "<reasoning> and <answer>",
        {"question": Q, "completion": f"<reasoning>\n{R}\n</reasoning>\n<answer>\n12\n</answer>", "gold": "12"},
        question=Q,
        reasoning=R,
        response="12",
        reference="12",
    ),
    one(
        "<Thought> and <Output>",
        {"instruction": Q, "output": f"<Thought>\n{R}\n</Thought>\n<Output>\n{A}\n</Output>"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "untagged reasoning before <answer>",
        {"problem": Q, "model_output": f"{R} That is all of them.\n<answer>12</answer>", "target": 12},
        question=Q,
        reasoning=f"{R} That is all of them.",
        response="12",
        reference="12",
    ),
    one(
        "headings",
        {"query": Q, "completion": f"## Reasoning\n{R}\n\n## Final answer\n{A}"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "Thinking and Final Response headings",
        {"question": Q, "output": f"## Thinking\n\n{R}\n\n## Final Response\n\n{A}"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "bold labels",
        {"Input": Q, "Output": f"**Reasoning:** {R}\n\n**Answer:** 12"},
        question=Q,
        reasoning=R,
        response="12",
    ),
    one(
        "unclosed span",
        {"prompt": Q, "generated_text": f"<think>\n{R} Wait, let me"},
        question=Q,
        reasoning=f"{R} Wait, let me",
        response="",
    ),
    one(
        "end of turn token",
        {"prompt": Q, "response": f"<think>{R}</think>{A}<|im_end|>"},
        question=Q,
        reasoning=R,
        response=A,
    ),
]

COLUMNS = [
    one(
        f"columns {q} / {r} / {a}",
        {"id": "x1", q: Q, r: R, a: A},
        question=Q,
        reasoning=R,
        response=A,
    )
    for q, r, a in (
        ("question", "thinking", "response"),
        ("problem", "thinking", "solution"),
        ("prompt", "cot", "completion"),
        ("query", "synthetic_reasoning", "synthetic_answer"),
        ("user", "reasoning", "assistant"),
        ("instruction", "reasoning", "output"),
        ("Question", "Chain of Thought", "Final Response"),
        ("question", "reasoning (reasoning_content)", "response (content)"),
        ("task", "chain_of_thought", "model_answer"),
        ("input_text", "thought_process", "output_text"),
        ("userPrompt", "reasoningContent", "responseText"),
        ("问题", "思维链", "回答"),
        ("题目", "推理过程", "答案"),
        ("質問", "思考過程", "回答"),
        ("질문", "추론", "답변"),
        ("pytanie", "tok rozumowania", "odpowiedź"),
        ("zadanie", "uzasadnienie", "odpowiedź"),
        ("Frage", "Begründung", "Antwort"),
        ("énoncé du problème", "raisonnement", "réponse"),
        ("pregunta", "razonamiento", "respuesta"),
        ("вопрос", "рассуждение", "ответ"),
        ("câu hỏi", "suy luận", "câu trả lời"),
        ("soru", "gerekçe", "cevap"),
    )
]

SIBLINGS = [
    one(
        "rationale with its answer",
        {"question": Q, "rationale": R, "answer": "12"},
        question=Q,
        reasoning=R,
        response="12",
        reference="12",
    ),
    one(
        "source, rationale, target",
        {"source": Q, "rationale": R, "target": "12", "task": "math", "type": "word_problem"},
        question=Q,
        reasoning=R,
        response="12",
        reference="12",
    ),
    one(
        "choices as a struct, explanation, key",
        {
            "id": "Mercury_1",
            "question": "Which object is largest?",
            "choices": {"text": ["the Moon", "the Sun"], "label": ["A", "B"]},
            "explanation": "The Sun is a star and stars are larger than moons.",
            "answerKey": "B",
        },
        question="Which object is largest?",
        reasoning="The Sun is a star and stars are larger than moons.",
        response="B",
        reference="B",
    ),
    one(
        "options list, cot_content, answer letter",
        {
            "question_id": 70,
            "question": "Which gas do plants take in?",
            "options": ["oxygen", "carbon dioxide"],
            "answer": "B",
            "answer_index": 1,
            "cot_content": "A: Let's think step by step. Plants use carbon dioxide. The answer is (B).",
            "category": "biology",
            "src": "invented",
        },
        question="Which gas do plants take in?",
        reasoning="A: Let's think step by step. Plants use carbon dioxide. The answer is (B).",
        response="B",
        reference="B",
    ),
    one(
        "reasoning column that keeps its tags",
        {"question": Q, "reasoning": f"<think>\n{R}\n</think>", "answer": A},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "response and reference beside the reasoning",
        {"prompt": Q, "reasoning": R, "response": A, "ground_truth": "12", "reward": 1.0},
        question=Q,
        reasoning=R,
        response=A,
        reference="12",
    ),
    one(
        "flag named reasoning, trace in chat",
        {
            "category": "math",
            "reasoning": "on",
            "messages": chat(("system", ""), ("user", Q), ("assistant", f"<think>{R}</think>\n{A}")),
            "metadata": json.dumps({"expected_answer": "12"}),
        },
        question=Q,
        reasoning=R,
        response=A,
        reference="12",
    ),
    one(
        "instruction with input, alpaca spelling",
        {
            "instruction": "Solve the word problem.",
            "input": Q,
            "output": f"<think>\n{R}\n</think>\n{A}",
            "system": "Think between <think> and </think>.",
        },
        question=f"Solve the word problem.\n\n{Q}",
        reasoning=R,
        response=A,
    ),
    one(
        "passage before the question",
        {
            "passage": "The library opens at nine and closes at five on weekdays.",
            "question": "For how many hours is it open?",
            "cot": "From nine to five are eight hours.",
            "answer": "8",
        },
        question="The library opens at nine and closes at five on weekdays.\n\nFor how many hours is it open?",
        reasoning="From nine to five are eight hours.",
        response="8",
    ),
]

GENERATIONS = [
    one(
        "completions as a list",
        {"prompt": Q, "completions": [f"<think>{R}</think>{A}", f"<think>4+4+4 is 12.</think>{A}"], "answer": "12"},
        "multi_generation",
        question=Q,
        reasoning=[R, "4+4+4 is 12."],
        response=[A, A],
        reference="12",
    ),
    one(
        "samples as structs",
        {
            "problem": Q,
            "samples": [
                {"text": f"{R}\nThe answer is 12.", "correct": True},
                {"text": "3 + 4 = 7 sheep in all.\nThe answer is 7.", "correct": False},
            ],
            "gt": "12",
        },
        "multi_generation",
        question=Q,
        reasoning=[f"{R}\nThe answer is 12.", "3 + 4 = 7 sheep in all.\nThe answer is 7."],
        response=["12", "7"],
        reference="12",
    ),
    one(
        "structs with reasoning and answer",
        {
            "question": Q,
            "generations": [
                {"model": "a-7b", "reasoning": R, "answer": "12"},
                {"model": "b-7b", "reasoning": "Add the pens: 3 + 4.", "answer": "7"},
            ],
            "reference_answer": "12",
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "Add the pens: 3 + 4."],
        response=["12", "7"],
        reference="12",
    ),
    one(
        "parallel lists",
        {"question": Q, "reasonings": [R, "Add the pens: 3 + 4 = 7."], "answers": ["12", "7"]},
        "multi_generation",
        question=Q,
        reasoning=[R, "Add the pens: 3 + 4 = 7."],
        response=["12", "7"],
    ),
    one(
        "columns per model",
        {
            "question": Q,
            "gpt4_reasoning": R,
            "gpt4_answer": "12",
            "claude_reasoning": "Add the pens: 3 + 4 = 7.",
            "claude_answer": "7",
            "gold_answer": "12",
            "claude_grade_reasoning": "7 is wrong.",
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "Add the pens: 3 + 4 = 7."],
        response=["12", "7"],
        reference="12",
    ),
    one(
        "struct per model",
        {
            "question": Q,
            "small-model": {"solution": f"{R}\nA: 12", "is_correct": True},
            "big-model": {"solution": "They have 3 + 4 = 7 sheep.\nA: 7", "is_correct": False},
            "ground_truth": f"{R}\nA: 12",
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "They have 3 + 4 = 7 sheep."],
        response=["12", "7"],
        reference="12",
    ),
    one(
        "numbered columns",
        {"prompt": Q, "response_1": f"<think>{R}</think>{A}", "response_2": "<think>3+4</think>7", "n": 2},
        "multi_generation",
        question=Q,
        reasoning=[R, "3+4"],
        response=[A, "7"],
    ),
    one(
        "preference pair with think spans",
        {"prompt": Q, "chosen": f"<think>{R}</think>{A}", "rejected": "<think>3+4 is 7</think>Seven."},
        "multi_generation",
        question=Q,
        reasoning=[R, "3+4 is 7"],
        response=[A, "Seven."],
    ),
    one(
        "generations under model names in one struct",
        {"question": Q, "responses": {"r1": f"<think>{R}</think>{A}", "qwq": "<think>3+4</think>7"}},
        "multi_generation",
        question=Q,
        reasoning=[R, "3+4"],
        response=[A, "7"],
    ),
]

STEPS = [
    one(
        "process as a list",
        {"question": Q, "process": ["There are 3 pens.", "Each holds 4 sheep.", "3 * 4 = 12."], "label": 2},
        question=Q,
        reasoning="There are 3 pens.\n\nEach holds 4 sheep.\n\n3 * 4 = 12.",
        response="3 * 4 = 12.",
    ),
    one(
        "steps as structs with a number",
        {
            "instruction": Q,
            "reasoning_chains": [{"step": 1, "thought": "There are 3 pens."}, {"step": 2, "thought": "3 * 4 = 12."}],
            "output": A,
        },
        question=Q,
        reasoning="There are 3 pens.\n\n3 * 4 = 12.",
        response=A,
    ),
    one(
        "step-wise supervision: completions with labels",
        {
            "prompt": Q,
            "completions": ["There are 3 pens.", "Each holds 4 sheep.", "So 3 * 4 = 12. The answer is 12."],
            "labels": [True, True, True],
        },
        question=Q,
        reasoning="There are 3 pens.\n\nEach holds 4 sheep.\n\nSo 3 * 4 = 12. The answer is 12.",
        response="So 3 * 4 = 12. The answer is 12.",
    ),
    one(
        "numbered steps under another name",
        {"problem": Q, "solutions": ["Step 1: There are 3 pens.", "Step 2: 3 * 4 = 12."], "answer": "12"},
        question=Q,
        reasoning="Step 1: There are 3 pens.\n\nStep 2: 3 * 4 = 12.",
        response="12",
    ),
    one(
        "steps, target and the model's answer",
        {"input": Q, "steps": ["There are 3 pens.", "3 * 4 = 13."], "target": "12", "answer": "13", "mistake_index": 1},
        question=Q,
        reasoning="There are 3 pens.\n\n3 * 4 = 13.",
        response="13",
        reference="12",
    ),
    one(
        "steps with rated candidates",
        {
            "question": {"problem": Q, "ground_truth_answer": "12"},
            "label": {
                "steps": [
                    {"completions": [{"text": "There are 3 pens.", "rating": 1}], "chosen_completion": 0},
                    {
                        "completions": [{"text": "3 + 4 = 7.", "rating": -1}, {"text": "3 * 4 = 12.", "rating": 1}],
                        "chosen_completion": 1,
                    },
                ]
            },
        },
        question=Q,
        reasoning="There are 3 pens.\n\n3 * 4 = 12.",
        reference="12",
    ),
]

UNTAGGED = [
    one(
        "a long answer beside a short reference",
        {
            "question": "Why is the sky blue?",
            "answer": "Sunlight holds all colours. Air scatters short waves more than long ones, because of "
            "its small molecules. Therefore blue light reaches us from everywhere.",
            "reference_answer": "Rayleigh scattering",
        },
        question="Why is the sky blue?",
        reasoning="Sunlight holds all colours. Air scatters short waves more than long ones, because of its small "
        "molecules. Therefore blue light reaches us from everywhere.",
        response="Sunlight holds all colours. Air scatters short waves more than long ones, because of its small "
        "molecules. Therefore blue light reaches us from everywhere.",
        reference="Rayleigh scattering",
    ),
    one(
        "solution and answer",
        {"problem": Q, "solution": f"{R} Hence $\\boxed{{12}}$.", "answer": "12", "subject": "Algebra"},
        question=Q,
        reasoning=f"{R} Hence $\\boxed{{12}}$.",
        response="12",
        reference="12",
    ),
    one(
        "completion with a boxed answer in nested braces",
        {"prompt": "Halve one half.", "completion": "Half of 1/2 is 1/4. So we get $\\boxed{\\frac{1}{4}}$."},
        question="Halve one half.",
        reasoning="Half of 1/2 is 1/4. So we get $\\boxed{\\frac{1}{4}}$.",
        response="\\frac{1}{4}",
    ),
    one(
        "chat with an untagged worked answer",
        {"messages": chat(("user", Q), ("assistant", f"Step 1: count.\nStep 2: {R}\nThe answer is 12."))},
        question=Q,
        reasoning=f"Step 1: count.\nStep 2: {R}\nThe answer is 12.",
        response="12",
    ),
    one(
        "column named after the model that wrote it",
        {"problem": Q, "qwq": f"Hmm, let me see. {R} Wait, check: 4+4+4 = 12. \\boxed{{12}}", "source": "invented"},
        question=Q,
        reasoning=f"Hmm, let me see. {R} Wait, check: 4+4+4 = 12. \\boxed{{12}}",
        response="12",
    ),
    one(
        "#### in a response",
        {"question": Q, "response": f"{R}\n#### 12", "model": "m-7b"},
        question=Q,
        reasoning=R,
        response="12",
    ),
    one(
        "Polish answer announced",
        {"pytanie": Q, "rozwiązanie": f"{R} Zatem owiec jest 12.\nOdpowiedź: 12"},
        question=Q,
        reasoning=f"{R} Zatem owiec jest 12.\nOdpowiedź: 12",
        response="12",
        reference="12",
    ),
]

CHATS = [
    one(
        "thinking in several turns",
        {
            "messages": chat(
                ("user", "Is 7 prime?"),
                ("assistant", "<think>No divisor but 1 and 7.</think>Yes."),
                ("user", "And 9?"),
                ("assistant", "<think>3 * 3 is 9.</think>No."),
            )
        },
        "multi_turn",
        question=["Is 7 prime?", "And 9?"],
        reasoning=["No divisor but 1 and 7.", "3 * 3 is 9."],
        response=["Yes.", "No."],
    ),
    one(
        "earlier thinking stripped from the history",
        {
            "conversations": [
                {"from": "human", "value": "Is 7 prime?"},
                {"from": "gpt", "value": "Yes."},
                {"from": "human", "value": "And 9?"},
                {"from": "gpt", "value": "<think>3 * 3 is 9.</think>No."},
            ]
        },
        question="And 9?",
        reasoning="3 * 3 is 9.",
        response="No.",
    ),
    one(
        "typed blocks",
        {
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": Q}]},
                {
                    "role": "assistant",
                    "content": [{"type": "thinking", "thinking": R, "signature": "s"}, {"type": "text", "text": A}],
                },
            ]
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "blocks of reasoning and answer in a JSON string",
        {
            "conversation": json.dumps(
                [
                    {"role": "user", "content": Q},
                    {
                        "role": "assistant",
                        "content": [{"type": "reasoning", "content": R}, {"type": "answer", "content": A}],
                    },
                ]
            ),
            "source": "invented",
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "a role for the reasoning",
        {"messages": chat(("user", Q), ("reasoning", R), ("assistant", A))},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "per-message thinking, message roles of another spelling",
        {
            "dialog": [
                {"speaker": "Human", "text": Q},
                {"speaker": "Bot", "text": A, "thinking": R},
            ]
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "channels beside the role",
        {
            "messages": [
                {"role": "user", "content": Q, "channel": None},
                {"role": "assistant", "content": R, "channel": "analysis"},
                {"role": "assistant", "content": A, "channel": "final"},
            ]
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "turns as pairs",
        {"conversation": [{"human": Q, "assistant": f"<think>{R}</think>{A}"}], "lang": "en"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "one text in ChatML",
        {"text": f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>assistant\n<think>\n{R}\n</think>\n\n{A}<|im_end|>\n"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "one text in the alpaca template",
        {"text": f"Below is a task.\n\n### Instruction:\n{Q}\n\n### Response:\n<think>{R}</think>\n{A}"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "one text in the template of R1",
        {"text": f"<｜User｜>{Q}<｜Assistant｜><think>\n{R}\n</think>\n\n{A}<｜end▁of▁sentence｜>"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "one text in harmony",
        {
            "text": f"<|start|>system<|message|>Reasoning: high<|end|><|start|>user<|message|>{Q}<|end|>"
            f"<|start|>assistant<|channel|>analysis<|message|>{R}<|end|>"
            f"<|start|>assistant<|channel|>final<|message|>{A}<|return|>"
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "system and tools columns, tools not used",
        {
            "system": "You are helpful. Think in <think></think>.",
            "tools": json.dumps([{"name": "search"}]),
            "conversations": [
                {"from": "human", "value": Q},
                {"from": "gpt", "value": f"<think>{R}</think>{A}"},
            ],
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "prompt chat and completion text",
        {"prompt": chat(("user", Q)), "completion": f"<think>{R}</think>{A}", "reward_model": {"ground_truth": "12"}},
        question=Q,
        reasoning=R,
        response=A,
        reference="12",
    ),
    one(
        "prompt chat and reasoning beside it",
        {"messages": chat(("user", Q)), "reasoning_content": R, "content": A},
        question=Q,
        reasoning=R,
        response=A,
    ),
]

AGENTS = [
    one(
        "tool calls with thinking",
        {
            "messages": [
                {"role": "system", "content": "Use tools."},
                {"role": "user", "content": "Weather in Oslo?"},
                {
                    "role": "assistant",
                    "content": "",
                    "reasoning_content": "I must look it up.",
                    "tool_calls": [{"function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}],
                },
                {"role": "tool", "content": "3 C"},
                {"role": "assistant", "content": "It is 3 C.", "reasoning_content": "The tool says 3 C."},
            ],
            "tools": "[]",
        },
        "agent_trajectory",
        question="Weather in Oslo?",
        reasoning=["I must look it up.", "The tool says 3 C."],
        response="It is 3 C.",
    ),
    one(
        "think spans and tool call tags, ShareGPT",
        {
            "conversations": [
                {"from": "system", "value": "<tools>[]</tools>"},
                {"from": "human", "value": "Weather in Oslo?"},
                {"from": "gpt", "value": '<think>Look it up.</think>\n<tool_call>{"name": "weather"}</tool_call>'},
                {"from": "tool", "value": "3 C"},
                {"from": "gpt", "value": "<think>Now tell.</think>It is 3 C."},
            ]
        },
        "agent_trajectory",
        question="Weather in Oslo?",
        reasoning=["Look it up.", "Now tell."],
        response="It is 3 C.",
    ),
    one(
        "events of a coding agent",
        {
            "session_id": "s",
            "trace": [
                {"type": "user", "message": {"role": "user", "content": "Fix the test."}},
                {
                    "type": "assistant",
                    "message": {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "See the test first."},
                            {"type": "tool_use", "name": "Read", "input": {"file": "t.py"}},
                        ],
                    },
                },
                {
                    "type": "user",
                    "message": {"role": "user", "content": [{"type": "tool_result", "content": "assert 1 == 2"}]},
                },
                {
                    "type": "assistant",
                    "message": {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "The 2 is wrong."},
                            {"type": "text", "text": "Fixed."},
                        ],
                    },
                },
            ],
        },
        "agent_trajectory",
        question="Fix the test.",
        reasoning=["See the test first.", "The 2 is wrong."],
        response="Fixed.",
    ),
    one(
        "response items of a coding agent, JSON Lines in a text",
        {
            "trace": "\n".join(
                json.dumps({"type": "response_item", "payload": payload})
                for payload in (
                    {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it."}]},
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Look around."}]},
                    {"type": "function_call", "name": "shell", "arguments": '{"command": "ls"}'},
                    {"type": "function_call_output", "output": "a.py"},
                    {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Only one file."}]},
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
                )
            )
        },
        "agent_trajectory",
        question="Fix it.",
        reasoning=["Look around.", "Only one file."],
        response="Done.",
    ),
    one(
        "ReAct in one text",
        {
            "question": "Who wrote Faust?",
            "trajectory": "Thought: I search.\nAction: search[Faust]\nObservation: by Goethe\n"
            "Thought: It is Goethe.\nFinal Answer: Goethe",
            "answer": "Goethe",
        },
        "agent_trajectory",
        question="Who wrote Faust?",
        reasoning=["I search.", "It is Goethe."],
        response="Goethe",
        reference="Goethe",
    ),
    one(
        "thought, action, observation as structs",
        {
            "task": "Who wrote Faust?",
            "trajectory": [
                {"thought": "I search.", "action": "search[Faust]", "observation": "by Goethe"},
                {"thought": "It is Goethe.", "action": "finish[Goethe]", "observation": None},
            ],
            "reward": 1,
        },
        "agent_trajectory",
        question="Who wrote Faust?",
        reasoning=["I search.", "It is Goethe."],
        response="finish[Goethe]",
    ),
    one(
        "JSON replies with analysis and commands",
        {
            "conversations": chat(
                ("user", "Count the files."),
                ("assistant", '{"analysis": "I list them.", "plan": "Use ls.", "commands": [{"keystrokes": "ls"}]}'),
                ("user", "a.py b.py"),
                ("assistant", '{"analysis": "Two files.", "plan": "Stop.", "commands": [], "task_complete": true}'),
            ),
            "agent": "terminus",
        },
        "agent_trajectory",
        question="Count the files.",
        reasoning=["I list them.\n\nUse ls.", "Two files.\n\nStop."],
        response='{"keystrokes": "ls"}',
    ),
    one(
        "shell commands in fences, outcome in a patch column",
        {
            "instance_id": "x__1",
            "traj": chat(
                ("system", "You program."),
                ("user", "Fix add()."),
                ("assistant", "Look first.\n```bash\ncat a.py\n```"),
                ("user", "def add(a, b): return a - b"),
                ("assistant", "The minus is wrong.\n```bash\nsed -i s/-/+/ a.py\n```"),
            ),
            "model_patch": "-a - b\n+a + b",
            "gold_patch": "-x\n+y",
        },
        "agent_trajectory",
        question="Fix add().",
        reasoning=["Look first.", "The minus is wrong."],
        response="-a - b\n+a + b",
    ),
]

MORE = [
    one(
        "whole template beside its pieces",
        {
            "user": Q,
            "assistant": A,
            "reasoning": R,
            "template": f"<|im_start|>user\n{Q}<|im_end|>\n<|im_start|>reasoning\n{R}<|im_end|>\n"
            f"<|im_start|>assistant\n{A}<|im_end|>",
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "many judge columns around a marked response",
        {
            "conversation_id": "c",
            "instruction": Q,
            "response": f"<think>{R}</think>\n{A}",
            "conversations": [{"from": "human", "value": Q}, {"from": "gpt", "value": f"<think>{R}</think>\n{A}"}],
            "intent": "The user wants to know how many sheep there are.",
            "knowledge": "To solve this, one must know how to multiply.",
            "input_quality": "good",
            "quality_explanation": "The question is clear because it names all numbers.",
            "task_category": "Math",
            "language": "EN",
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "premise, hypothesis and numbered explanations",
        {
            "premise": "A man eats an apple.",
            "hypothesis": "A person is eating.",
            "label": 0,
            "explanation_1": "A man is a person, and eating an apple is eating.",
            "explanation_2": "The man eats, so a person eats.",
        },
        "multi_generation",
        question="A man eats an apple.\n\nA person is eating.",
        reasoning=["A man is a person, and eating an apple is eating.", "The man eats, so a person eats."],
        response=[None, None],
    ),
    one(
        "several model columns, reasoning of one",
        {
            "problem": Q,
            "ground_truth_solution": "3 * 4 = 12",
            "mini_solution": "Twelve.",
            "r1_reasoning_content": R,
            "r1_response": A,
        },
        question=Q,
        reasoning=R,
        response=A,
        reference="3 * 4 = 12",
    ),
    one(
        "target that holds the trace",
        {"prompt": Q, "target": f"<reasoning>{R}</reasoning><answer>12</answer>", "meta": {"gold": "12"}},
        question=Q,
        reasoning=R,
        response="12",
        reference="12",
    ),
    one(
        "struct of numbered steps",
        {"question": Q, "reasoning": {"step_1": "There are 3 pens.", "step_2": "3 * 4 = 12."}, "answer": "12"},
        question=Q,
        reasoning="There are 3 pens.\n\n3 * 4 = 12.",
        response="12",
    ),
    one(
        "log of an API",
        {
            "custom_id": "r1",
            "request": {"messages": chat(("user", Q))},
            "response": {
                "status_code": 200,
                "body": {"choices": [{"message": {"role": "assistant", "content": A, "reasoning_content": R}}]},
            },
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "rollouts as chats",
        {
            "question": Q,
            "rollouts": [
                chat(("user", Q), ("assistant", f"<think>{R}</think>{A}")),
                chat(("user", Q), ("assistant", "<think>3+4</think>7")),
            ],
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "3+4"],
        response=[A, "7"],
    ),
    one(
        "messages as a struct of lists",
        {"messages": {"role": ["user", "assistant"], "content": [Q, f"<think>{R}</think>{A}"]}},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "list of reasonings under a singular name, answers beside",
        {"question": Q, "reasoning": [R, "3 + 4 is 7."], "answer": ["12", "7"]},
        "multi_generation",
        question=Q,
        reasoning=[R, "3 + 4 is 7."],
        response=["12", "7"],
    ),
    one(
        "output struct with thinking and text",
        {"input": Q, "output": {"thinking": R, "text": A}, "model": "m"},
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "generations as a JSON list in a text",
        {"question": Q, "responses": json.dumps([f"<think>{R}</think>{A}", "<think>3+4</think>7"])},
        "multi_generation",
        question=Q,
        reasoning=[R, "3+4"],
        response=[A, "7"],
    ),
    one(
        "correct and incorrect answers with an explanation",
        {
            "Question": "Which is a metal?",
            "Correct Answer": "iron",
            "Incorrect Answer 1": "oxygen",
            "Incorrect Answer 2": "neon",
            "Explanation": "Iron conducts and shines; the others are gases.",
        },
        question="Which is a metal?",
        reasoning="Iron conducts and shines; the others are gases.",
        response="iron",
        reference="iron",
    ),
    one(
        "model output with predicted and expected answers",
        {
            "question": Q,
            "expected_answer": "12",
            "predicted_answer": "7",
            "generated_solution": "Let us add. 3 + 4 = 7 sheep, so it is \\boxed{7}.",
            "is_correct": False,
            "generation_type": "x",
        },
        question=Q,
        reasoning="Let us add. 3 + 4 = 7 sheep, so it is \\boxed{7}.",
        response="7",
        reference="12",
    ),
    one(
        "two languages, all columns tagged",
        {
            "question_ja": "羊は何匹ですか。",
            "cot_ja": "三かける四で十二です。",
            "question_en": Q,
            "cot_en": R,
            "answer": "12",
        },
        question=Q,
        reasoning=R,
        response="12",
    ),
    one(
        "a message as one struct",
        {"prompt": Q, "message": {"role": "assistant", "content": A, "thinking": R}, "done": True},
        question=Q,
        reasoning=R,
        response=A,
    ),
]

SEEN_ON_CARDS = [
    one(
        "preference pair of chats with think spans",
        {
            "chosen": chat(("user", Q), ("assistant", f"<think>{R}</think>{A}")),
            "rejected": chat(("user", Q), ("assistant", "<think>3+4 is 7</think>Seven.")),
            "score_chosen": 9.0,
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "3+4 is 7"],
        response=[A, "Seven."],
    ),
    one(
        "languages as fields of structs",
        {
            "question": {"pl": "Ile owiec?", "en": Q},
            "rationale": {"pl": "Trzy razy cztery.", "en": R},
            "answer": 12,
        },
        question=Q,
        reasoning=R,
        response="12",
        reference="12",
    ),
    one(
        "roles for reasoning, tool call, tool output and answer, in a JSON string",
        {
            "messages": json.dumps(
                chat(
                    ("system", "Reason inside <think>...</think> tags. One <tool_call> per turn."),
                    ("user", "Find the config."),
                    ("reasoning", "<think>List first.</think>"),
                    ("tool_call", '<tool_call>{"name": "ls"}</tool_call>'),
                    ("tool_output", "<tool_response>a.cfg</tool_response>"),
                    ("reasoning", "<think>That is it.</think>"),
                    ("answer", "<answer>a.cfg</answer>"),
                )
            ),
            "split": "x",
        },
        "agent_trajectory",
        question="Find the config.",
        reasoning=["List first.", "That is it."],
        response="a.cfg",
    ),
    one(
        "steps with ratings",
        {
            "labeler": "e90a",
            "problem": Q,
            "steps": [
                {"step": "There are 3 pens.", "rating": 1},
                {"step": "Each of the 3 pens holds 4 sheep.", "rating": 1},
                {"step": "# Answer\n\n12", "rating": 1},
            ],
        },
        question=Q,
        reasoning="There are 3 pens.\n\nEach of the 3 pens holds 4 sheep.\n\n# Answer\n\n12",
    ),
    one(
        "verification chain of thought beside the steps it checks",
        {
            "problem": Q,
            "prefix": "There are 3 pens.\n3 * 4 = 12.",
            "cot": "Step 1 is right, since three pens are given. Step 2 is right.",
            "prefix_steps": ["There are 3 pens.", "3 * 4 = 12."],
            "gt_step_labels": ["+", "+"],
        },
        question=Q,
        reasoning="Step 1 is right, since three pens are given. Step 2 is right.",
    ),
    one(
        "outputs as structs with labels and extracted answers",
        {
            "idx": 0,
            "question": Q,
            "answer": f"{R}\n#### 12",
            "ground_truth": "12",
            "outputs": [
                {"label": True, "response": f"{R}\nSo it is 12.\n#### 12", "response_answer": "12"},
                {"label": False, "response": "3 + 4 = 7.\nSo it is 7.\n#### 7", "response_answer": "7"},
            ],
        },
        "multi_generation",
        question=Q,
        reasoning=[f"{R}\nSo it is 12.", "3 + 4 = 7.\nSo it is 7."],
        response=["12", "7"],
        reference="12",
    ),
    one(
        "translated prompt that the chat repeats",
        {
            "en_prompt": Q,
            "language": "Polish",
            "translated_prompt_raw": "Rolnik ma 3 zagrody.",
            "translated_prompt": "Rolnik ma 3 zagrody po 4 owce. Ile to owiec?",
            "response": "<think>Trzy razy cztery to dwanaście.</think>12 owiec.",
            "think_lang": "pl",
            "conversations": [
                {"from": "human", "value": "Rolnik ma 3 zagrody po 4 owce. Ile to owiec?"},
                {"from": "gpt", "value": "<think>Trzy razy cztery to dwanaście.</think>12 owiec."},
            ],
        },
        question="Rolnik ma 3 zagrody po 4 owce. Ile to owiec?",
        reasoning="Trzy razy cztery to dwanaście.",
        response="12 owiec.",
    ),
    one(
        "worked answer, its number and its equation",
        {
            "question": Q,
            "answer": "Each of the 3 pens holds 4 sheep. That makes 3 * 4 = 12 sheep. The answer is 12.",
            "answer_number": 12,
            "equation_solution": "3 * 4 = 12. That is all.",
        },
        question=Q,
        reasoning="Each of the 3 pens holds 4 sheep. That makes 3 * 4 = 12 sheep. The answer is 12.",
        response="12",
        reference="12",
    ),
    one(
        "prompt and completion chats with tools",
        {
            "id": 0,
            "prompt": chat(("system", "Use python."), ("user", "What is 2**5?")),
            "completion": [
                {"role": "assistant", "content": "I compute it.", "tool_calls": ['{"name": "python"}']},
                {"role": "tool", "content": "32", "tool_calls": None},
                {"role": "assistant", "content": "It is 32.", "tool_calls": None},
            ],
            "answer": "32",
            "reward": 1.0,
        },
        "agent_trajectory",
        question="What is 2**5?",
        reasoning=["I compute it."],
        response="It is 32.",
        reference="32",
    ),
    one(
        "turns as structs with an inner thought",
        {
            "id": "d",
            "conversations": [
                {"user": "Is 7 prime?", "inner_thought": "No divisor but 1 and 7.", "assistant": "Yes."},
                {"user": "And 9?", "inner_thought": "3 * 3 is 9.", "assistant": "No."},
            ],
            "data_source": "invented",
        },
        "multi_turn",
        question=["Is 7 prime?", "And 9?"],
        reasoning=["No divisor but 1 and 7.", "3 * 3 is 9."],
        response=["Yes.", "No."],
    ),
    one(
        "chat and its pieces, thinking in a column named think",
        {
            "conversations": [
                {"from": "human", "value": Q},
                {"from": "gpt", "value": f"<think>\n{R}\n</think>\n\n{A}"},
            ],
            "input": Q,
            "output": A,
            "think": R,
            "is_different": False,
            "format_score": 0.95,
            "oss_system_prompt": "Answer in Chinese.",
        },
        question=Q,
        reasoning=R,
        response=A,
    ),
    one(
        "language as a prefix, thinking never closed",
        {
            "original_question": "What trees are shown?",
            "ja_question": "どんな木が写っていますか。",
            "answer_type": "short",
            "ja_answer": "常緑樹",
            "ja_reasoning": "<think>1. 雪の山があります。\n2. 木に緑の葉があります。",
        },
        question="どんな木が写っていますか。",
        reasoning="1. 雪の山があります。\n2. 木に緑の葉があります。",
        response="常緑樹",
    ),
    one(
        "rationale as text and as images",
        {
            "dataset": "x",
            "problem": Q,
            "textual_rationale": R,
            "answer": "12",
            "reasoning_token": 21,
            "typographic_rationale": {"bytes": "iVBOR", "path": None},
        },
        question=Q,
        reasoning=R,
        response="12",
        reference="12",
    ),
    one(
        "worked solution and accepted variants of the answer",
        {"problem": Q, "level": "Level 1", "solution": f"{R} So \\boxed{{12}}.", "solution_variants": ["12", "12.0"]},
        question=Q,
        reasoning=f"{R} So \\boxed{{12}}.",
        response="12",
        reference="12",
    ),
    one(
        "structs of models inside one struct",
        {
            "problem": Q,
            "solutions": {"deepseek": {"cot": R, "answer": "12"}, "doubao": {"cot": "3 + 4 is 7.", "answer": "7"}},
            "reference": "12",
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "3 + 4 is 7."],
        response=["12", "7"],
        reference="12",
    ),
    one(
        "context and target with a think span",
        {
            "system": "You reason well.",
            "context": "Does the first follow from the second?",
            "target": "<think>No.</think>No",
        },
        question="Does the first follow from the second?",
        reasoning="No.",
        response="No",
    ),
    one(
        "forward and backward traces",
        {
            "question": Q,
            "solution": "12",
            "forward_trace": R,
            "backward_trace": "From 12 sheep and 3 pens follow 4 sheep each.",
            "attempt": A,
        },
        "multi_generation",
        question=Q,
        reasoning=[R, "From 12 sheep and 3 pens follow 4 sheep each."],
        response=[None, None],
        reference="12",
    ),
]

NEGATIVES = [
    one(
        "completions with a judge's rationales",
        {
            "instruction": "Write about the sea.",
            "completions": [
                {
                    "model": "m",
                    "response": "The sea is wide and blue, and its waves never rest.",
                    "annotations": {"helpfulness": {"Rating": "4", "Rationale": "It is to the point and complete."}},
                }
            ],
        },
        "not_reasoning",
    ),
    one(
        "stack traces",
        {"title": "It crashes on start", "trace": "File a.py, line 3\n    f(x)\nValueError: bad", "fixed": True},
        "not_reasoning",
    ),
    one(
        "tool calls without a word of thought",
        {
            "conversations": [
                {"from": "human", "value": "Weather?"},
                {"from": "gpt", "value": "<tool_call>{}</tool_call>"},
                {"from": "tool", "value": "3 C"},
                {"from": "gpt", "value": "It is 3 C."},
            ]
        },
        "not_reasoning",
    ),
    one(
        "yes or no questions with facts",
        {"qid": "1", "question": "Do fish swim?", "answer": True, "facts": "Fish live in water."},
        "question_only",
        question="Do fish swim?",
        reference="True",
    ),
    one(
        "preference pairs of text",
        {"prompt": "Hi there, how are you?", "chosen": "Fine.", "rejected": "Bad."},
        "not_reasoning",
    ),
    one(
        "raw dialogue preference pairs",
        {"chosen": "\n\nHuman: Hi\n\nAssistant: Hello!", "rejected": "\n\nHuman: Hi\n\nAssistant: No."},
        "not_reasoning",
    ),
    one("classification", {"sentence": "A fine film with a weak end.", "label": 1, "idx": 7}, "not_reasoning"),
    one("pair classification", {"question1": "Is it far?", "question2": "How far is it?", "label": 1}, "not_reasoning"),
    one(
        "inference pairs",
        {"premise": "A man eats an apple.", "hypothesis": "He is hungry.", "label": 2},
        "not_reasoning",
    ),
    one("translation", {"translation": {"en": "The house is big.", "de": "Das Haus ist groß."}}, "not_reasoning"),
    one("summaries", {"document": "A long text about rain and floods.", "summary": "It rains."}, "not_reasoning"),
    one(
        "pretraining text",
        {"text": "The river runs through the old town and on to the sea.", "url": "x"},
        "not_reasoning",
    ),
    one("images", {"image": {"bytes": "x", "path": None}, "label": 3}, "not_reasoning"),
    one("embeddings", {"id": "a", "embedding": [0.1, 0.2, 0.3]}, "not_reasoning"),
    one("numbers", {"x": 1.5, "y": 2, "ok": True}, "not_reasoning"),
    one(
        "instructions with plain prose",
        {
            "instruction": "Give three tips for staying healthy.",
            "input": "",
            "output": "1. Eat a balanced diet with many vegetables.\n2. Exercise to keep your body strong.\n"
            "3. Get enough sleep, because your body needs rest.",
        },
        "not_reasoning",
    ),
    one(
        "plain chat",
        {
            "messages": chat(
                ("user", "Write a haiku about rain."), ("assistant", "Soft rain on the roof,\na slow drum.")
            )
        },
        "not_reasoning",
    ),
    one(
        "plain chat beside a flag that is off",
        {"reasoning": False, "conversations": [{"from": "human", "value": "Hi!"}, {"from": "gpt", "value": "Hello."}]},
        "not_reasoning",
    ),
    one(
        "reading comprehension",
        {
            "id": "1",
            "title": "Nice",
            "context": "Nice is a city in the south of France.",
            "question": "Where is Nice?",
            "answers": {"text": ["in the south of France"], "answer_start": [15]},
        },
        "question_only",
        question="Nice is a city in the south of France.\n\nWhere is Nice?",
        reference="in the south of France",
    ),
    one(
        "multiple choice",
        {
            "question": "Which is a fruit?",
            "choices": {"text": ["apple", "stone"], "label": ["A", "B"]},
            "answerKey": "A",
        },
        "question_only",
        question="Which is a fruit?",
        reference="A",
    ),
    one(
        "multiple choice with an index",
        {"question": "Which is a fruit?", "subject": "food", "choices": ["stone", "apple"], "answer": 1},
        "question_only",
        question="Which is a fruit?",
        reference="1",
    ),
    one(
        "prompts with short solutions",
        {"prompt": Q, "solution": "12", "source": "invented", "difficulty": 0.3},
        "question_only",
        question=Q,
        reference="12",
    ),
    one(
        "verifiable question with spaces in the names",
        {"Open-ended Verifiable Question": "Which vitamin does the sun make?", "Ground-True Answer": "Vitamin D"},
        "question_only",
        question="Which vitamin does the sun make?",
        reference="Vitamin D",
    ),
    one(
        "code problems with a program",
        {
            "question": "Double the number n and print it.",
            "solution": "def f(n):\n    return 2 * n\nprint(f(int(input())))",
            "test": "assert f(1) == 2",
        },
        "question_only",
        question="Double the number n and print it.",
        reference="def f(n):\n    return 2 * n\nprint(f(int(input())))",
    ),
    one("prompts alone", {"id": 1, "prompt": "Write about the sea."}, "question_only", question="Write about the sea."),
]

LAYOUTS: list[Case] = [
    *MARKED,
    *ANSWER_TAGS,
    *COLUMNS,
    *SIBLINGS,
    *GENERATIONS,
    *STEPS,
    *UNTAGGED,
    *CHATS,
    *AGENTS,
    *MORE,
    *SEEN_ON_CARDS,
    *NEGATIVES,
]
