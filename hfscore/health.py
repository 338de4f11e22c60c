"""What works on this machine, and what to do about the rest; behind `hfscore env`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import hfscore
from hfscore.backends.embedder import DEFAULT_ENCODER, OFFLINE_ENCODER

BASE = (
    "datasets",
    "datasketch",
    "huggingface_hub",
    "jinja2",
    "markdown-it-py",
    "math-verify",
    "py3langid",
    "pyarrow",
    "typer",
)
OPTIONAL = {"sentence-transformers": "embed", "torch": "embed", OFFLINE_ENCODER: "offline", "ray": "ray"}
SECONDS = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Args:
        what: What was looked at.
        ok: Whether it is as a run needs it.
        found: What is there.
        next: What to do about it; empty if nothing.
    """

    what: str
    ok: bool
    found: str
    next: str = ""


def checks() -> list[Check]:
    """Look at everything a run may need. Asks the Hub once; nothing else leaves the machine."""
    return [Check("hfscore", True, hfscore.__version__), *_packages(), _device(), *_models(), *_hub()]


def _packages() -> Iterator[Check]:
    for package in (*BASE, *OPTIONAL):
        extra = OPTIONAL.get(package)
        try:
            yield Check(package, True, version(package))
        except PackageNotFoundError:
            line = f'pip install "hfscore[{extra}]"' if extra else f"pip install {package}"
            yield Check(package, False, "not installed", line)


def _device() -> Check:
    if find_spec("torch") is None:
        return Check("device", True, f"CPU, {os.cpu_count()} cores (torch is not installed)")
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Check("device", True, f"{torch.cuda.get_device_name(0)}, {memory:.0f} GiB")
    return Check("device", True, f"CPU, {os.cpu_count()} cores; no CUDA device")


def _models() -> Iterator[Check]:
    from huggingface_hub import try_to_load_from_cache

    cached = isinstance(try_to_load_from_cache(DEFAULT_ENCODER, "config.json"), str)
    yield Check(
        "default encoder",
        cached,
        f"{DEFAULT_ENCODER}: {'in the cache' if cached else 'not downloaded yet'}",
        "" if cached else f"it is fetched at first use; without a network: --encoder {OFFLINE_ENCODER}",
    )


def _hub() -> Iterator[Check]:
    import httpx2
    from huggingface_hub import HfApi, constants, get_session, get_token
    from huggingface_hub.errors import HfHubHTTPError

    token = get_token()
    try:
        get_session().get(f"{constants.ENDPOINT}/api/datasets?limit=1", timeout=SECONDS).raise_for_status()
    except (httpx2.HTTPError, OSError) as error:
        yield Check("Hub", False, f"{constants.ENDPOINT}: {type(error).__name__}", "check the network and HF_ENDPOINT")
        yield Check("token", token is not None, "set, not checked" if token else "none", "" if token else LOGIN)
        return
    yield Check("Hub", True, constants.ENDPOINT)
    if token is None:
        yield Check("token", False, "none: public datasets can be scored, nothing can be pushed", LOGIN)
        return
    try:
        yield Check("token", True, f"belongs to {HfApi().whoami(token=token)['name']}")
    except (HfHubHTTPError, httpx2.HTTPError, OSError) as error:
        yield Check("token", False, f"refused by the Hub ({type(error).__name__})", LOGIN)


LOGIN = "hf auth login"
