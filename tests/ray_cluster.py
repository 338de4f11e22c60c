"""A Ray cluster on this machine whose workers cut small windows."""

from __future__ import annotations

from typing import Any

WINDOW = 8
CORES = 9  # logical: two workers in every pool, and the reader


def small_windows() -> None:
    """Run once in every worker process."""
    from hfscore import engine

    engine.WINDOW_TRACES = WINDOW
    engine.BATCH_TRACES = WINDOW


def start(**more: Any) -> Any:
    """Connect to a cluster, a new one unless an address is given."""
    import ray

    if "address" not in more:
        more |= {"num_cpus": CORES, "include_dashboard": False, "object_store_memory": 256 * 2**20}
    small_windows()
    ray.init(
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"worker_process_setup_hook": small_windows},
        **more,
    )
    return ray
