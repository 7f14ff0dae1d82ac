"""What Stripe last told us of an object, in dj-stripe's tables: to look up, to count and to join without asking Stripe.

dj-stripe's own way in (`sync_from_stripe_data`) keeps the secret key as a row, and calls Stripe for the account behind
it and for every object that is named and not there. Here its models and the conversions of its fields are used, no
more: nothing is fetched, and no key is needed.
"""

from collections.abc import Mapping
from typing import Any

from django.db import models
from djstripe.fields import StripeForeignKey
from djstripe.models import (
    Charge,
    Coupon,
    Customer,
    Dispute,
    Invoice,
    PaymentIntent,
    Price,
    Product,
    Refund,
    Session,
    StripeModel,
    Subscription,
)

from apps.core.json_values import storable
from apps.integrations.stripe.kept import id_of, kept

# By what Stripe calls them, in the order in which rows are made: never two transactions in opposite orders.
MODELS: dict[str, type[StripeModel]] = {
    "customer": Customer,
    "product": Product,
    "price": Price,
    "coupon": Coupon,
    "subscription": Subscription,
    "invoice": Invoice,
    "payment_intent": PaymentIntent,
    "charge": Charge,
    "refund": Refund,
    "dispute": Dispute,
    "checkout.session": Session,
}
_IDENTITY = {Coupon: ("id", "livemode")}  # its id is our own word, the same in test and live mode; others have one id
_ORDER = list(MODELS.values())
_OURS = {"djstripe_id", "djstripe_created", "djstripe_updated", "date_purged"}
_OF_A_ROW = {"id", "livemode", "created", "djstripe_created"}  # what stays of an object that is gone

_NAMELESS = {"currency": ""}  # an invoice of dj-stripe's can't be written in words without


def mirror(kind: str, raw: Mapping[str, Any]) -> None:
    """Store an object as it is now, given as Stripe sends it, in the caller's transaction.

    Once or often, in any order. What it belongs to and has not come yet gets a row with no more than its id, which its
    own coming fills. Objects given in full inside of it are not stored for themselves. Of kinds that have no place here
    (payment methods, meters, events) nothing is stored, nor of a refund without a charge or an invoice without a
    customer, which dj-stripe's tables can't hold. Raises `ValueError` for an object of another kind.
    """
    if raw.get("object") != kind:
        raise ValueError(f"{raw.get('object')!r} is no {kind}")
    model = MODELS.get(kind)
    if model is None:
        return
    if raw.get("deleted"):
        forget(kind, str(raw["id"]))
        return
    related = _related(model, raw)
    row = {**_columns(model, kept(kind, raw)), **{field.attname: key for field, key in related.items()}}
    if not _is_complete(model, row):
        return
    identity = _IDENTITY.get(model, ("id",))
    model._default_manager.bulk_create(
        [model(**row)],
        update_conflicts=True,
        unique_fields=identity,
        update_fields=[name for name in (*row, "djstripe_updated") if name not in identity],
    )


def forget(kind: str, object_id: str) -> None:
    """Keep of an object that was deleted at Stripe what Stripe keeps: its id, for those that it had."""
    model = MODELS.get(kind)
    if model is None:
        return
    gone = _columns(model, {"id": object_id, "object": kind, "deleted": True, **_NAMELESS})
    model._default_manager.filter(id=object_id).update(
        **{name: value for name, value in gone.items() if name not in _OF_A_ROW}
    )


def _columns(model: type[StripeModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a row besides its relations, each as its field reads it; what is not said is empty, no or zero."""
    data = storable(dict(data))
    row: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.is_relation or field.name in _OURS:
            continue
        value = field.stripe_to_db(data) if hasattr(field, "stripe_to_db") else data.get(field.name)
        row[field.name] = _nothing(field) if value is None and not field.null else value
    row["stripe_data"] = data
    if model in _IDENTITY:
        row["livemode"] = bool(row["livemode"])
    return row


def _nothing(field: Any) -> Any:
    return "" if field.empty_strings_allowed else False if isinstance(field, models.BooleanField) else 0


def _related(model: type[StripeModel], raw: Mapping[str, Any]) -> dict[StripeForeignKey, str | None]:
    """What the object belongs to, by the columns for it. Whatever of that has no row has one from here on."""
    said = dict(raw)
    if model is Invoice and "subscription" not in said:  # moved in 2025; dj-stripe looks where it was
        said["subscription"] = ((said.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    fields = [field for field in model._meta.concrete_fields if isinstance(field, StripeForeignKey)]
    related = {field: id_of(said.get(field.name)) or None for field in fields if field.related_model in _ORDER}
    for field in sorted(related, key=lambda field: _ORDER.index(field.related_model)):
        key = related[field]
        if key and not _has_room(field.related_model, key, {field.name: key for field, key in related.items()}):
            related[field] = None
    return related


def _has_room(model: type[StripeModel], key: str, related: Mapping[str, str | None]) -> bool:
    """Make a row with no more than its id, unless there is a row. It belongs to what the object that names it does."""
    rows = model._default_manager
    if rows.filter(id=key).exists():
        return True
    row = _columns(model, {"id": key, **_NAMELESS})
    for field in model._meta.concrete_fields:
        if field.is_relation and not field.null:
            row[field.attname] = related.get(field.name)
    if _is_complete(model, row):
        rows.bulk_create([model(**row)], ignore_conflicts=True)
        return True
    return False


def _is_complete(model: type[StripeModel], row: Mapping[str, Any]) -> bool:
    """Whether the relations are there without which the table takes no row."""
    needed = [field for field in model._meta.concrete_fields if field.is_relation and not field.null]
    return all(row.get(field.attname) for field in needed)
