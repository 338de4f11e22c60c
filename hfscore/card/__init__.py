"""The card: what is rendered into it, and how a section gets in and out again."""
