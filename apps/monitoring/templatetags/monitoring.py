"""Figures in templates of monitoring."""

from decimal import Decimal

from django import template

from apps.monitoring import figures

register = template.Library()


@register.filter
def dollars(value: int | Decimal | None) -> str:
    """Cents as money."""
    return figures.dollars(value)


@register.filter
def share(value: Decimal | None) -> str:
    """Per cent."""
    return figures.percent(value)
