"""The base of every API view that works for an organization."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, cast

from django.db import models
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.errors import NoOrganizationError
from apps.accounts.models import Organization
from apps.accounts.permissions import Actor, require
from apps.accounts.requests import ActorRequest
from apps.core.idempotency import Perform, once
from apps.core.pagination import listing, paginate, parse_limit

ModelT = TypeVar("ModelT", bound=models.Model)


class OrganizationAPIView(APIView):
    """Set `permission_codes = {"get": "runs.view", "post": "runs.start"}`: each method served needs its code.

    `self.organization` and `self.actor` are set when a handler runs. Objects are read by `.for_organization(…)`, so
    that those of others are 404.
    """

    permission_codes: ClassVar[dict[str, str]] = {}

    actor: Actor
    organization: Organization

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """After authentication: find the organization and check the method's permission."""
        super().initial(request, *args, **kwargs)
        method = (request.method or "get").lower()
        if method not in self.http_method_names or not hasattr(self, method):
            return  # DRF answers 405
        actor = cast(ActorRequest, request._request).actor
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
        """Answer a POST at most once per `Idempotency-Key` of this organization and person."""
        return once(request, f"{self.organization.public_id}:{self.actor.user.public_id}", perform)
