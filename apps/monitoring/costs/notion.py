"""The cost sheet as a table at Notion."""

from collections.abc import Iterator

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.monitoring.figures import in_dollars
from apps.monitoring.models import CostDay

DOLLARS = ("Infrastructure", "Front-end", "AI", "Stripe Revenue", "Stripe Fees", "Add-on Revenue", "Net Margin")


def rows() -> Iterator[NotionRow]:
    """A row a day. The first three columns are all costs together but Stripe's fees."""
    for row in CostDay.objects.order_by("day").iterator(chunk_size=500):
        share = row.margin_percent
        yield NotionRow(
            row.public_id,
            {
                "Name": f"{row.day:%Y-%m-%d}",
                "Date": row.day,
                "Infrastructure": in_dollars(row.infrastructure - row.frontend - row.ai),
                "Front-end": in_dollars(row.frontend),
                "AI": in_dollars(row.ai),
                "Stripe Revenue": in_dollars(row.revenue),
                "Stripe Fees": in_dollars(row.fees),
                "Add-on Revenue": in_dollars(row.addon),
                "Net Margin": in_dollars(row.margin),
                "Margin %": None if share is None else round(share / 100, 4),  # Notion shows a share as per cent
            },
        )


COST = NotionDatabase(
    "cost",
    "Cost",
    (
        NotionProperty("Name", "title"),
        NotionProperty("Date", "date"),
        *(NotionProperty(name, "number", format="dollar") for name in DOLLARS),
        NotionProperty("Margin %", "number", format="percent"),
    ),
    rows,
)
