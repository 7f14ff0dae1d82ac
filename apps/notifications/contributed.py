"""Names of what apps contribute, for rows that outlive them."""

from apps.core.kinds import NoticeType
from apps.core.registry import registry


def label_of(code: str) -> str:
    """What a type of notice is called; its code when no app brings it any more."""
    kind = registry(NoticeType).find(code)
    return str(kind.label) if kind else code
