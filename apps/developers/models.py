"""Guides that people write at Notion, as they were received last."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class NotionGuide(models.Model):
    """A page of the table “Dev Docs”. What can't be shown keeps its last good version, and says why."""

    id = models.BigAutoField(primary_key=True)
    page_id = models.CharField(_("page"), max_length=40, unique=True)
    link = models.CharField(max_length=500, blank=True)
    slug = models.SlugField(_("slug"), max_length=60, blank=True)
    title = models.CharField(_("title"), max_length=120, blank=True)
    position = models.FloatField(_("order"), null=True, blank=True)
    source = models.TextField(_("text"), blank=True, help_text=_("Markdown, which begins with the title."))
    published = models.BooleanField(_("published"), default=False)
    problem = models.CharField(_("problem"), max_length=300, blank=True)
    received_at = models.DateTimeField(_("received"))
    shown_since = models.DateTimeField(_("this version since"), null=True, blank=True)

    class Meta:
        verbose_name = _("guide from Notion")
        verbose_name_plural = _("guides from Notion")
        ordering = ("position", "title")

    def __str__(self) -> str:
        return self.title or self.page_id
