"""The rubrics, one file a language."""
