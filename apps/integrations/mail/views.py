"""`/dev/mail`: reading the mail of a demo, which never leaves the machine. It does not exist anywhere else."""

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace, csp_update
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from apps.core.pagination import paginate, parse_limit
from apps.integrations.mail import selectors, transport
from apps.integrations.mail.notices import mail_page_is_open
from apps.integrations.models import MailMessage

View = Callable[..., HttpResponseBase]
# A mail's HTML brings its own inline styles and may show pictures; it runs nothing and loads nothing else.
MAIL_POLICY: dict[str, list[str] | None] = dict.fromkeys(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]) | {
    "default-src": [NONE],
    "style-src": [UNSAFE_INLINE],
    "img-src": ["data:", "https:", SELF],
    "frame-ancestors": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "sandbox": ["allow-top-navigation-by-user-activation"],
}
# django-csp types its decorators for views without arguments.
may_frame = cast("Callable[[View], View]", csp_update({"frame-src": [SELF]}))
as_mail = cast("Callable[[View], View]", csp_replace(MAIL_POLICY))


def demo_only(view: View) -> View:
    """404 unless this is a demo that writes its mail to files."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not mail_page_is_open():
            raise Http404
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@demo_only
def mail_list(request: HttpRequest) -> HttpResponse:
    """All mail, the newest first; `?to=` narrows it to an address."""
    address = request.GET.get("to", "").strip()
    queryset = selectors.mail_to(address) if address else selectors.all_mail()
    page = paginate(queryset, request.GET.get("cursor"), parse_limit(request.GET.get("limit")))
    context = {
        "page_title": _("Mail of this demo"),
        "folder": settings.EMAIL_FILE_PATH,
        "mails": page.rows,
        "next_cursor": page.next_cursor,
        "address": address,
    }
    return render(request, "integrations/mail_list.html", context)


@require_safe
@demo_only
@may_frame
def mail_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    """One mail: its HTML in a sandboxed frame, its text with links that work."""
    mail = _mail(public_id)
    return render(request, "integrations/mail_detail.html", {"page_title": mail.subject, "mail": mail})


@require_safe
@demo_only
@xframe_options_sameorigin
@as_mail
def mail_html(request: HttpRequest, public_id: str) -> HttpResponse:
    """The HTML part as a document of its own; links open in the whole window."""
    html = _mail(public_id).html
    return HttpResponse(html.replace("<head>", '<head><base target="_top">', 1))


@require_safe
@demo_only
def mail_raw(request: HttpRequest, public_id: str) -> HttpResponse:
    """The mail as it is written to its file."""
    content = transport.build(_mail(public_id)).message().as_bytes()
    return HttpResponse(content, content_type="text/plain; charset=utf-8")


def _mail(public_id: str) -> MailMessage:
    return get_object_or_404(MailMessage, pk=MailMessage.parse_public_id(public_id))
