"""How the API is read, answered and described."""

from levqor.env import environment

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.api_auth.CredentialAuthentication",
        "apps.accounts.api_auth.OrganizationSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.StorableJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "apps.core.problems.problem_response",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Levqor API",
    "DESCRIPTION": "Run and watch workflows from your own programs.",
    "VERSION": "",  # the version of the API stands for it
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.openapi.add_problems",
    ],
    "SERVERS": [{"url": environment().SITE_URL}],
    "ENUM_NAME_OVERRIDES": {
        "RunState": "apps.workflows.api.schemas.STATES",
        "StepState": "apps.workflows.api.schemas.STEP_STATES",
        "RunTrigger": "apps.workflows.api.schemas.RUN_TRIGGERS",
        "RunEventType": "apps.workflows.api.schemas.EVENT_TYPES",
        "Priority": "apps.workflows.api.schemas.PRIORITIES",
        "Decision": "apps.workflows.api.schemas.DECISIONS",
        "TriggerType": "apps.workflows.api.schemas.TRIGGER_TYPES",
        "KeyState": "apps.accounts.models.api_keys.ApiKey.State",
        "KeyEnvironment": "apps.accounts.models.api_keys.ApiKey.Environment",
        "KeyOverlap": "apps.developers.api.OVERLAPS",
        "ReportLabel": "apps.developers.api.REPORT_LABELS",
        "MeterAggregation": "apps.usage.api_meters.AGGREGATIONS",
        "MeterGroup": "apps.usage.api_meters.METER_GROUPS",
        "OrderStatus": "apps.billing.api.ORDER_STATES",
    },
}
