"""Levqor from Python: `Levqor().runs.start("order-digest", {"day": "today"})`."""

from levqor_sdk import errors
from levqor_sdk._built import VERSION
from levqor_sdk.client import Levqor
from levqor_sdk.errors import ApiError, LevqorError

__version__ = VERSION
__all__ = ["ApiError", "Levqor", "LevqorError", "__version__", "errors"]
