"""The database's own refusal to change an audit entry. `manage.py doctor` fails when it is missing."""

from apps.core.append_only import AppendOnly

entries = AppendOnly("audit_auditentry", prefix="audit", message="audit entries are append-only")
