"""URLs of integrations: the vendors' door and, in a demo, the mail."""

from django.urls import path

from apps.integrations.inbox import views as inbox
from apps.integrations.mail import views as mail

urlpatterns = [
    path("webhooks/<slug:vendor>/", inbox.webhook, name="vendor_webhook"),
    path("dev/mail", mail.mail_list, name="dev_mail"),
    path("dev/mail/<str:public_id>", mail.mail_detail, name="dev_mail_detail"),
    path("dev/mail/<str:public_id>/html", mail.mail_html, name="dev_mail_html"),
    path("dev/mail/<str:public_id>/raw", mail.mail_raw, name="dev_mail_raw"),
]
