"""Spellings of think spans, answer tags, channels, headings and chat templates, as data and patterns.

Markers are those of public models and data sets: R1's <think>, OpenThoughts' <|begin_of_thought|>,
Mistral's [THINK], Kimi's ◁think▷, Seed's <seed:think>, Cohere's <|START_THINKING|>, gpt-oss's channels.
"""

from __future__ import annotations

import re

_THINK_WORDS = (
    "thinking_process",
    "thinking",
    "thinks",
    "think",
    "thought_process",
    "thoughts",
    "thought",
    "reasoning_process",
    "reasoning",
    "reason",
    "rationale",
    "analysis",
    "chain_of_thought",
    "cot",
    "scratchpad",
    "scratch_pad",
    "inner_thoughts",
    "inner_monologue",
    "internal_monologue",
    "raisonnement",
    "razonamiento",
    "pensamiento",
    "rozumowanie",
    "denken",
    "思考过程",
    "思考",
    "推理",
)
_WORD = "|".join(_THINK_WORDS)
# <think> </think> [THINK] ◁/think▷ <|think|> <|begin_of_thought|> <|START_THINKING|> <think_end>
THINK_TAG = re.compile(
    r"(?P<left>[<\[◁]\|?)(?P<slash>/?)(?P<prefix>seed:|begin_?(?:of_?)?|start_?(?:of_?)?|end_?(?:of_?)?)?"
    rf"(?P<word>{_WORD})(?P<suffix>_?start|_?begin|_?end)?(?P<right>\|?[>\]▷])",
    re.IGNORECASE,
)
_PARTNERS = {"begin": "end", "start": "end"}

# Pairs that no pattern covers; both must occur.
FIXED_PAIRS = (
    ("<|im_start|>think", "<|im_start|>answer"),
    ("<unused94>thought", "<unused95>"),
    ("<|channel>thought", "<channel|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
)
# Pairs of plain words: the first must open the text. The second is what remains of gpt-oss's
# channels once special tokens are skipped in decoding.
ANCHORED_PAIRS = (
    ("Here is my thought process:", "Here is my response:"),
    ("analysis", "assistantfinal"),
)

_ANSWER_WORDS = (
    "final_answer|final answer|answer|final|output|response|solution|conclusion|result|"
    "réponse|respuesta|odpowiedź|antwort|答案|回答"
)
ANSWER_AT_START = re.compile(
    rf"(?:<({_ANSWER_WORDS})>|<\|begin_of_(solution|answer)\|>|<\|START_(RESPONSE)\|>)", re.IGNORECASE
)
ANSWER_AT_END = re.compile(rf"</({_ANSWER_WORDS})>$", re.IGNORECASE)
TAIL = 64
# A reasoning heading counts only this close to the start of a text, in characters.
HEAD = 400
END_TOKENS = (
    "<|im_end|>",
    "<|endoftext|>",
    "<|eot_id|>",
    "<|end_of_text|>",
    "<|end|>",
    "<|return|>",
    "<end_of_turn>",
    "<｜end▁of▁sentence｜>",
    "<|END_OF_TURN_TOKEN|>",
    "</s>",
)

MOST_END_TOKENS = 4  # that are taken off one text

CHANNEL = re.compile(r"<\|channel\|>(\w+)[^<]{0,200}(?:<\|constrain\|>[^<]{0,50})?<\|message\|>")
CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")

_THINK_HEADS = (
    "reasoning|reasoning process|thinking|thinking process|thought process|thoughts?|chain of thought|"
    "analysis|step[- ]by[- ]step reasoning|rationale|scratchpad|raisonnement|begründung|razonamiento|"
    "rozumowanie|uzasadnienie|рассуждение|思考过程|思考|推理过程|推理|思考過程|추론"
)
_ANSWER_HEADS = (
    "final answer|answer|final response|response|final solution|solution|conclusion|final output|"
    "output|réponse|réponse finale|antwort|respuesta|respuesta final|odpowiedź|ответ|最终答案|答案|回答|"
    "答え|최종 답변|정답|답변"
)


def _heading(phrases: str) -> re.Pattern[str]:
    """A line that is a Markdown heading, bold words, or words with a colon; text may follow the colon."""
    return re.compile(
        rf"^[ \t]{{0,8}}(?:(?:\#{{1,6}}[ \t]*(?:\*\*)?|\*\*)(?:{phrases})[ \t]?[:：]?(?:\*\*)?[:：]?[ \t]*$"
        rf"|(?:\#{{1,6}}[ \t]*|\*\*)?(?:{phrases})(?:\*\*)?[ \t]?[:：](?:\*\*)?)",
        re.IGNORECASE | re.MULTILINE,
    )


THINK_HEADING = _heading(_THINK_HEADS)
ANSWER_HEADING = _heading(_ANSWER_HEADS)

# Chat templates: what opens a turn, with the role in a group, and what closes it.
TEMPLATES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"<\|im_start\|>(\w+)\n"), "<|im_end|>"),
    (re.compile(r"<\|start_header_id\|>(\w+)<\|end_header_id\|>\s{0,4}"), "<|eot_id|>"),
    (re.compile(r"<start_of_turn>(\w+)\n"), "<end_of_turn>"),
    (re.compile(r"<\|start\|>(\w+)(?=<\|(?:channel|message)\|>)"), ""),
    (re.compile(r"<｜(User|Assistant)｜>"), "<｜end▁of▁sentence｜>"),
    (re.compile(r"<\|(user|assistant|system|observation)\|>\s{0,4}", re.IGNORECASE), "<|end|>"),
    (re.compile(r"(?:^|\n)### ?(Instruction|Input|Response|Human|Assistant|User|System):\s{0,4}"), ""),
    (re.compile(r"(?:^|\n\n)(Human|Assistant|User|System): "), ""),
)


