"""The rows of the monitoring app."""

from apps.monitoring.models.costs import (
    Category,
    CostDay,
    CostForecast,
    CostLine,
    InfrastructureCost,
    KeyValueHour,
)
from apps.monitoring.models.growth import ActiveDay, GrowthDay, RetainedWeek
from apps.monitoring.models.health import HealthResult, HealthRun
from apps.monitoring.models.pulse import PulseReport, PulseValue
from apps.monitoring.models.reports import Report
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
    "ActiveDay",
    "Category",
    "CostDay",
    "CostForecast",
    "CostLine",
    "GaugeSample",
    "GrowthDay",
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
    "PulseReport",
    "PulseValue",
    "Report",
    "RequestMinute",
    "RetainedWeek",
    "SloSample",
    "StatusSubscriber",
    "UptimeDay",
]
