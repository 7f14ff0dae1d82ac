"""dj-stripe's tables, and nothing of dj-stripe that runs (decision 18). It finds a key in no setting."""

MIGRATION_MODULES = {"djstripe": "apps.integrations.stripe.migrations"}
DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
DJSTRIPE_SUBSCRIBER_MODEL = "djstripe.Account"  # never filled; people and organizations live on a higher floor
DJSTRIPE_SUBSCRIBER_CUSTOMER_KEY = ""
