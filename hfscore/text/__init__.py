"""Reading the text of a trace without a model: its steps, its arithmetic, its final answer."""
