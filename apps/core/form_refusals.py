"""Refusals of services, beside the form that asked."""

from django import forms

from apps.core.errors import DomainError


def add_refusal(form: forms.BaseForm, refusal: DomainError, field: str | None = None) -> None:
    """Show a refusal at the form, or at one of its fields. It keeps its code: what a larger plan allows leads there."""
    form.add_error(field, forms.ValidationError(str(refusal.detail), code=refusal.code))
