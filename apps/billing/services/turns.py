"""Taking turns: what an organization pays and has is changed by one after the other."""

import uuid

from apps.accounts.models import Organization


def take_turn(organization_id: uuid.UUID) -> None:
    """Until the transaction ends nobody else has a turn with this organization.

    It comes before any lock of a row that belongs to it and before any account of the ledger: two who took those in
    different orders would wait for each other. Taken again it costs a query.
    """
    Organization.objects.select_for_update(of=("self",), no_key=True).filter(pk=organization_id).first()
