"""Finding text that people read and that is not marked for translation (`manage.py check_strings`)."""

from apps.core.strings.finding import Finding
from apps.core.strings.python import unmarked_in_python
from apps.core.strings.templates import unmarked_in_template

__all__ = ["Finding", "unmarked_in_python", "unmarked_in_template"]
