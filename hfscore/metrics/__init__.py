"""One file here is one family of metrics, ending in `FAMILY = Family(...)`; nothing else lives here.

To add one, drop a file in: `catalog` lists the folder, and CLI, report, card and docs read the catalogue.
"""
