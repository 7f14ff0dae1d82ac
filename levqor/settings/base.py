"""Settings that every installation shares. What differs comes from `levqor.env`."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.utils.translation import gettext_lazy as _

from levqor import __version__
from levqor.env import ROOT, environment
from levqor.settings import payments, security
from levqor.settings.api import REST_FRAMEWORK as REST_FRAMEWORK
from levqor.settings.api import SPECTACULAR_SETTINGS as SPECTACULAR_SETTINGS
from levqor.settings.mirror import *  # noqa: F403 - settings
from levqor.settings.observing import metrics_folder
from levqor.settings.secrets import encryption_keys, secret_key
from levqor.settings.security import PERMISSIONS_POLICY as PERMISSIONS_POLICY
from levqor.settings.unfold import UNFOLD as UNFOLD

ENV = environment()
VERSION = __version__
BASE_DIR = ROOT
VAR_DIR = ENV.LEVQOR_VAR
VAR_DIR.mkdir(parents=True, exist_ok=True)

LEVQOR_ENV = ENV.LEVQOR_ENV
DEBUG = False
SECRET_KEY = secret_key(ENV)
ENCRYPTION_KEYS = encryption_keys(ENV)
SITE_URL = ENV.SITE_URL
DEMO = bool(ENV.DEMO)
ALLOWED_HOSTS = ENV.ALLOWED_HOSTS
PROXY_HOPS = ENV.PROXY_HOPS or 0

INSTALLED_APPS = [
    "apps.marketing",
    "apps.developers",
    "apps.workflows",
    "apps.billing",
    "apps.monitoring",
    "apps.notifications",
    "apps.usage",
    "apps.ledger",
    "apps.accounts",
    "apps.integrations",
    "apps.audit",
    "apps.core",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "levqor.apps.LevqorAdminConfig",
    "levqor.apps.ProjectConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.github",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "django_htmx",
    "anymail",
    "apps.integrations.stripe.apps.StripeMirrorConfig",
]

MIDDLEWARE = [
    "apps.monitoring.middleware.MeasuringMiddleware",
    "apps.core.middleware.RequestContextMiddleware",
    "apps.core.middleware.HostMiddleware",
    "apps.usage.gate.dispatch.ApiGateMiddleware",
    "apps.monitoring.middleware.StatusPageMiddleware",
    "apps.monitoring.middleware.PageMetricsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_permissions_policy.PermissionsPolicyMiddleware",
    "apps.core.middleware.IsolationHeadersMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "apps.core.probes.ProbeMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "apps.accounts.middleware.SessionActivityMiddleware",
    "apps.accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "apps.core.middleware.DomainErrorMiddleware",
]

ROOT_URLCONF = "levqor.urls"
WSGI_APPLICATION = "levqor.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "apps.core.context_processors.platform",
                "apps.accounts.context_processors.account",
                "apps.integrations.context_processors.mail_notice",
                "apps.integrations.context_processors.payments_notice",
            ],
        },
    }
]

# Data ---------------------------------------------------------------------------------------------------------------
DATABASES = {
    "default": dj_database_url.parse(
        ENV.DATABASE_URL or f"sqlite:///{VAR_DIR / 'levqor.sqlite3'}", conn_max_age=60, conn_health_checks=True
    )
}
if DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # Nobody waits for ever for a server that is away. What DATABASE_URL says about it wins.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 4,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,  # milliseconds without a sign that what was sent has arrived
        **DATABASES["default"].get("OPTIONS", {}),
    }
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Write transactions take the lock at once (no deadlock on upgrade) and every commit reaches the disk.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-32000;"
        " PRAGMA recursive_triggers=ON;",  # or REPLACE would go round those that refuse a DELETE
    }
REDIS_URL = ENV.REDIS_URL
REDIS_PREFIX = "levqor"  # of every key
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

_TABLE = {"BACKEND": "apps.core.cache.AtomicDatabaseCache", "LOCATION": "levqor_cache"}
CACHES: dict[str, dict[str, Any]] = (
    {
        "default": {
            "BACKEND": "apps.core.cache.RedisOrDatabaseCache",
            "LOCATION": ENV.REDIS_URL,
            "KEY_PREFIX": REDIS_PREFIX,
            "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
        },
        "substitute": _TABLE,
    }
    if ENV.REDIS_URL
    else {"default": _TABLE}
)

# People -------------------------------------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "landing"
ACCOUNT_ADAPTER = "apps.accounts.adapters.AccountAdapter"
SOCIALACCOUNT_ADAPTER = "apps.accounts.adapters.SocialAccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = False
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_EMAIL_NOTIFICATIONS = True  # every change of a credential is mailed to its owner
ACCOUNT_CHANGE_EMAIL = True  # one address per person; a new one counts once it is confirmed
ACCOUNT_FORMS = {
    "signup": "apps.accounts.forms.SignupForm",
    "login": "apps.accounts.forms_login.LoginForm",
    "reauthenticate": "apps.accounts.forms_login.ReauthenticateForm",
    "add_email": "apps.accounts.forms_login.AddEmailForm",
    "change_password": "apps.accounts.forms_login.ChangePasswordForm",
    "set_password": "apps.accounts.forms_login.SetPasswordForm",
    "reset_password": "apps.accounts.forms_login.ResetPasswordForm",
    "reset_password_from_key": "apps.accounts.forms_login.ResetPasswordKeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Levqor"
MFA_ALLOW_UNVERIFIED_EMAIL = True  # login needs a confirmed address anyway; without this, 2FA forbids changing it
MFA_ADAPTER = "apps.accounts.adapters.MFAAdapter"
MFA_FORMS = {
    "authenticate": "apps.accounts.forms_login.AuthenticateForm",
    "reauthenticate": "apps.accounts.forms_login.ReauthenticateCodeForm",
    "activate_totp": "apps.accounts.forms_login.ActivateTOTPForm",
    "add_webauthn": "apps.accounts.forms_passkeys.AddPasskeyForm",
    "edit_webauthn": "apps.accounts.forms_passkeys.EditPasskeyForm",
    "authenticate_webauthn": "apps.accounts.forms_passkeys.PasskeyAnswerForm",
    "reauthenticate_webauthn": "apps.accounts.forms_passkeys.ReauthenticatePasskeyForm",
    "login_webauthn": "apps.accounts.forms_passkeys.LoginPasskeyForm",
}
USERSESSIONS_TRACK_ACTIVITY = True
USERSESSIONS_ADAPTER = "apps.accounts.adapters.UserSessionsAdapter"
SOCIALACCOUNT_PROVIDERS: dict[str, Any] = {
    name: {"APPS": [{"client_id": client_id, "secret": secret}], "OAUTH_PKCE_ENABLED": True}
    for name, client_id, secret in (
        ("google", ENV.GOOGLE_CLIENT_ID, ENV.GOOGLE_CLIENT_SECRET),
        ("github", ENV.GITHUB_CLIENT_ID, ENV.GITHUB_CLIENT_SECRET),
    )
    if client_id
}
SOCIALACCOUNT_STORE_TOKENS = False
# Whoever owns an address, by the provider's own word, owns the account of that address (see the adapter).
SOCIALACCOUNT_EMAIL_AUTHENTICATION = True
SOCIALACCOUNT_EMAIL_AUTHENTICATION_AUTO_CONNECT = True
PROVIDER_ORIGINS = {"google": "https://accounts.google.com", "github": "https://github.com"}
JWT_ACCESS_LIFETIME = timedelta(minutes=15)
JWT_REFRESH_LIFETIME = timedelta(days=7)

# Mail ---------------------------------------------------------------------------------------------------------------
MAIL_TRANSPORT = ENV.MAIL_TRANSPORT
EMAIL_BACKEND = {
    "file": "apps.integrations.mail.backends.FileBackend",
    "console": "django.core.mail.backends.console.EmailBackend",
    "resend": "apps.integrations.resend.gateway.ResendBackend",
}[MAIL_TRANSPORT]
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
DEFAULT_FROM_EMAIL = ENV.MAIL_FROM
SUPPORT_EMAIL = ENV.SUPPORT_EMAIL
ANYMAIL = {"RESEND_API_KEY": ENV.RESEND_API_KEY, "REQUESTS_TIMEOUT": (4, 12)}  # seconds to connect, to answer
RESEND_WEBHOOK_SECRET = ENV.RESEND_WEBHOOK_SECRET

# Alarms -------------------------------------------------------------------------------------------------------------
ALERT_URLS = ENV.ALERT_URLS  # channels beside those that staff set up

# Payments -----------------------------------------------------------------------------------------------------------
STRIPE_IS_FAKE = payments.is_fake(ENV)
STRIPE_API_KEY = payments.api_key(ENV, SECRET_KEY)  # empty: nothing can be bought
STRIPE_API_URL = payments.api_url(ENV)  # empty: Stripe's own
STRIPE_WEBHOOK_SECRETS = payments.webhook_secrets(ENV, SECRET_KEY)
STRIPE_TAX = ENV.STRIPE_TAX

# Notion -------------------------------------------------------------------------------------------------------------
NOTION_TOKEN = ENV.NOTION_TOKEN  # empty: nothing goes there and nothing comes from there
NOTION_PARENT_PAGE = ENV.NOTION_PARENT_PAGE
NOTION_API_URL = ENV.NOTION_API_URL  # empty: Notion's own
DEV_DOCS_HOOK_SECRET = ENV.DEV_DOCS_HOOK_SECRET

# Costs --------------------------------------------------------------------------------------------------------------
DAILY_COST_LIMIT = ENV.DAILY_COST_LIMIT  # dollars, as all of these
REDIS_COMMANDS_PRICE = ENV.REDIS_COMMANDS_PRICE
REDIS_MEMORY_PRICE = ENV.REDIS_MEMORY_PRICE
MAIL_PRICE = ENV.MAIL_PRICE

# Reports ------------------------------------------------------------------------------------------------------------
REPORT_RECIPIENTS = ENV.REPORT_RECIPIENTS  # empty: the superusers

# Outbound HTTP ------------------------------------------------------------------------------------------------------
# The only private destinations the guarded client opens: "host:port", exact. The demo's own endpoints in a demo.
OUTBOUND_ALLOWED_HOSTS = ENV.OUTBOUND_ALLOWED_HOSTS + (
    [f"127.0.0.1:{ENV.PORT}", f"localhost:{ENV.PORT}"] if DEMO and ENV.LEVQOR_ENV == "local" else []
)
if ENV.NOTION_API_URL and ENV.LEVQOR_ENV == "local":
    _fake = urlsplit(ENV.NOTION_API_URL)  # workflow steps ask it too
    OUTBOUND_ALLOWED_HOSTS.append(f"{_fake.netloc}{'' if _fake.port else ':80'}")

# Background work ----------------------------------------------------------------------------------------------------
ORGANIZATION_CONCURRENCY = ENV.ORGANIZATION_CONCURRENCY
BROKER_DIR = VAR_DIR / "broker"
CELERY_BROKER_URL = ENV.REDIS_URL or "files://localhost"  # apps.core.queue_files
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    # Away, it is away at once: a request that rings must not wait for it (kombu's own patience is 6 seconds).
    {
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
        "socket_timeout": 2,  # one that stands still, or a network that does: kombu's own patience has no end
        "socket_connect_timeout": 2,
    }
    if ENV.REDIS_URL
    else {
        "data_folder_in": str(BROKER_DIR / "queue"),
        "data_folder_out": str(BROKER_DIR / "queue"),
        "control_folder": str(BROKER_DIR / "control"),
        "store_processed": False,
    }
)
if not ENV.REDIS_URL:
    for folder in ("queue", "control"):
        (BROKER_DIR / folder).mkdir(parents=True, exist_ok=True)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # as often as it takes
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = bool(ENV.REDIS_URL)  # with files it would only leave litter
CELERY_TASK_DEFAULT_QUEUE = "levqor"
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "apps.core.beat:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 2
DJANGO_CELERY_BEAT_TZ_AWARE = True
WATCHDOG_SECONDS = ENV.WATCHDOG_SECONDS
WATCHDOG_WEB_URL = ENV.WATCHDOG_WEB_URL

# API ----------------------------------------------------------------------------------------------------------------
API_DEFAULT_PLAN = "sandbox"  # of organizations that nobody gave another (apps.usage.plans)
API_ANONYMOUS_CALLS_PER_MINUTE = 60  # from one address, by callers that show no credential or a bad one
REQUEST_LOG_IN_BACKGROUND = True  # a thread of each web process writes it
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000

# Observing -----------------------------------------------------------------------------------------------------------
METRICS_DIR = metrics_folder(ENV)
KEPT_DIR = VAR_DIR / "kept"  # what is shown without a database
METRICS_TOKEN = ENV.METRICS_TOKEN
SENTRY_DSN = ENV.SENTRY_DSN
OBSERVE_IN_BACKGROUND = True  # a thread of each web process and worker hands its figures on
PROMETHEUS_LATENCY_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 3.0, 10.0, float("inf"))

# Pages --------------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [ROOT / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [ROOT / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": VAR_DIR / "files"}},
    "reports": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": VAR_DIR / "reports",
            "file_permissions_mode": 0o600,  # revenue and costs
            "directory_permissions_mode": 0o700,
        },
    },
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Security -----------------------------------------------------------------------------------------------------------
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "strict-origin-when-cross-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_HTTPONLY = False
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "apps.core.views.csrf_failure"
CONTENT_SECURITY_POLICY = security.content_security_policy(
    form_targets=[*(PROVIDER_ORIGINS[name] for name in SOCIALACCOUNT_PROVIDERS), *payments.page_origins(ENV)]
)

# Logs ---------------------------------------------------------------------------------------------------------------
LOG_LEVEL = ENV.LOG_LEVEL
LOG_FORMAT = ENV.LOG_FORMAT
LOGGING_CONFIG = "apps.core.logs.configure"
LOGGING: dict[str, Any] = {"level": LOG_LEVEL, "format": LOG_FORMAT}

SILENCED_SYSTEM_CHECKS: list[str] = []
