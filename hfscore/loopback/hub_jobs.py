"""Routes of Jobs and webhooks: payloads are kept as they were sent, and nothing is ever run."""

from __future__ import annotations

import json
import secrets
from typing import Any

from hfscore.loopback.hub_state import HubState, belongs, require_scope
from hfscore.loopback.hub_store import now
from hfscore.loopback.hub_wire import Answer, Call, RefusedError, as_json, as_page


def run(state: HubState, call: Call) -> Answer:
    """Answer `run_job`."""
    token, namespace = require_scope(call, "job.write"), call.args["namespace"]
    if not belongs(state, token.user, namespace):
        raise RefusedError(403, f"You cannot run jobs as {namespace}.")
    spec = call.fields()
    if not spec.get("command") or not (spec.get("dockerImage") or spec.get("spaceId")):
        raise RefusedError(400, '"command" and an image are required')
    job = {"id": secrets.token_hex(12), "namespace": namespace, "createdAt": now(), "spec": spec}
    state.jobs.append(job)
    return as_json(_job(job, "SCHEDULING"))


def _job(job: dict[str, Any], stage: str) -> dict[str, Any]:
    spec, owner = job["spec"], {"id": "0" * 24, "name": job["namespace"], "type": "user"}
    names = ("command", "arguments", "environment", "flavor", "dockerImage", "spaceId", "labels")
    value = {name: spec.get(name) for name in (*names, "volumes", "network")}
    value |= {"id": job["id"], "createdAt": job["createdAt"], "owner": owner}
    value |= {"secrets": sorted(spec.get("secrets", {})), "status": {"stage": stage, "message": None}}
    return value


# Dollars an hour, as huggingface.co listed them in August 2026.
_PRICES = {"cpu-basic": 0.01, "l4x1": 0.80, "a10g-small": 1.00, "a100-large": 2.50, "h200": 5.00}


def hardware(state: HubState, call: Call) -> Answer:
    """Answer `list_jobs_hardware`."""
    return as_json(
        [
            {
                "name": name,
                "prettyName": name,
                "cpu": "2 vCPU",
                "ram": "16 GB",
                "accelerator": None,
                "unitCostMicroUSD": round(price / 60 * 1e6),
                "unitCostUSD": price / 60,
                "unitLabel": "minute",
            }
            for name, price in _PRICES.items()
        ]
    )


def jobs(state: HubState, call: Call) -> Answer:
    """Answer `list_jobs`; every job is finished by the time one asks."""
    require_scope(call, "job.write")
    mine = [_job(j, "COMPLETED") for j in state.jobs if j["namespace"] == call.args["namespace"]]
    return as_page(call, mine, 100, state.endpoint)


def _find(state: HubState, call: Call) -> dict[str, Any]:
    require_scope(call, "job.write")
    for job in state.jobs:
        if (job["namespace"], job["id"]) == (call.args["namespace"], call.args["job"]):
            return job
    raise RefusedError(404, "Job not found")


def job(state: HubState, call: Call) -> Answer:
    """Answer `inspect_job`."""
    return as_json(_job(_find(state, call), "COMPLETED"))


def logs(state: HubState, call: Call) -> Answer:
    """Answer `fetch_job_logs` with the job's command, as server-sent events."""
    job = _find(state, call)
    lines = ["===== Job started", " ".join(job["spec"]["command"])]
    events = [{"data": line, "timestamp": job["createdAt"]} for line in lines]
    body = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
    return Answer(body.encode(), 200, {"Content-Type": "text/event-stream"})


def webhooks(state: HubState, call: Call) -> Answer:
    """Answer `list_webhooks`."""
    token = require_scope(call, "repo.write")
    return as_json([_webhook(state, h) for h in state.webhooks if h["owner"] == token.user])


def _webhook(state: HubState, hook: dict[str, Any]) -> dict[str, Any]:
    value = {k: v for k, v in hook.items() if k not in ("owner", "jobSourceId", "secrets")}
    source = next((j for j in state.jobs if j["id"] == hook.get("jobSourceId")), None)
    value["job"] = source["spec"] if source else None
    return value


def create_webhook(state: HubState, call: Call) -> Answer:
    """Answer `create_webhook`."""
    token = require_scope(call, "repo.write")
    hook = {"id": secrets.token_hex(12), "owner": token.user, "disabled": False}
    hook |= {"watched": call.field("watched"), "domains": call.field("domains"), **call.fields()}
    if not hook.get("url") and not any(j["id"] == hook.get("jobSourceId") for j in state.jobs):
        raise RefusedError(400, "A webhook needs a url or an existing job.")
    state.webhooks.append(hook)
    return as_json({"webhook": _webhook(state, hook)})


def webhook(state: HubState, call: Call) -> Answer:
    """Answer `get_webhook`, `update_webhook`, `enable_webhook`, `disable_webhook`, `delete_webhook`."""
    token = require_scope(call, "repo.write")
    wanted = (call.args["hook"], token.user)
    hook = next((h for h in state.webhooks if (h["id"], h["owner"]) == wanted), None)
    if hook is None:
        raise RefusedError(404, "Webhook not found")
    if call.method == "DELETE":
        state.webhooks.remove(hook)
        return as_json({})
    if action := call.args.get("action"):
        hook["disabled"] = action == "disable"
    elif call.method == "POST":
        hook.update(call.fields())
    return as_json({"webhook": _webhook(state, hook)})
