"""What a request asks for: Stripe's bracketed forms, read with their types and bounds, nothing overlooked."""

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qsl

from apps.integrations.stripe.fake.errors import invalid, missing_parameter, unknown_parameter

MOST = 99_999_999  # of an amount
MOST_QUANTITY = 999_999
_METADATA_KEYS, _METADATA_NAME, _METADATA_VALUE = 50, 40, 500


def decode(form: str) -> dict[str, Any]:
    """Dicts, lists and texts of `a[b][0]=c&d[]=e`."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        head, *rest = name.replace("]", "").split("[")
        at, step = root, head
        for following in rest:
            inner = at.setdefault(step, {})
            if not isinstance(inner, dict):
                raise invalid(f"Invalid parameter: {name}", name)
            at, step = inner, following if following else str(len(inner))
        at[step] = value
    return {name: _lists(value) for name, value in root.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(one) for name, one in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


class Params:
    """Reads one level of a form. What was never asked for is unknown to the call: `refuse_rest` refuses it.

    An empty text means what it means at Stripe: take the value away. `has` tells it from a name that wasn't sent.
    """

    def __init__(self, values: dict[str, Any], within: str = "") -> None:
        self._values = values
        self._within = within
        self._read: set[str] = set()
        self._inner: list[Params] = []

    def path(self, name: str) -> str:
        """The name as the client spelled it: `items[0][price]`."""
        return f"{self._within}[{name}]" if self._within else name

    def has(self, name: str) -> bool:
        """Whether it was sent at all."""
        self._read.add(name)
        return name in self._values

    def names(self) -> list[str]:
        """All that was sent."""
        return list(self._values)

    def text(self, name: str, default: str = "", *, required: bool = False, most: int = 5000) -> str:
        """A text; "" where it is to be taken away."""
        value = self._take(name, required)
        if value is None:
            return default
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {value}", self.path(name))
        if required and not value:
            raise self._empty(name)
        if len(value) > most:
            raise invalid(
                f"Invalid string: must be at most {most} characters", self.path(name), "parameter_invalid_string"
            )
        return value

    def choice(self, name: str, options: Iterable[str], default: str = "", *, required: bool = False) -> str:
        """One of these words."""
        value = self.text(name, default, required=required)
        if value != default and value not in options:
            told = ", ".join(options)
            raise invalid(f"Invalid {self.path(name)}: must be one of {told}", self.path(name))
        return value

    def integer(
        self, name: str, default: int = 0, *, required: bool = False, least: int | None = 0, most: int | None = None
    ) -> int:
        """A whole number within bounds."""
        value = self.text(name, "", required=required)
        if not value:
            return default
        try:
            number = int(value)
        except ValueError:
            raise self._no_integer(f"Invalid integer: {value}", name) from None
        if least is not None and number < least:
            raise self._no_integer(f"This value must be greater than or equal to {least}.", name)
        if most is not None and number > most:
            raise self._no_integer(f"This value must be less than or equal to {most}.", name)
        return number

    def decimal(self, name: str, default: Decimal | None = None, *, required: bool = False) -> Decimal | None:
        """A number with decimals, at most 12 of them."""
        value = self.text(name, "", required=required)
        if not value:
            return default
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise invalid(f"Invalid decimal: {value}", self.path(name)) from None
        exponent = number.as_tuple().exponent
        if not isinstance(exponent, int):
            raise invalid(f"Invalid decimal: {value}", self.path(name))
        if exponent < -12:
            raise invalid(f"Invalid decimal: {value}; must have at most 12 decimal places", self.path(name))
        return number

    def boolean(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.text(name, "")
        if value not in ("", "true", "false"):
            raise invalid(f"Invalid boolean: {value}", self.path(name))
        return default if value == "" else value == "true"

    def moment(self, name: str) -> int | None:
        """Seconds since 1970."""
        value = self.text(name, "")
        if not value:
            return None
        if not value.isdigit() or len(value) > 11:
            raise invalid(f"Invalid timestamp: {value}", self.path(name))
        return int(value)

    def metadata(self, before: dict[str, str] | None = None, name: str = "metadata") -> dict[str, str]:
        """Our notes on an object: an empty value takes a note away, an empty `metadata` all of them."""
        sent = self._take(name)
        if sent is None or sent == "":
            return {} if sent == "" else dict(before or {})
        if not isinstance(sent, dict):
            raise invalid("Invalid object", self.path(name))
        for key, value in sent.items():
            if not isinstance(value, str) or len(key) > _METADATA_NAME or len(value) > _METADATA_VALUE:
                raise invalid(f"Metadata keys and values are short texts: {key}", f"{self.path(name)}[{key}]")
        merged = {key: value for key, value in {**(before or {}), **sent}.items() if value != ""}
        if len(merged) > _METADATA_KEYS:
            raise invalid(f"Metadata can have up to {_METADATA_KEYS} keys", self.path(name))
        return merged

    def child(self, name: str) -> "Params":
        """What is nested under a name: nothing where nothing was sent."""
        value = self._take(name)
        if value is None or value == "":
            value = {}
        if not isinstance(value, dict):
            raise invalid("Invalid object", self.path(name))
        return self._nested(value, self.path(name))

    def children(self, name: str) -> list["Params"]:
        """What is listed under a name, each with names of its own."""
        value = self._take(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise invalid("Invalid array", self.path(name))
        return [self._nested(one, f"{self.path(name)}[{place}]") for place, one in enumerate(value)]

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        value = self._take(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise invalid("Invalid array", self.path(name))
        return value

    def refuse_rest(self) -> None:
        """Refuse names that nobody read."""
        for name in self._values:
            if name not in self._read:
                raise unknown_parameter(self.path(name))
        for inner in self._inner:
            inner.refuse_rest()

    def _nested(self, values: dict[str, Any], within: str) -> "Params":
        inner = Params(values, within)
        self._inner.append(inner)
        return inner

    def _take(self, name: str, required: bool = False) -> Any:
        self._read.add(name)
        if required and name not in self._values:
            raise missing_parameter(self.path(name))
        return self._values.get(name)

    def _empty(self, name: str) -> Exception:
        return invalid(
            f"You passed an empty string for '{self.path(name)}'.", self.path(name), "parameter_invalid_empty"
        )

    def _no_integer(self, message: str, name: str) -> Exception:
        return invalid(message, self.path(name), "parameter_invalid_integer")
