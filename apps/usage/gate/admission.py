"""Asking the gate for a request: whose call it is, whether it may pass, and taking back what need not be paid."""

import time
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.accounts.api_auth import act_as
from apps.accounts.errors import InvalidTokenError
from apps.accounts.models import Environment
from apps.accounts.requests import ActorRequest
from apps.accounts.services.access import Access, Shown, presented
from apps.core.context import current
from apps.core.errors import DomainError, UnavailableError
from apps.core.tallies import Tally
from apps.usage import request_log
from apps.usage.errors import CallRateError, QuotaExceededError, WrongEnvironmentError
from apps.usage.gate import policies
from apps.usage.gate.either import gate
from apps.usage.gate.known import Known, memory, read
from apps.usage.gate.port import Call, Gate, StaleError, Verdict
from apps.usage.gate.routes import Route
from apps.usage.limits import Limits, anonymous_limits, limits_of
from apps.usage.models import NOBODY

SANDBOX = "/api/sandbox/v1/"
DECISIONS = Tally("levqor_gate_decisions", "What the gate of the API decided.", ("decision",))
DECISION = {"": "passed", "minute": "rate_limited", "quota": "over_quota"}
TRIES = 5
UNBILLED = frozenset({401, 403, 429})


def admit(request: ActorRequest, route: Route) -> None:
    """Let a call pass that comes without a session. The request is its credential's then, or nobody's.

    Raises `CallRateError`, `QuotaExceededError`, and what a bad credential raises: such a call counts for its address.
    """
    try:
        shown = presented(request.META)
        if shown is None and not request.path_info.startswith(SANDBOX):
            _admit_anonymous(request, route)
        elif shown is None:
            raise InvalidTokenError(_("The sandbox takes a sandbox key, or a token from the documentation."))
        else:
            _admit_credential(request, shown, route)
    except DomainError:
        if not hasattr(request, "passage"):
            _admit_anonymous(request, route, passed="refused")
        raise


def admit_session(request: ActorRequest, route: Route) -> None:
    """Let the call of a browser's session pass. Raises `CallRateError`, `QuotaExceededError`."""
    if request.actor is None or request.actor.organization is None:
        _admit_anonymous(request, route)
        return
    organization = request.actor.organization
    call = _call(route, limits_of(organization), organization.pk, request.actor.user.pk)
    _pass(request, call, gate.ask(lambda port: port.admit(call)))


def settle(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """After the view: say how things stand, and count off what is nobody's to pay: refusals, faults, repetitions."""
    passage: tuple[Call, Verdict, float] | None = getattr(request, "passage", None)
    if passage is None:
        return response
    call, verdict, began = passage
    policies.tell(response, call, verdict)
    request_log.note(request, response, call, verdict, began)
    if response.status_code in UNBILLED or response.status_code >= 500 or "Idempotent-Replayed" in response.headers:
        gate.take_back(call, verdict)
    return response


def _admit_credential(request: ActorRequest, shown: Shown, route: Route) -> None:
    for _attempt in range(TRIES):
        try:
            known, call, verdict = gate.ask(lambda port: _admit_known(port, request, shown, route))
        except StaleError:
            memory.forget(shown)
        else:
            act_as(request, known.access)
            _pass(request, call, verdict)
            return
    raise UnavailableError(_("What this credential may do is being changed right now. Try again."), retry_after=1)


def _admit_anonymous(request: ActorRequest, route: Route, passed: str = "passed") -> None:
    """Let the call of nobody known pass: so many a minute from one address. Raises `CallRateError`."""
    call = _anonymous(request, route)
    _pass(request, call, gate.ask(lambda port: port.admit(call)), passed)


def _anonymous(request: ActorRequest, route: Route) -> Call:
    return Call(f"ip:{_neighbourhood(_address(request))}", anonymous_limits(), category=route.category)


def _admit_known(port: Gate, request: ActorRequest, shown: Shown, route: Route) -> tuple[Known, Call, Verdict]:
    known = _known(port, request, shown, route)
    access = known.access
    organization = access.actor.organization
    call = _call(
        route, known.limits, organization.pk if organization else None, access.actor.user.pk, access.key_id or NOBODY
    )
    return known, call, port.admit(call, known.words)


def _known(port: Gate, request: ActorRequest, shown: Shown, route: Route) -> Known:
    """Whose credential it is, if it is good here and now."""
    if not port.compares_versions:
        known = read(shown)
    else:
        remembered = memory.recall(shown)
        if remembered is not None:
            try:
                _check(remembered.access, request)
            except DomainError:
                memory.forget(shown)  # since it was learned it may have been allowed more
            else:
                return remembered
        if port.is_exhausted(_anonymous(request, route)):  # somebody at this address has guessed too often
            _admit_anonymous(request, route)
        known = memory.learn(shown)
    _check(known.access, request)
    return known


def _check(access: Access, request: ActorRequest) -> None:
    access.check(_address(request))
    _check_environment(access, request.path_info.startswith(SANDBOX))


def _check_environment(access: Access, in_sandbox: bool) -> None:
    """A sandbox's credential is good there and nowhere else, and no other is good there."""
    if in_sandbox == (access.credential.environment == Environment.TEST):
        return
    if in_sandbox:
        raise WrongEnvironmentError(_("The sandbox takes sandbox keys only: this credential is for live data."))
    raise WrongEnvironmentError(
        _("This credential is for the sandbox: call %(address)s instead.") % {"address": f"{SANDBOX}…"}
    )


def _call(route: Route, limits: Limits, organization_id: UUID | None, user_id: UUID, key_id: UUID = NOBODY) -> Call:
    """A key has a bucket of its own; what else a person uses in an organization shares one."""
    subject = f"key:{key_id.hex}" if key_id != NOBODY else f"user:{user_id.hex}:{organization_id}"
    return Call(
        subject, limits, organization_id, user_id, key_id, route.category, route.free, request_id=current().request_id
    )


def _pass(request: ActorRequest, call: Call, verdict: Verdict, passed: str = "passed") -> None:
    request.passage = (call, verdict, time.perf_counter())  # type: ignore[attr-defined] # read by `settle` alone
    DECISIONS.add(DECISION[verdict.refusal] if verdict.refusal else passed)
    if verdict.refusal == "minute":
        raise CallRateError(
            _("At most %(count)s calls a minute are allowed. Slow down, and keep to the header Retry-After.")
            % {"count": call.limits.per_minute},
            **policies.violated(call, verdict),
        )
    if verdict.refusal == "quota":
        raise QuotaExceededError(policies.used_up(call.limits), **policies.violated(call, verdict))


@lru_cache(maxsize=10_000)
def _neighbourhood(address: str) -> str:
    """What one caller can choose among: of IPv6 a whole /64."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return address


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")
