"""What the platform costs and brings in, by day. All amounts are cents of US dollars."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.money import Money

CURRENCY = "USD"
MOST = 10**12  # cents of one bill


class Category(models.TextChoices):
    """What money is spent on. Taxes that customers paid are not among it: they were never ours."""

    HOSTING = "hosting", _("Hosting")
    FRONTEND = "frontend", _("Front-end hosting")
    AI = "ai", _("AI provider")
    KEY_VALUE = "key_value", _("Key-value store")
    MAIL = "mail", _("Mail")
    OTHER = "other", _("Other")


TAX = "tax"


class InfrastructureCost(Entity):
    """A bill that staff enter: so much a month, in equal parts for its days, or once on a day.

    Of a month that lies in its time only in part, those days cost their share.
    """

    public_prefix = "icost"

    class Kind(models.TextChoices):
        MONTHLY = "monthly", _("Every month")
        ONCE = "once", _("Once")

    label = models.CharField(_("what"), max_length=120)
    category = models.CharField(_("category"), max_length=10, choices=Category.choices)
    kind = models.CharField(_("how often"), max_length=8, choices=Kind.choices, default=Kind.MONTHLY)
    amount = models.PositiveBigIntegerField(_("amount in cents"))
    first_day = models.DateField(_("from"))
    last_day = models.DateField(_("until, the day included"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("infrastructure cost")
        verbose_name_plural = _("infrastructure costs")
        ordering = ("-first_day", "-pk")
        constraints = (
            models.CheckConstraint(
                condition=Q(last_day=None) | Q(last_day__gte=F("first_day")),
                name="cost_ends_after_it_begins",
                violation_error_message=_("It ends before it begins."),
            ),
            models.CheckConstraint(
                condition=Q(kind="monthly") | Q(last_day=None),
                name="cost_of_once_has_one_day",
                violation_error_message=_("What is paid once has one day."),
            ),
            models.CheckConstraint(
                condition=Q(amount__lte=MOST),
                name="cost_amount_is_sane",
                violation_error_message=_("This is more than any bill."),
            ),
        )

    def __str__(self) -> str:
        return self.label

    @property
    def money(self) -> Money:
        """Of a month, or once."""
        return Money(self.amount, CURRENCY)


class Reckoned:
    """What follows from the sums of a day, or of several together."""

    def amount(self, column: str) -> int:
        """One of the sums: a category, "revenue", "tax" or "fees"."""
        raise NotImplementedError

    @property
    def infrastructure(self) -> int:
        """All costs but Stripe's fees."""
        return sum(self.amount(category) for category in Category.values)

    @property
    def costs(self) -> int:
        """All costs, fees too."""
        return self.infrastructure + self.amount("fees")

    @property
    def earned(self) -> int:
        """The revenue without taxes, which were never ours."""
        return self.amount("revenue") - self.amount(TAX)

    @property
    def margin(self) -> int:
        """What is left of what was earned."""
        return self.earned - self.costs

    @property
    def margin_percent(self) -> Decimal | None:
        """The same as a share of what was earned; None where nothing was, or more went back than came."""
        return Decimal(self.margin) * 100 / self.earned if self.earned > 0 else None


