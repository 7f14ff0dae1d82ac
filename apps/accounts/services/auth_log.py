"""Puts on record what allauth does with credentials, and ends other credentials where one was changed."""

from apps.accounts.models import User
from apps.accounts.services import tokens
from apps.audit.services import Who, record


def login_failed(email: str, user_agent: str, *, method: str = "password") -> None:
    """A wrong password (or passkey). Entered under the person's own log when the address is somebody's."""
    email = email.strip().lower()[:254]
    user = User.objects.filter(email=email).first()
    record(
        "accounts.login_failed",
        actor=Who("user", "", email),
        target=user,
        data={"email": email, "user_agent": user_agent[:200], "method": method},
    )


def logged_in(user: User, user_agent: str, *, method: str = "") -> None:
    """A completed login, after every factor; `method` "passkey" when that alone was enough."""
    data = {"user_agent": user_agent[:200]} | ({"method": method} if method else {})
    record("accounts.logged_in", actor=user, target=user, data=data)


def changed(user: User, code: str, **data: str) -> None:
    """A change of a person's own credentials or addresses; `code` without the `accounts.` prefix."""
    record(f"accounts.{code}", actor=user, target=user, data=data)


def password_replaced(user: User, code: str) -> None:
    """A new password ends every terminal and API token of the person."""
    tokens.revoke_all(user, reason="password_changed")
    changed(user, code)
