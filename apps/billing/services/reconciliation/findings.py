"""What a comparison has found so far, and how it is made: in batches, and of what does not move meanwhile."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet, Sum
from django.db.models.expressions import Value
from django.db.models.functions import StrIndex, Substr

from apps.billing.models import Difference
from apps.core.ids import Entity, InvalidIdError
from apps.integrations.stripe.watching import note
from apps.ledger.models import Resolution, Transfer

MISSING = "–"
BATCH = 1_000
Item = TypeVar("Item")


@dataclass(frozen=True)
class Span:
    """What is compared: from `begin` until `end`. What has an event of later is `moving`: it may be on its way."""

    begin: datetime
    end: datetime
    moving: frozenset[str] = frozenset()

    def __contains__(self, moment: datetime) -> bool:
        return self.begin <= moment <= self.end


@dataclass(frozen=True)
class Compared:
    """One thing as we have it and as it should be. `look` is what of Stripe's puts it right by being looked at."""

    kind: str
    subject: str
    ours: object
    theirs: object
    organization: UUID | None = None
    look: tuple[str, str] | None = None

    @property
    def agrees(self) -> bool:
        """Whether there is no difference."""
        return self.ours == self.theirs


@dataclass
class Findings:
    """How many of each kind were compared, and what did not agree."""

    compared: dict[str, int] = field(default_factory=dict)
    lines: list[Difference] = field(default_factory=list)

    def take(self, one: Compared) -> None:
        """Note one comparison; what it finds is looked at again."""
        self._count(one)
        if not one.agrees:
            self._keep(one)

    def check(self, keys: Iterable[Item], read: Callable[[list[Item]], Iterable[tuple[Item, Compared]]]) -> None:
        """Compare what `read` reads of these keys. What seems wrong is read once more: it may have been changed between
        two queries."""
        for batch in batches(keys):
            suspects = []
            for key, one in read(batch):
                self._count(one)
                if not one.agrees:
                    suspects.append(key)
            if suspects:
                for _key, one in read(list(dict.fromkeys(suspects))):
                    if not one.agrees:
                        self._keep(one)

    def _count(self, one: Compared) -> None:
        self.compared[one.kind] = self.compared.get(one.kind, 0) + 1

    def _keep(self, one: Compared) -> None:
        self.lines.append(
            Difference(
                kind=one.kind, subject=one.subject[:120], ours=str(one.ours)[:200], theirs=str(one.theirs)[:200],
                organization_id=one.organization,
            )
        )  # fmt: skip
        if one.look is not None:
            note(*one.look)


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """So many at a time as one query asks for."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def keys_of(rows: QuerySet[Any]) -> Iterator[UUID]:
    """The keys of these rows, as a stream."""
    return rows.order_by("pk").values_list("pk", flat=True).iterator(chunk_size=BATCH)


def own_key(model: type[Entity], public_id: str) -> UUID | None:
    """The key of a row by its public id; None for what is none of this kind."""
    try:
        return model.parse_public_id(public_id)
    except InvalidIdError:
        return None


def money(**parts: int) -> str:
    """Amounts by what they are: "paid 1900, refunded 100"."""
    return ", ".join(f"{name} {minor}" for name, minor in parts.items())


class Flows:
    """What was booked for some subjects: by the family of account ("receivable" of "receivable:org_…:USD"), debits less
    credits. What was given back does not count."""

    def __init__(self, subjects: Iterable[str]) -> None:
        self._all: dict[tuple[str, str], int] = {}
        self._held: dict[tuple[str, str], int] = {}
        made = Transfer.objects.filter(subject__in=list(subjects))
        made = made.exclude(resolution__outcome=Resolution.Outcome.VOIDED)
        for side, sign in (("debit", 1), ("credit", -1)):
            key = f"{side}__key"
            family = Substr(key, 1, StrIndex(key, Value(":")) - 1)
            rows = made.values_list("subject", family, "is_pending", "resolution__outcome").order_by()
            for subject, name, pending, outcome, total in rows.annotate(sum=Sum("amount")):
                self._add(self._all, subject, name, sign * total)
                if pending and outcome is None:
                    self._add(self._held, subject, name, sign * total)

    def debited(self, subject: str, *families: str) -> int:
        """All that was booked, what is held included."""
        return sum(self._all.get((subject, name), 0) for name in families)

    def held(self, subject: str, *families: str) -> int:
        """What of it is held still."""
        return sum(self._held.get((subject, name), 0) for name in families)

    @staticmethod
    def _add(sums: dict[tuple[str, str], int], subject: str, family: str, amount: int) -> None:
        sums[subject, family] = sums.get((subject, family), 0) + amount
