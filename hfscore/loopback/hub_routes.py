"""The loopback Hub's map: which route answers which address."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import unquote

from hfscore.loopback import hub_accounts, hub_commits, hub_discussions, hub_files, hub_jobs, hub_repos
from hfscore.loopback.hub_state import HubState
from hfscore.loopback.hub_wire import INVALID_TOKEN, Answer, Call, RefusedError

Route = Callable[[HubState, Call], Answer]

# A repository's id has one or two segments: old names such as `gsm8k` live on as redirects.
_ID = r"(?P<id>[^/]+/[^/]+?|[^/]+?)"
# A revision is one percent-encoded segment, or a special ref written out.
_REV = r"(?P<rev>refs/(?:pr|convert)/[^/]+|[^/]+)"
_API = rf"/api/(?P<type>models|datasets|spaces)/{_ID}"
_WEB = rf"(?:/(?P<type>datasets|spaces))?/{_ID}"
_TALK = rf"{_API}/discussions/(?P<num>\d+)"
_HOOK = r"/api/settings/webhooks/(?P<hook>[^/]+)"


_TABLE: tuple[tuple[str, str, Route], ...] = (
    ("GET", "/api/whoami-v2", hub_accounts.whoami),
    ("POST", "/api/repos/create", hub_repos.create),
    ("POST", "/api/validate-yaml", hub_commits.validate_yaml),
    ("GET", r"/api/(?P<type>models|datasets|spaces)", hub_repos.listing),
    ("GET", rf"{_API}/revision/{_REV}", hub_repos.info),
    ("GET", rf"{_API}/tree/{_REV}(?:/(?P<path>.*))?", hub_files.tree),
    ("POST", rf"{_API}/paths-info/{_REV}", hub_files.paths_info),
    ("GET", rf"{_API}/refs", hub_repos.refs),
    ("GET", rf"{_API}/commits/{_REV}", hub_repos.commits),
    ("GET", rf"{_API}/auth-check(?:/(?P<write>write))?", hub_repos.auth_check),
    ("POST", rf"{_API}/(?P<kind>branch|tag)/{_REV}", hub_repos.create_ref),
    ("POST", rf"{_API}/preupload/{_REV}", hub_commits.preupload),
    ("POST", rf"{_API}/commit/{_REV}", hub_commits.commit),
    ("POST", rf"{_WEB}\.git/info/lfs/objects/batch", hub_commits.lfs_batch),
    ("POST", rf"{_WEB}\.git/info/lfs/objects/verify", hub_commits.lfs_verify),
    ("PUT", r"/lfs-upload/(?P<oid>[0-9a-f]{64})", hub_commits.lfs_upload),
    ("GET", rf"{_API}/discussions", hub_discussions.listing),
    ("POST", rf"{_API}/discussions", hub_discussions.create),
    ("GET", _TALK, hub_discussions.details),
    ("POST", rf"{_TALK}/comment", hub_discussions.comment),
    ("POST", rf"{_TALK}/comment/(?P<event>\w+)/(?P<action>edit|hide)", hub_discussions.edit),
    ("POST", rf"{_TALK}/status", hub_discussions.status),
    ("POST", rf"{_TALK}/title", hub_discussions.title),
    ("POST", rf"{_TALK}/merge", hub_discussions.merge_pull_request),
    ("GET", _API, hub_repos.info),
    ("GET", "/oauth/authorize", hub_accounts.authorize),
    ("POST", "/oauth/token", hub_accounts.token),
    ("GET", "/oauth/userinfo", hub_accounts.userinfo),
    ("GET", r"/\.well-known/openid-configuration", hub_accounts.openid_configuration),
    ("GET", r"/\.well-known/jwks\.json", hub_accounts.jwks),
    ("GET", rf"{hub_accounts.RUNNER}(?P<repository>.+)", hub_accounts.mint),
    ("GET", "/api/jobs/hardware", hub_jobs.hardware),
    ("POST", r"/api/jobs/(?P<namespace>[^/]+)", hub_jobs.run),
    ("GET", r"/api/jobs/(?P<namespace>[^/]+)", hub_jobs.jobs),
    ("GET", r"/api/jobs/(?P<namespace>[^/]+)/(?P<job>[^/]+)", hub_jobs.job),
    ("GET", r"/api/jobs/(?P<namespace>[^/]+)/(?P<job>[^/]+)/logs", hub_jobs.logs),
    ("GET", "/api/settings/webhooks", hub_jobs.webhooks),
    ("POST", "/api/settings/webhooks", hub_jobs.create_webhook),
    ("GET", _HOOK, hub_jobs.webhook),
    ("POST", _HOOK, hub_jobs.webhook),
    ("DELETE", _HOOK, hub_jobs.webhook),
    ("POST", rf"{_HOOK}/(?P<action>enable|disable)", hub_jobs.webhook),
    ("GET", rf"{_WEB}/resolve/{_REV}/(?P<path>.+)", hub_files.resolve),
    ("GET", rf"/(?P<type>datasets|spaces)/{_ID}(?:/discussions/\d+)?", hub_repos.page),
)
_ROUTES = tuple((method, re.compile(pattern), route) for method, pattern, route in _TABLE)


def dispatch(state: HubState, call: Call, *, known_token: bool) -> Answer:
    """Serve a call.

    Args:
        state: The Hub's memory; the caller holds its lock.
        call: The request, its `args` still empty.
        known_token: False where the request carried a token that the Hub never issued.

    Returns:
        The answer, or the refusal in the Hub's shape.
    """
    try:
        if not known_token and not call.path.startswith(hub_accounts.RUNNER):
            raise RefusedError(401, INVALID_TOKEN)
        for method, pattern, route in _ROUTES:
            found = pattern.fullmatch(call.path) if call.method in (method, _also(method)) else None
            if found:
                args = {k: unquote(v) for k, v in found.groupdict().items() if v is not None}
                return route(state, replace(call, args=args))
        raise RefusedError(404, "Sorry, we can't find the page you are looking for.")
    except RefusedError as refusal:
        return refusal.answer()


def _also(method: str) -> str:
    return "HEAD" if method == "GET" else method
