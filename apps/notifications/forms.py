"""Forms of staff: channels by kind, types by pattern, words with a preview."""

import re
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.template import TemplateSyntaxError
from django.utils.functional import lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from apps.core.kinds import AlertType
from apps.core.registry import registry
from apps.notifications.channels import is_readable_on_the_way, masked, refusal_of, scheme_of
from apps.notifications.models import AlertChannel, AlertTemplate, EscalationRule, MaintenanceWindow
from apps.notifications.routing import matches
from apps.notifications.selectors import latest_values
from apps.notifications.wording import preview

MOST_PATTERNS = 50
BOT_TOKEN = re.compile(r"[0-9]{6,12}:[A-Za-z0-9_-]{30,64}")
CHAT = re.compile(r"-?[0-9]{3,20}|@[A-Za-z0-9_]{4,32}")
SLACK_HOOK = re.compile(r"https://hooks\.slack\.com/services/([A-Z0-9]+)/([A-Z0-9]+)/([A-Za-z0-9]+)/?")
SLACK_TOKEN = re.compile(r"xox[bp]-[A-Za-z0-9-]{20,200}")
SLACK_ROOM = re.compile(r"#?[A-Za-z0-9_-]{1,80}")


class PatternsField(forms.CharField):
    """A list of words, of which some may end in a star, separated by commas."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        """The list as text."""
        return ", ".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """The text as a list, each pattern once."""
        parts = [part.strip() for part in (value or "").replace("\n", ",").split(",")]
        found = list(dict.fromkeys(part for part in parts if part))
        if len(found) > MOST_PATTERNS or any(len(part) > 120 for part in found):
            raise ValidationError(gettext("At most %(most)d, of 120 characters each.") % {"most": MOST_PATTERNS})
        return found


def _known_codes() -> str:
    return ", ".join(sorted(kind.code for kind in registry(AlertType).all()))


class CodesField(PatternsField):
    """Types of alarm, each of which exists."""

    def __init__(self, **options: Any) -> None:
        words = _("Types of alarm, separated by commas; “job_*” is all that begin so. Empty: all. There are: %s")
        help_text = lazy(lambda: words % _known_codes(), str)()
        super().__init__(**{"label": _("Types"), "required": False, "help_text": help_text, **options})

    def to_python(self, value: Any) -> Any:
        """Refuses a pattern that no type fits: it would be a mistake in writing."""
        found = super().to_python(value)
        known = [kind.code for kind in registry(AlertType).all()]
        for pattern in found:
            if not any(matches([pattern], code) for code in known):
                raise ValidationError(gettext("There is no type of alarm “%(pattern)s”.") % {"pattern": pattern[:60]})
        return found


def _secret(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )


def _text(label: Any, help_text: Any = "") -> forms.CharField:
    return forms.CharField(
        label=label, help_text=help_text, required=False, max_length=500, widget=UnfoldAdminTextInputWidget()
    )


class ChannelForm(forms.ModelForm):
    """A channel by what its kind needs. What is left empty stays as it is; nothing of it is ever shown again."""

    bot_token = _secret(_("Bot token"), _("As BotFather gave it: 123456789:AA…"))
    chat = _text(_("Chat"), _("Its number, or @name of a public channel. The bot must be a member."))
    slack = _secret(_("Incoming webhook or bot token"), _("https://hooks.slack.com/services/… or xoxb-…"))
    room = _text(_("Channel"), _("With a bot token: #name, into which the bot was invited."))
    mail = _text(_("Mail address"))
    hook = _text(_("Webhook"), _("https://… that takes JSON by POST."))
    signing = _secret(_("Signing secret"), _("whsec_… Empty: it is not signed. Signed as Standard Webhooks has it."))
    other = _secret(
        _("Address of apprise"), _("ntfy://…, discord://…, workflows://… (Teams), pagerduty://… or others.")
    )
    codes = CodesField()

    class Meta:
        model = AlertChannel
        fields = ("name", "kind", "least_severity", "rings_from", "codes", "escalations_only", "enabled")

    def clean(self) -> dict[str, Any]:
        """Make the address of what the kind needs."""
        cleaned: dict[str, Any] = super().clean() or {}
        kind = cleaned.get("kind")
        if kind and not self.errors:
            build = {
                AlertChannel.Kind.TELEGRAM: self._telegram,
                AlertChannel.Kind.SLACK: self._slack,
                AlertChannel.Kind.MAIL: self._mail,
                AlertChannel.Kind.WEBHOOK: self._webhook,
                AlertChannel.Kind.OTHER: self._other,
            }[AlertChannel.Kind(kind)]
            url = build(cleaned)
            if url and not self.errors and settings.LEVQOR_ENV == "production" and is_readable_on_the_way(url):
                secure = {"scheme": f"{scheme_of(url)}s"}
                self.add_error(None, gettext("Enter an address that begins with %(scheme)s://.") % secure)
            if url and not self.errors and (why := refusal_of(url)):
                self.add_error(None, why)
            if not url and not self.errors and ("kind" in self.changed_data or not self.instance.shown_url):
                self.add_error(None, gettext("Fill in what this kind of channel needs."))
            cleaned["built_url"] = url
        return cleaned

    def save(self, commit: bool = True) -> AlertChannel:
        """With the new address, if there is one."""
        if url := self.cleaned_data.get("built_url"):
            self.instance.url, self.instance.shown_url = url, masked(url)
            self.instance.failing_since, self.instance.last_error = None, ""
        channel: AlertChannel = super().save(commit)
        return channel

    def _telegram(self, cleaned: dict[str, Any]) -> str:
        token, chat = cleaned.get("bot_token", ""), cleaned.get("chat", "")
        if not token and not chat:
            return ""
        if not BOT_TOKEN.fullmatch(token):
            self.add_error("bot_token", gettext("This is no token of a bot."))
        if not CHAT.fullmatch(chat):
            self.add_error("chat", gettext("Enter the number of a chat, or @name."))
        return f"tgram://{token}/{chat}/"

    def _slack(self, cleaned: dict[str, Any]) -> str:
        given, room = cleaned.get("slack", ""), cleaned.get("room", "")
        if hook := SLACK_HOOK.fullmatch(given):
            return f"slack://{hook[1]}/{hook[2]}/{hook[3]}/"
        if not given:
            return ""
        if not SLACK_TOKEN.fullmatch(given):
            self.add_error("slack", gettext("This is neither the address of an incoming webhook nor a bot's token."))
        if not SLACK_ROOM.fullmatch(room):
            self.add_error("room", gettext("Enter the channel that the bot writes into."))
        return f"slack://{given}/%23{room.lstrip('#')}/"

    def _mail(self, cleaned: dict[str, Any]) -> str:
        return f"mailto:{cleaned['mail']}" if cleaned.get("mail") else ""

    def _webhook(self, cleaned: dict[str, Any]) -> str:
        hook, secret = cleaned.get("hook", ""), cleaned.get("signing", "")
        if not hook:
            return ""
        if "#" in hook or scheme_of(hook) not in ("http", "https"):
            self.add_error("hook", gettext("Enter a plain address, without #."))
        return f"{hook}#{secret}" if secret else str(hook)

    def _other(self, cleaned: dict[str, Any]) -> str:
        return str(cleaned.get("other", "")).strip()


class RuleForm(forms.ModelForm):
    """Whom else to tell, and when."""

    codes = CodesField()

    class Meta:
        model = EscalationRule
        fields = ("name", "least_severity", "codes", "after_minutes", "repeat_minutes", "channels", "enabled")

    def clean_after_minutes(self) -> int:
        """Within a week."""
        return _within(self.cleaned_data["after_minutes"], 1, 7 * 24 * 60)

    def clean_repeat_minutes(self) -> int:
        """Not more often than each five minutes."""
        value: int = self.cleaned_data["repeat_minutes"]
        return value if value == 0 else _within(value, 5, 7 * 24 * 60)


def _within(value: int, least: int, most: int) -> int:
    if not least <= value <= most:
        raise ValidationError(gettext("Between %(least)d and %(most)d minutes.") % {"least": least, "most": most})
    return value


class WindowForm(forms.ModelForm):
    """When to keep quiet, and about what."""

    codes = CodesField()
    subjects = PatternsField(
        label=_("Subjects"), required=False, help_text=_("Such as a job's name, or “worker*”. Empty: all.")
    )

    class Meta:
        model = MaintenanceWindow
        fields = ("reason", "starts_at", "ends_at", "codes", "subjects")

    def clean(self) -> dict[str, Any]:
        """It has a length."""
        cleaned: dict[str, Any] = super().clean() or {}
        begins, ends = cleaned.get("starts_at"), cleaned.get("ends_at")
        if begins and ends and ends <= begins:
            self.add_error("ends_at", gettext("It ends after it begins."))
        return cleaned


class TemplateForm(forms.ModelForm):
    """Words for a type of alarm. A template that can't be rendered is refused here; what breaks later falls back."""

    code = forms.ChoiceField(label=_("Type"), widget=UnfoldAdminSelectWidget)

    class Meta:
        model = AlertTemplate
        fields = ("code", "title", "detail")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = registry(AlertType).all()
        self.fields["code"].choices = [(kind.code, f"{kind.label} ({kind.code})") for kind in kinds]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Render it with what the newest alarm of its type held."""
        cleaned: dict[str, Any] = super().clean() or {}
        if {"code", "title"} <= cleaned.keys():
            try:
                preview(cleaned["title"], cleaned.get("detail", ""), latest_values(cleaned["code"]))
            except (TemplateSyntaxError, ValueError) as error:
                self.add_error("detail" if "detail" in self.changed_data else "title", str(error))
        return cleaned
