"""How much of a product can be bought."""

from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.accounts.selectors import count_members
from apps.billing.catalogue import Product
from apps.core.errors import ConflictError, InvalidInputError

REFUSALS = ("invalid_quantity", "too_few_seats")


def check_quantity(organization: Organization, product: Product, quantity: int) -> None:
    """Raises `InvalidInputError` outside of what is sold, `ConflictError` for fewer seats than there are members."""
    if not 1 <= quantity <= product.most_at_once:
        raise InvalidInputError(
            _("The quantity is between 1 and %(most)s.") % {"most": product.most_at_once}, code="invalid_quantity"
        )
    if product.seats and quantity < (members := count_members(organization.pk)):
        raise ConflictError(
            _("%(members)s people are members: remove some before you take fewer seats.") % {"members": members},
            code="too_few_seats",
        )


def least_of(organization: Organization, product: Product) -> int:
    """The smallest quantity that makes sense: a seat for each member."""
    return max(count_members(organization.pk), 1) if product.seats else 1
