"""The rows of the monitoring app."""

from apps.monitoring.models.costs import (
    Category,
    CostDay,
    CostForecast,
    CostLine,
    InfrastructureCost,
    KeyValueHour,
)
from apps.monitoring.models.health import HealthResult, HealthRun
from apps.monitoring.models.slo import GaugeSample, Objective, RequestMinute, SloSample
from apps.monitoring.models.status import (
    Incident,
    IncidentComponent,
    IncidentTemplate,
    IncidentUpdate,
    StatusSubscriber,
)
from apps.monitoring.models.uptime import Probe, UptimeDay

__all__ = [
    "Category",
    "CostDay",
    "CostForecast",
    "CostLine",
    "GaugeSample",
    "HealthResult",
    "HealthRun",
    "Incident",
    "IncidentComponent",
    "IncidentTemplate",
    "IncidentUpdate",
    "InfrastructureCost",
    "KeyValueHour",
    "Objective",
    "Probe",
    "RequestMinute",
    "SloSample",
    "StatusSubscriber",
    "UptimeDay",
]
