"""The judge: four verdicts for every atomic step, from a language model behind a chat route or from rules."""
