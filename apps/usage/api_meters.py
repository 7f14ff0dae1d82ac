"""The API of meters: which there are, and what they come to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api_base import OrganizationAPIView
from apps.accounts.models import ApiKey, User
from apps.core.clock import now
from apps.core.errors import InvalidInputError
from apps.core.ids import to_public
from apps.core.kinds import Dimension, Meter
from apps.core.registry import registry
from apps.usage.measuring import MOST_DAYS, MOST_ROWS, WINDOWS, Row, Window, measure, meter_named
from apps.usage.models import NOBODY
from apps.usage.periods import day_of

DEFAULT_DAYS, FIRST_YEAR = 30, 2000
AGGREGATIONS = ["sum", "count", "unique", "max"]
NAMES: dict[Dimension, str] = {"category": "category", "key_id": "key", "user_id": "user"}
METER_GROUPS = list(NAMES.values())
DIMENSIONS = {name: dimension for dimension, name in NAMES.items()}
PREFIXES = {"key_id": ApiKey.public_prefix, "user_id": User.public_prefix}


class MeterAnswer(serializers.Serializer[Any]):
    """A meter: what is counted, how, and by what it can be divided."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # the member is called so in the API
    aggregation = serializers.ChoiceField(AGGREGATIONS)
    group_by = serializers.ListField(child=serializers.ChoiceField(METER_GROUPS))


class MeterList(serializers.Serializer[Any]):
    """All meters."""

    data = MeterAnswer(many=True)  # type: ignore[assignment] # the member is called so in the API


class MeterFigure(serializers.Serializer[Any]):
    """One figure."""

    start = serializers.DateTimeField(help_text=_("Of the hour, day or month (UTC); of the range without a window."))
    group = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        help_text=_("What was asked for in `by`. Null stands for calls without a key, or of nobody."),
    )
    value = serializers.IntegerField()


class MeterFigures(serializers.Serializer[Any]):
    """What a meter comes to."""

    meter = serializers.CharField()
    aggregation = serializers.ChoiceField(AGGREGATIONS)
    window = serializers.CharField(allow_null=True)
    data = MeterFigure(many=True)  # type: ignore[assignment] # the member is called so in the API

    def get_fields(self) -> dict[str, Any]:
        """With the range that was asked for, whose names are words of Python."""
        return {**super().get_fields(), "from": serializers.DateTimeField(), "to": serializers.DateTimeField()}


class MetersView(OrganizationAPIView):
    """`/usage/meters`"""

    permission_codes = {"get": "usage.view"}
    is_free = True

    @extend_schema(operation_id="list_meters", tags=["usage"], responses={200: MeterList})
    def get(self, _request: Request) -> Response:
        """What is measured. Asking costs no call."""
        return Response({"data": [meter_as_json(meter) for meter in registry(Meter).all()]})


class MeterView(OrganizationAPIView):
    """`/usage/meters/{meter}`"""

    permission_codes = {"get": "usage.view"}
    is_free = True

    @extend_schema(
        operation_id="get_meter",
        tags=["usage"],
        parameters=[
            OpenApiParameter(
                "from",
                str,
                description="A day (2026-11-01) or a full hour (2026-11-01T12:00:00Z), UTC; 30 days before `to` when "
                "left out.",
            ),
            OpenApiParameter(
                "to", str, description="A day or a full hour, not itself included; the end of today when left out."
            ),
            OpenApiParameter(
                "by",
                str,
                many=True,
                explode=False,
                enum=METER_GROUPS,
                description="By what to divide the figures, with commas between; `group_by` says what the meter has.",
            ),
            OpenApiParameter(
                "window", str, enum=WINDOWS, description="A figure for each of these; one for all when left out."
            ),
        ],
        responses={200: MeterFigures},
        description=f"What a meter comes to, up to this moment. What comes to nothing is left out. At most {MOST_DAYS} "
        f"days and {MOST_ROWS:,} figures at once (422, `limit_exceeded`). Asking costs no call.",
    )
    def get(self, request: Request, meter: str) -> Response:
        """What a meter comes to."""
        found = meter_named(meter)
        end = _moment(request, "to") or day_of(now()).end
        begin = _moment(request, "from") or end - timedelta(days=DEFAULT_DAYS)
        by, window = _by(request, found), _window(request)
        rows = measure(self.organization, found, begin, end, by, window)
        return Response(
            {
                "meter": found.name,
                "aggregation": found.aggregation,
                "from": begin,
                "to": end,
                "window": window,
                "data": [row_as_json(row, by) for row in rows],
            }
        )


def meter_as_json(meter: Meter) -> dict[str, Any]:
    """A meter, as the API tells it."""
    return {
        "name": meter.name,
        "label": str(meter.label),
        "aggregation": meter.aggregation,
        "group_by": [NAMES[dimension] for dimension in meter.group_by],
    }


def row_as_json(row: Row, by: list[Dimension]) -> dict[str, Any]:
    """A figure, as the API tells it."""
    group = {NAMES[one]: _public(one, value) for one, value in zip(by, row.group, strict=True)}
    return {"start": row.start, "group": group, "value": row.value}


def _public(dimension: Dimension, value: str | UUID) -> str | None:
    if isinstance(value, str):
        return value
    return None if value == NOBODY else to_public(PREFIXES[dimension], value)


def _moment(request: Request, name: str) -> datetime | None:
    """A day's beginning or a moment; UTC where no zone is named. Raises `InvalidInputError`."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        day, moment = parse_date(text), parse_datetime(text)
        if day is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
        if moment is not None and moment.year >= FIRST_YEAR:
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    words = translated("“%(name)s” is a day such as 2026-11-01, or a full hour such as 2026-11-01T12:00:00Z.")
    raise InvalidInputError(words % {"name": name}, code=f"invalid_{name}")


def _by(request: Request, meter: Meter) -> list[Dimension]:
    """What to divide by. Raises `InvalidInputError`."""
    names = [name for text in request.query_params.getlist("by") for name in text.split(",") if name]
    allowed = [NAMES[dimension] for dimension in meter.group_by]
    if len(set(names)) < len(names) or not set(names) <= set(allowed):
        words = translated("“by” has each at most once, with commas between, of: %(allowed)s.")
        raise InvalidInputError(words % {"allowed": ", ".join(allowed)}, code="invalid_by")
    return [DIMENSIONS[name] for name in names]


def _window(request: Request) -> Window | None:
    """The window. Raises `InvalidInputError`."""
    text = request.query_params.get("window")
    if text is None:
        return None
    if text not in WINDOWS:
        words = translated("“window” is one of %(windows)s.") % {"windows": ", ".join(WINDOWS)}
        raise InvalidInputError(words, code="invalid_window")
    return text
