"""The database's own refusal to change an audit entry. `manage.py doctor` fails when it is missing."""

from apps.core.refusals import Refusals, append_only

entries = Refusals(*append_only("audit_auditentry", prefix="audit", message="audit entries are append-only"))
