"""Forms of billing."""

from django import forms
from django.utils.translation import gettext_lazy as _


class OrderForm(forms.Form):
    """What to buy, how much of it, and a coupon."""

    price = forms.SlugField(max_length=40)
    quantity = forms.IntegerField(label=_("Quantity"), min_value=1, max_value=10_000, required=False)
    coupon = forms.CharField(label=_("Coupon"), max_length=40, required=False)

    def clean_quantity(self) -> int:
        """One, where nothing is said."""
        return self.cleaned_data["quantity"] or 1
