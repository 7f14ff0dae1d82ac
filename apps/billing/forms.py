"""Forms of billing: what people type, checked; services decide."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.catalogue import Product
from apps.billing.services.allowances import MOST_SPEND
from apps.usage.plans import API_CREDITS

# Stripe's names of tax ids, for those who buy most.
TAX_IDS = (
    ("eu_vat", gettext_lazy("EU VAT number")),
    ("gb_vat", gettext_lazy("UK VAT number")),
    ("us_ein", gettext_lazy("US EIN")),
    ("ch_vat", gettext_lazy("Swiss VAT number")),
    ("no_vat", gettext_lazy("Norwegian VAT number")),
    ("au_abn", gettext_lazy("Australian business number")),
    ("ca_gst_hst", gettext_lazy("Canadian GST/HST number")),
    ("in_gst", gettext_lazy("Indian GST number")),
    ("nz_gst", gettext_lazy("New Zealand GST number")),
    ("sg_gst", gettext_lazy("Singaporean GST number")),
    ("jp_cn", gettext_lazy("Japanese corporate number")),
)
CENTS = 100


class QuantityForm(forms.Form):
    """How much of a product: a field where there is a choice."""

    quantity = forms.IntegerField(required=False)

    def __init__(self, product: Product, *args: Any, least: int = 1, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least = least
        most = product.most_at_once
        field = forms.IntegerField(
            label=_quantity_label(product),
            help_text=_quantity_hint(product, least, most),
            min_value=1,
            max_value=most,
            required=most > 1,
            widget=forms.NumberInput(attrs={"inputmode": "numeric"}) if most > 1 else forms.HiddenInput(),
            error_messages={name: _between(least, most) for name in ("min_value", "max_value", "invalid", "required")},
        )
        self.fields["quantity"] = field

    def clean_quantity(self) -> int:
        """One, where there is no choice."""
        return int(self.cleaned_data["quantity"] or 1)

    @property
    def wanted(self) -> int | None:
        """The quantity as far as it is typed; none as long as it is none that is sold."""
        if not self.is_bound:
            return int(self.initial.get("quantity") or 1)
        return None if self.errors.get("quantity") else int(self.cleaned_data["quantity"])


class CheckoutForm(QuantityForm):
    """What to buy, how much of it, and a coupon."""

    price = forms.SlugField(max_length=40, widget=forms.HiddenInput)
    coupon = forms.CharField(
        label=gettext_lazy("Coupon"),
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    @property
    def typed_coupon(self) -> str:
        """The coupon as far as it is typed; none where it is longer than any."""
        if not self.is_bound:
            return str(self.initial.get("coupon") or "")
        return "" if self.errors.get("coupon") else str(self.cleaned_data["coupon"])


class ChangeForm(QuantityForm):
    """What a subscription is changed to, as it was shown."""

    price = forms.SlugField(max_length=40, widget=forms.HiddenInput)
    at = forms.DateTimeField(widget=forms.HiddenInput)
    period_end = forms.DateTimeField(widget=forms.HiddenInput)


class SpendCapForm(forms.Form):
    """The most that a month's overage may cost, in dollars."""

    cap = forms.DecimalField(
        label=gettext_lazy("Most a month, in US dollars"),
        help_text=gettext_lazy(
            "Further calls are refused from there on. Leave it empty for no limit, 0 for no overage."
        ),
        min_value=0,
        max_value=MOST_SPEND // CENTS,
        decimal_places=2,
        required=False,
        widget=forms.NumberInput(attrs={"step": "0.01", "inputmode": "decimal"}),
        error_messages={
            "min_value": gettext_lazy("The limit is between $0 and $100,000."),
            "max_value": gettext_lazy("The limit is between $0 and $100,000."),
        },
    )

    @property
    def minor(self) -> int | None:
        """The limit in cents."""
        cap: Decimal | None = self.cleaned_data["cap"]
        return None if cap is None else int(cap * CENTS)


class TaxIdForm(forms.Form):
    """A tax id that bills should name."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind"), choices=TAX_IDS)
    value = forms.CharField(
        label=gettext_lazy("Number"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "placeholder": "DE123456789"}),
    )


def _between(least: int, most: int) -> str:
    return _("A whole number between %(least)s and %(most)s.") % {"least": least, "most": f"{most:,}"}


def _quantity_hint(product: Product, least: int, most: int) -> str:
    if product.seats and least > 1:
        return _("At least %(least)s, one for each member, up to %(most)s.") % {"least": least, "most": most}
    if product.seats:
        return _("One for each member, up to %(most)s.") % {"most": most}
    return _("Up to %(most)s at once.") % {"most": f"{most:,}"} if most > 1 else ""


def _quantity_label(product: Product) -> str:
    if product.seats:
        return _("Seats")
    return _("Thousands of calls") if API_CREDITS in product.grants else _("Quantity")
