"""Publishing on a Hub: the section in a dataset's card, and a dataset of scores.

Everything below this package goes through `client`, which retries what can be repeated and turns
every fault into a sentence. Import the modules when they are needed: they load huggingface_hub.
"""
