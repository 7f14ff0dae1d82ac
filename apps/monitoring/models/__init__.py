"""The rows of the monitoring app."""

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
    "GaugeSample",
    "Incident",
    "IncidentComponent",
    "IncidentTemplate",
    "IncidentUpdate",
    "Objective",
    "Probe",
    "RequestMinute",
    "SloSample",
    "StatusSubscriber",
    "UptimeDay",
]
