"""Word lists that count behaviours of a trace, per language; data only, matched as whole words without case.

The behaviours follow arXiv 2506.04178 (App. H.3: removing self-reflection costs accuracy) and arXiv 2505.10185
(strategies); the lists are ours. A new language is a new key.
"""

from __future__ import annotations

from collections.abc import Mapping

REFLECTION: Mapping[str, tuple[str, ...]] = {
    "en": (
        "wait", "hmm", "hold on", "actually", "let me check", "let me double-check", "let me double check",
        "let me verify", "let me recheck", "let me reconsider", "let me rethink", "let me re-read",
        "let me think again", "double-check", "double check",
        "on second thought", "but maybe", "alternatively", "is that right", "am i sure",
        "that's not right", "that is not right", "that can't be right", "i made a mistake", "i was wrong", "oops",
        "try again", "start over", "go back", "another way", "another approach", "to be sure", "to verify",
    ),
    "pl": (
        "zaraz", "chwila", "chwileczkę", "hmm", "czekaj", "poczekaj", "właściwie", "sprawdźmy", "sprawdzę",
        "sprawdzam", "zweryfikujmy", "przemyślmy", "zastanówmy się jeszcze", "jeszcze raz", "z drugiej strony",
        "a może", "ewentualnie", "czy to prawda", "czy na pewno", "to nie może być", "to nieprawda", "pomyliłem się",
        "pomyliłam się", "mój błąd", "błędnie", "wróćmy", "inaczej mówiąc", "innym sposobem", "inne podejście",
        "upewnijmy się", "upewnię się", "dla pewności",
    ),
}  # fmt: skip

REFUSAL: Mapping[str, tuple[str, ...]] = {
    "en": (
        "i'm sorry, but i can't", "i'm sorry, but i cannot", "i cannot help with", "i can't help with",
        "i can't assist with", "i cannot assist with", "i'm unable to help", "i am unable to help",
        "i cannot provide", "i can't provide", "i won't be able to help", "i must decline", "i cannot fulfill",
        "i can't fulfill", "i'm not able to assist",
    ),
    "pl": (
        "przepraszam, ale nie mogę", "niestety nie mogę pomóc", "nie mogę w tym pomóc", "nie mogę udzielić",
        "nie jestem w stanie pomóc", "muszę odmówić", "nie mogę spełnić",
    ),
}  # fmt: skip

# A teacher naming itself: "I am NAME", "created by NAME" in the languages at hand.
MODEL_NAMES: tuple[str, ...] = (
    "chatgpt", "gpt-3.5", "gpt-4", "gpt-4o", "gpt-5", "gpt-oss", "claude", "gemini", "bard", "deepseek",
        "deepseek-r1",
    "qwen", "qwq", "llama", "mistral", "mixtral", "kimi", "glm", "chatglm", "grok", "gemma", "phi", "nemotron",
    "bielik", "pllum", "yi", "command r", "granite", "olmo", "ernie", "doubao", "hunyuan", "minimax",
)  # fmt: skip
MAKERS: tuple[str, ...] = (
    "openai", "anthropic", "google", "google deepmind", "deepseek", "alibaba", "alibaba cloud", "meta", "meta ai",
    "mistral ai", "moonshot ai", "zhipu", "zhipu ai", "xai", "microsoft", "nvidia", "cohere", "ibm", "baidu",
    "bytedance", "tencent", "minimax", "speakleash",
)  # fmt: skip
SELF: Mapping[str, tuple[str, ...]] = {
    "en": ("i am", "i'm", "my name is"),
    "pl": ("jestem", "nazywam się", "mam na imię"),
}
MADE_BY: Mapping[str, tuple[str, ...]] = {
    "en": ("created by", "developed by", "trained by", "made by", "built by"),
    "pl": ("stworzony przez", "stworzona przez", "opracowany przez", "wytrenowany przez", "stworzył mnie"),
}
AS_A_MODEL: Mapping[str, tuple[str, ...]] = {
    "en": ("as an ai language model", "as an ai model", "as a large language model", "i am an ai", "i'm an ai"),
    "pl": ("jako model językowy", "jako duży model językowy", "jako sztuczna inteligencja", "jestem modelem językowym"),
}