def is_closing(match: re.Match[str]) -> bool:
    """Whether a hit of THINK_TAG closes a span."""
    prefix, suffix = (match["prefix"] or "").lower(), (match["suffix"] or "").lower()
    return bool(match["slash"]) or prefix.startswith("end") or suffix.endswith("end")


def closing_of(match: re.Match[str]) -> str:
    """The closing marker that belongs to an opening hit."""
    prefix, suffix = match["prefix"] or "", match["suffix"] or ""
    if not any(word in (prefix + suffix).lower() for word in _PARTNERS):
        return f"{match['left']}/{prefix}{match['word']}{suffix}{match['right']}"
    return "".join(
        (match["left"], _swap(prefix), match["word"], _swap(suffix), match["right"]),
    )


def _swap(text: str) -> str:
    for opening, closing in _PARTNERS.items():
        if opening in text.lower():
            at = text.lower().index(opening)
            word = closing.upper() if text[at].isupper() else closing
            return text[:at] + word + text[at + len(opening) :]
    return text


def opening_of(match: re.Match[str]) -> str:
    """The opening marker that belongs to a closing hit."""
    if match["slash"]:
        return f"{match['left']}{match['prefix'] or ''}{match['word']}{match['suffix'] or ''}{match['right']}"
    start = "START" if match["word"].isupper() else "begin" if "of" in match[0] else "start"
    prefix, suffix = match["prefix"] or "", match["suffix"] or ""
    swapped = [re.sub("end", start, part, flags=re.IGNORECASE) for part in (prefix, suffix)]
    return "".join((match["left"], swapped[0], match["word"], swapped[1], match["right"]))


def answer_closing(match: re.Match[str]) -> str:
    """The closing tag that belongs to a hit of ANSWER_AT_START."""
    if match[1]:
        return f"</{match[1]}>"
    return f"<|end_of_{match[2]}|>" if match[2] else f"<|END_{match[3]}|>"
