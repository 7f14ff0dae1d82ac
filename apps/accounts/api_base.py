"""The base of every API view that works for an organization."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

from django.db import models
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from apps.accounts.errors import NoOrganizationError
from apps.accounts.models import Organization
from apps.accounts.permissions import Actor, require
from apps.accounts.requests import ActorRequest
from apps.core.idempotency import Perform, once
from apps.core.pagination import listing, paginate, parse_limit

# As DRF's renderer makes it, but once.
ENCODER = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
ModelT = TypeVar("ModelT", bound=models.Model)


class OrganizationAPIView(APIView):
    """Set `permission_codes = {"get": "runs.view", "post": "runs.start"}`: each method served needs its code.

    `self.organization` and `self.actor` are set when a handler runs. Objects are read by `.for_organization(…)`, so
    that those of others are 404.

    Where `is_lean`, a GET with a credential is answered without DRF's choice of parsers and renderers, which there is
    none of here. Such a `get` takes what every Django request has (no `query_params`, no `data`), and its answer is the
    JSON value itself.
    """

    permission_codes: ClassVar[dict[str, str]] = {}
    is_lean: ClassVar[bool] = False

    actor: Actor
    organization: Organization

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """DRF's way, or the lean one. Raises what `get` does there: the gate makes problem documents of refusals."""
        if not self.is_lean or request.method != "GET" or not hasattr(request, "access"):
            return super().dispatch(request, *args, **kwargs)
        self._enter(request, "get")
        answer = self.get(request, *args, **kwargs)  # type: ignore[attr-defined] # subclasses have it
        return HttpResponse(ENCODER.encode(answer), content_type="application/json")

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """DRF's hook: also an answer that is a JSON value."""
        whole: Any = response if isinstance(response, HttpResponseBase) else Response(response)
        return super().finalize_response(request, whole, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication: find the organization and check the method's permission."""
        super().initial(request, *args, **kwargs)
        method = (request.method or "get").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            return  # DRF answers 405
        self._enter(cast(ActorRequest, request._request), method)

    def _enter(self, request: ActorRequest, method: str) -> None:
        """Find the organization and check the method's permission."""
        actor = request.actor
        if actor is None or actor.organization is None:
            raise NoOrganizationError(_("Choose or create an organization first."))
        self.actor, self.organization = actor, actor.organization
        require(actor, self._code(method), self.organization)

    def _code(self, method: str) -> str:
        if method in ("head", "options"):
            return self.permission_codes.get(method) or self.permission_codes.get("get") or "organization.view"
        return self.permission_codes[method]

    def paginated(
        self,
        request: Request,
        queryset: models.QuerySet[ModelT],
        as_json: Callable[[ModelT], dict[str, Any]],
        *,
        oldest_first: bool = False,
    ) -> Response:
        """One page by `?limit=&cursor=`, newest first unless asked otherwise. Raises `InvalidInputError` for either."""
        params = request.query_params
        limit = parse_limit(params.get("limit"))
        page = paginate(queryset, params.get("cursor"), limit, oldest_first=oldest_first)
        return Response(listing(page, [as_json(row) for row in page.rows]))

    def once(self, request: Request, perform: Perform) -> Response:
        """Answer a POST at most once per `Idempotency-Key` of this organization, person and API key.

        Two programs of one person number their requests without knowing of each other.
        """
        access = getattr(request._request, "access", None)
        key = access.key_id if access is not None else None
        owner = f"{self.organization.public_id}:{self.actor.user.public_id}"
        return once(request, f"{owner}:{key.hex}" if key else owner, perform)
