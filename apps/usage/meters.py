"""What is measured: the names that events carry, and the meters that they add up to."""

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import Meter

API_CALLS = "api_calls"
TOKENS = "tokens"  # of language models, in and out

CALLS = Meter(API_CALLS, _("API calls"), API_CALLS, "sum")
ACTIVE_KEYS = Meter(
    "active_keys", _("Keys that called"), API_CALLS, "unique", counts="key_id", group_by=("category", "user_id")
)
ACTIVE_USERS = Meter(
    "active_users",
    _("People who called, themselves or by a key"),
    API_CALLS,
    "unique",
    counts="user_id",
    group_by=("category", "key_id"),
)
METERS = (
    CALLS,
    ACTIVE_KEYS,
    ACTIVE_USERS,
    Meter(TOKENS, _("Tokens of language models"), TOKENS, "sum"),
    Meter("model_requests", _("Requests to language models"), TOKENS, "count"),
    Meter("largest_request_tokens", _("Tokens of the largest request to a language model"), TOKENS, "max"),
)
