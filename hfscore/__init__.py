"""hfscore measures the reasoning traces of a dataset and writes what it found into the dataset's card."""