class CostDay(Reckoned, Entity):
    """A day (UTC): what it cost by category, what came in through Stripe, and what Stripe took. Made anew each time it
    is collected. Costs and add-on revenue are the sums of its lines.

    `revenue` is what customers paid, less what went back; `tax` of it belongs to states. `fees_estimated`: Stripe did
    not tell, so revenue is that of our own rows and fees are 2.9 % and 30 cents a payment, until it does. `balance` is
    what was at Stripe when the day was collected first.
    """

    public_prefix = "cday"

    day = models.DateField(_("day"), unique=True)
    hosting = models.BigIntegerField(_("hosting"), default=0)
    frontend = models.BigIntegerField(_("front-end"), default=0)
    ai = models.BigIntegerField(_("AI"), default=0)
    key_value = models.BigIntegerField(_("key-value store"), default=0)
    mail = models.BigIntegerField(_("mail"), default=0)
    other = models.BigIntegerField(_("other"), default=0)
    revenue = models.BigIntegerField(_("Stripe revenue"), default=0)
    tax = models.BigIntegerField(_("taxes in it"), default=0)
    fees = models.BigIntegerField(_("Stripe fees"), default=0)
    fees_estimated = models.BooleanField(_("estimated"), default=False)
    addon = models.BigIntegerField(_("add-on revenue"), default=0)
    balance = models.BigIntegerField(_("Stripe balance"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    collected_at = models.DateTimeField(_("collected"), default=now)

    class Meta:
        verbose_name = _("day of costs")
        verbose_name_plural = _("days of costs")
        ordering = ("-day",)

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"

    def amount(self, column: str) -> int:
        """One of its sums, by its name."""
        return int(getattr(self, column))


class CostLine(models.Model):
    """One part of a day: a bill, a vendor's figure, a product's revenue."""

    class Kind(models.TextChoices):
        COST = "cost", _("Cost")
        REVENUE = "revenue", _("Revenue")

    CATEGORIES = (*Category.choices, (TAX, _("Taxes")))

    cost_day = models.ForeignKey(CostDay, verbose_name=_("day"), on_delete=models.CASCADE, related_name="lines")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    category = models.CharField(_("category"), max_length=10, choices=CATEGORIES, blank=True)  # of a cost
    source = models.CharField(_("source"), max_length=80, blank=True)  # empty: staff entered it
    label = models.CharField(_("what"), max_length=120)
    amount = models.BigIntegerField(_("amount"))

    class Meta:
        verbose_name = _("line of a day's costs")
        verbose_name_plural = _("lines of a day's costs")
        ordering = ("pk",)

    def __str__(self) -> str:
        return self.label


class KeyValueHour(models.Model):
    """What Redis did in the hour that ended at `hour` (UTC). `commands_total` is its own counter, from which the next
    hour's are worked out."""

    hour = models.DateTimeField(_("hour"), unique=True)
    commands = models.PositiveBigIntegerField(_("commands"))
    commands_total = models.PositiveBigIntegerField(_("commands since its start"))
    server = models.CharField(_("server"), max_length=40)  # its run id: another one began to count anew
    memory_bytes = models.PositiveBigIntegerField(_("memory"))
    cost = models.DecimalField(_("cost in cents"), max_digits=16, decimal_places=8)

    class Meta:
        verbose_name = _("hour of Redis")
        verbose_name_plural = _("hours of Redis")
        ordering = ("-hour",)

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}:00"


class CostForecast(Entity):
    """What the days from `first` to `last` will cost together, said before the first is over, with a range that should
    hold four times out of five. `actual` follows when they are over."""

    public_prefix = "cfc"

    first = models.DateField(_("from"), unique=True)
    last = models.DateField(_("until"))
    expected = models.BigIntegerField(_("expected"))
    low = models.BigIntegerField(_("at least"))
    high = models.BigIntegerField(_("at most"))
    known = models.BigIntegerField(_("of it known bills"))
    days_seen = models.PositiveIntegerField(_("days looked at"))
    method = models.CharField(_("method"), max_length=200)
    actual = models.BigIntegerField(_("what it was"), null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=now)

    class Meta:
        verbose_name = _("cost forecast")
        verbose_name_plural = _("cost forecasts")
        ordering = ("-first",)
        constraints = (
            models.CheckConstraint(
                condition=Q(low__lte=F("expected"), expected__lte=F("high")), name="cost_forecast_lies_in_its_range"
            ),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="cost_forecast_ends_after_it_begins"),
        )
        indexes = (models.Index(fields=("last",), condition=Q(actual=None), name="cost_forecast_to_score"),)

    def __str__(self) -> str:
        return f"{self.first:%Y-%m-%d} – {self.last:%Y-%m-%d}"

    @property
    def held(self) -> bool | None:
        """Whether it came to lie in the range; None while nobody knows."""
        return None if self.actual is None else self.low <= self.actual <= self.high
