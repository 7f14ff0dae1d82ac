"""Refusals, in Stripe's words: `{"error": {"type", "code", "message", "param"}}`."""

from typing import Any

DECLINES = {
    "card_declined": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "authentication_failed": (
        "We are unable to authenticate your payment method. Please choose a different payment method and try again."
    ),
    "authentication_required": "Your card was declined. This transaction requires authentication.",
}


class FakeError(Exception):
    """An answer that is no success. What was done before it is undone, unless `keeps_effects`."""

    def __init__(
        self,
        status: int,
        type: str,
        code: str,
        message: str,
        param: str = "",
        *,
        keeps_effects: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.type, self.code, self.message, self.param = status, type, code, message, param
        self.keeps_effects = keeps_effects
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        """What the client reads."""
        told = {"type": self.type, "code": self.code, "message": self.message, "param": self.param, **self.more}
        return {"error": {name: value for name, value in told.items() if value not in ("", None)}}

    @property
    def is_about_form(self) -> bool:
        """Whether the request was refused before anything began: such an answer isn't kept under its key."""
        return self.status == 401 or self.code.startswith("parameter_") or self.code == "resource_missing"


def invalid(message: str, param: str = "", code: str = "") -> FakeError:
    """A request that Stripe doesn't follow."""
    return FakeError(400, "invalid_request_error", code, message, param)


def missing_parameter(param: str) -> FakeError:
    """A parameter that is asked for is not there."""
    return invalid(f"Missing required param: {param}.", param, "parameter_missing")


def unknown_parameter(param: str) -> FakeError:
    """A parameter that this call doesn't have."""
    return invalid(f"Received unknown parameter: {param}", param, "parameter_unknown")


def no_such(what: str, object_id: str, param: str = "id", *, in_path: bool = False) -> FakeError:
    """No object has this id: 404 where the address names it, 400 where a parameter does."""
    status = 404 if in_path else 400
    message = f"No such {what.split('.')[-1]}: '{object_id}'"
    return FakeError(status, "invalid_request_error", "resource_missing", message, param)


def declined(reason: str, *, keeps_effects: bool = True, **more: Any) -> FakeError:
    """The bank says no. The attempt stays on record."""
    code = "authentication_required" if reason.startswith("authentication") else "card_declined"
    decline = {"card_declined": "generic_decline"}.get(reason, reason)
    return FakeError(
        402, "card_error", code, DECLINES[reason], keeps_effects=keeps_effects, decline_code=decline, **more
    )
