"""Forms of usage: the limits that staff set, and why they take something back."""

from typing import Any

from django import forms
from django.utils.translation import gettext as translated
from django.utils.translation import gettext_lazy as _

from apps.core.templatetags.levqor import number
from apps.usage.models import OrganizationLimits, UsageEvent
from apps.usage.plans import PLANS, Plan

MOST_CALLS, MOST_PER_MINUTE = 10**12, 10**6


class LimitsForm(forms.Form):
    """A plan, and what goes before its figures."""

    plan = forms.ChoiceField(label=_("Plan"))
    calls = forms.IntegerField(
        label=_("Calls a month"),
        required=False,
        min_value=0,
        max_value=MOST_CALLS,
        help_text=_("Empty: as many as the plan includes."),
    )
    per_minute = forms.IntegerField(
        label=_("Calls a minute"),
        required=False,
        min_value=1,
        max_value=MOST_PER_MINUTE,
        help_text=_("Empty: as many as the plan allows."),
    )

    def __init__(self, row: OrganizationLimits, data: Any = None) -> None:
        initial = {"plan": row.plan, "calls": row.calls, "per_minute": row.per_minute}
        super().__init__(data, initial=initial)
        field = self.fields["plan"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(plan.code, _described(plan)) for plan in PLANS.values()]


class CorrectionForm(forms.Form):
    """Why something is taken back."""

    reason = forms.CharField(label=_("Reason"), min_length=5, max_length=300, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, _row: UsageEvent, data: Any = None) -> None:
        super().__init__(data)


def _described(plan: Plan) -> str:
    """Two plans have one name: their figures tell them apart."""
    calls = translated("unlimited") if plan.calls is None else number(plan.calls)
    plain, soft = (
        translated("%(name)s: %(calls)s calls"),
        translated("%(name)s: %(calls)s calls, further ones are billed"),
    )
    return (soft if plan.soft else plain) % {"name": plan.name, "calls": calls}
