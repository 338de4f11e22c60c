"""Adapters to model libraries: the only place that imports them."""
