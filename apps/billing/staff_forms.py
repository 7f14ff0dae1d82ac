"""Forms of staff: what goes back of a payment, and what is given to a customer."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import get_currency_precision
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.billing.catalogue import catalogue
from apps.billing.models import AbuseFlag, Customer, Payment, Refund
from apps.billing.services.coupons import CODE
from apps.billing.services.credits import MOST_GIVEN
from apps.billing.services.refunds import refundable
from apps.core.clock import now
from apps.core.templatetags.levqor import money

GIVEN_FOR = 90  # days


class RefundForm(forms.Form):
    """How much of a payment goes back, and why. `minor` is the amount in minor units."""

    amount = forms.DecimalField()
    reason = forms.ChoiceField(label=_("Reason"), choices=Refund.Reason.choices)
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("For colleagues; the customer does not see it."),
    )

    def __init__(self, row: Payment, data: Any = None) -> None:
        self.left = refundable(row)
        super().__init__(data, initial={"amount": self.left.decimal})
        self.fields["amount"] = forms.DecimalField(
            label=translated("Amount in %(currency)s") % {"currency": row.currency},
            decimal_places=get_currency_precision(row.currency),
            max_digits=15,
            help_text=translated("%(left)s of %(paid)s is left.")
            % {"left": money(self.left), "paid": money(row.money)},
        )

    def clean_amount(self) -> Decimal:
        """Something, and no more than is left."""
        amount: Decimal = self.cleaned_data["amount"]
        if amount <= 0:
            raise ValidationError(translated("Enter an amount above zero."))
        if amount > self.left.decimal:
            raise ValidationError(translated("At most %(left)s can be refunded.") % {"left": money(self.left)})
        return amount

    def clean(self) -> dict[str, Any]:
        """With the amount in minor units."""
        cleaned: dict[str, Any] = super().clean() or {}
        if "amount" in cleaned:
            cleaned["minor"] = int(cleaned["amount"].scaleb(get_currency_precision(self.left.currency)))
        return cleaned


class HoldForm(forms.Form):
    """Why somebody buys nothing for now."""

    reason = forms.CharField(
        label=_("Reason"), min_length=3, max_length=200, help_text=_("For colleagues; the customer does not see it.")
    )

    def __init__(self, _row: Customer, data: Any = None) -> None:
        super().__init__(data)


class SettleForm(forms.Form):
    """What came of looking at a sign of abuse."""

    note = forms.CharField(label=_("Note"), min_length=3, max_length=300, help_text=_("What you found and did."))

    def __init__(self, _row: AbuseFlag, data: Any = None) -> None:
        super().__init__(data)


class _UntilForm(forms.Form):
    """Something that lasts until the end of a day."""

    until = forms.DateField(
        label=_("Until"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("The last day on which it can be used, UTC."),
    )

    def clean_until(self) -> datetime | None:
        """The end of that day, which is to come."""
        day = self.cleaned_data["until"]
        if day is None:
            return None
        if day < now().date():
            raise ValidationError(translated("This day is over."))
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)


class CreditsForm(_UntilForm):
    """So many calls for nothing."""

    calls = forms.IntegerField(label=_("Calls"), min_value=1, max_value=MOST_GIVEN)
    reason = forms.CharField(
        label=_("Reason"), min_length=3, max_length=200, help_text=_("The customer sees it beside the credits.")
    )

    field_order = ("calls", "reason", "until")

    def __init__(self, _row: Customer, data: Any = None) -> None:
        super().__init__(data, initial={"until": now().date() + timedelta(days=GIVEN_FOR)})


class CouponForm(_UntilForm):
    """A coupon of the catalogue under a code of its own."""

    coupon = forms.ChoiceField(label=_("Coupon"))
    code = forms.CharField(
        label=_("Code"),
        required=False,
        max_length=40,
        help_text=_("4 to 40 letters, digits and hyphens. Empty: one is made."),
    )

    field_order = ("coupon", "code", "until")

    def __init__(self, _row: Customer, data: Any = None) -> None:
        super().__init__(data)
        self.fields["until"].required = False
        self.fields["until"].help_text = translated("The last day on which it can be used, UTC. Empty: any day.")
        field = self.fields["coupon"]
        if isinstance(field, forms.ChoiceField):
            current = [coupon for coupon in catalogue().coupons.values() if coupon.is_current]
            field.choices = [(one.code, f"{one.name} ({one.percent:f} %)") for one in current]

    def clean_code(self) -> str:
        """In small letters, as codes are kept."""
        code: str = self.cleaned_data["code"].strip().lower()
        if code and not CODE.fullmatch(code):
            raise ValidationError(translated("A code has 4 to 40 letters, digits and hyphens."))
        return code
