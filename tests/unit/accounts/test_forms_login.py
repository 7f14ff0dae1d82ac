"""The forms of the login pages: one line about passwords, errors at the field, no placeholders."""

import pytest
from allauth.account import app_settings as account
from allauth.account import forms as allauth_forms
from allauth.utils import get_form_class
from django.contrib.auth.tokens import default_token_generator

from apps.accounts.forms import SignupForm
from apps.accounts.forms_login import PASSWORD_HINT
from tests.common.roles import PASSWORD, make_user

FRESH = "quite-another-battery"


@pytest.fixture
def user(db):
    return make_user("Ada Lovelace", email="ada.lovelace@example.com")


def make(name, user, data=None):
    """The form that allauth uses under this name, by the settings."""
    form_class = get_form_class(account.FORMS, name, None)
    assert form_class is not None, f"{name} is not ours"
    if name == "reset_password_from_key":
        return form_class(data=data, user=user, temp_key=default_token_generator.make_token(user))
    return form_class(data=data, **({} if name in ("signup", "login", "reset_password") else {"user": user}))


WITH_NEW_PASSWORD = ["signup", "change_password", "set_password", "reset_password_from_key"]


@pytest.mark.parametrize("name", WITH_NEW_PASSWORD)
def test_passwords_have_one_hint(user, name):
    field = make(name, user).fields["password1"]
    assert field.help_text == PASSWORD_HINT
    assert "<" not in str(PASSWORD_HINT)


@pytest.mark.parametrize("name", list(account.FORMS))
def test_labels_stand_in_for_placeholders(user, name):
    for field in make(name, user).fields.values():
        assert "placeholder" not in field.widget.attrs
        assert field.label


def test_every_form_with_a_new_password_is_ours():
    theirs = {name for name in vars(allauth_forms) if "Password" in name and name.endswith("Form")}
    assert theirs == {"ChangePasswordForm", "SetPasswordForm", "ResetPasswordForm", "ResetPasswordKeyForm",
                      "ConfirmPasswordResetCodeForm"}  # the last belongs to resets by code, which are off  # fmt: skip


@pytest.mark.parametrize("name", WITH_NEW_PASSWORD)
@pytest.mark.parametrize(
    ("password", "complaint"),
    [
        ("nine-char", "too short"),
        ("password1234", "too common"),
        ("98127340912", "entirely numeric"),
        ("ada.lovelace", "too similar"),
    ],
)
def test_what_is_wrong_with_a_password_stands_at_its_field(user, name, password, complaint):
    if name == "signup":
        user.delete()
    data = {"oldpassword": PASSWORD, "password1": password, "password2": password}
    form = make(name, user, {**data, "email": "ada.lovelace@example.com", "name": "Ada"})
    assert any(complaint in error for error in form.errors["password1"])
    assert not form.non_field_errors()


def test_ten_characters_are_enough(user):
    data = {"oldpassword": PASSWORD, "password1": "ten-charac", "password2": "ten-charac"}
    assert make("change_password", user, data).is_valid()


def test_a_different_repetition_stands_at_its_field(user):
    form = make("change_password", user, {"oldpassword": "wrong", "password1": FRESH, "password2": PASSWORD})
    assert set(form.errors) == {"oldpassword", "password2"}


def test_the_sign_up_form_is_ours():
    assert get_form_class(account.FORMS, "signup", None) is SignupForm
