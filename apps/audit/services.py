"""Writing to the audit log, erasing people from it, and proving that nobody else changed it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.audit import digests
from apps.audit.models import AuditChain, AuditEntry, AuditPersonalData, chain_name
from apps.audit.selectors import entries_of_user
from apps.core.clock import now
from apps.core.context import current
from apps.core.ids import Entity
from apps.core.kinds import AuditAction
from apps.core.registry import registry

ERASED = "audit.personal_data_erased"


@dataclass(frozen=True)
class Who:
    """An actor spelled out, where the context does not know it: (kind, public id, label)."""

    kind: str
    id: str = ""
    label: str = ""


@dataclass(frozen=True)
class ChainReport:
    """What `verify_chain` saw. `broken_at` is the sequence number of the first entry that is not as it was written."""

    chain: str
    entries: int
    erased: int
    broken_at: int | None = None
    broken_entry: str = ""
    reason: str = ""

    @property
    def ok(self) -> bool:
        """Whether the whole chain holds."""
        return not self.reason


def record(
    code: str,
    *,
    actor: Any = None,
    target: Any = None,
    data: Mapping[str, Any] | None = None,
    organization_id: uuid.UUID | None = None,
    realm_id: uuid.UUID | None = None,
) -> AuditEntry:
    """Append an entry, in the caller's transaction, so that it stands exactly when the change stands.

    `actor` (a `Who`, a user, or anything with `.user`), organization and realm default to the context's; ip, request
    id and impersonator always come from there. `target` is any row. What looks like a secret in `data` is masked. Call
    it last in the transaction: it holds the organization's chain until commit. Raises `RegistryError` for an action
    that nobody declared, `AuditDataError` for data that is too large or no JSON.
    """
    action = registry(AuditAction).get(code)
    context = current()
    who = _who(actor)
    organization_id = organization_id or context.organization_id
    cleaned = digests.clean_data(data or {})
    personal_data = {key: cleaned.pop(key) for key in action.scrub if key in cleaned}
    target_type, target_id, target_label = _target(target)
    personal: dict[str, Any] = {f"data.{key}": value for key, value in personal_data.items()}
    personal |= {"actor_label": who.label[:254], "target_label": target_label[:254], "ip": context.ip}
    personal = {key: value for key, value in personal.items() if value not in (None, "")}
    salts = {key: digests.new_salt() for key in personal}
    with transaction.atomic():
        head = _lock_head(chain_name(organization_id))
        entry = AuditEntry(
            chain=head.name,
            sequence=head.sequence + 1,
            organization_id=organization_id,
            realm_id=realm_id or context.realm_id,
            code=code,
            actor_kind=who.kind,
            actor_id=who.id,
            impersonator_id=context.impersonator_id,
            target_type=target_type,
            target_id=target_id,
            data=cleaned,
            personal_digests={key: digests.personal_digest(salts[key], value) for key, value in personal.items()},
            request_id=context.request_id[:64],
            created_at=now(),
            previous_digest=head.digest or digests.FIRST,
        )
        entry.digest = digests.entry_digest(entry)
        entry.save()
        if personal:
            AuditPersonalData(
                entry=entry,
                actor_label=personal.get("actor_label", ""),
                target_label=personal.get("target_label", ""),
                ip=personal.get("ip"),
                data=personal_data,
                salts=salts,
            ).save(force_insert=True)
        AuditChain.objects.filter(pk=head.pk).update(sequence=entry.sequence, digest=entry.digest)
    return entry


def _lock_head(name: str) -> AuditChain:
    """The chain's head, held until the transaction ends (on SQLite every write transaction is alone anyway)."""
    head = AuditChain.objects.select_for_update(no_key=True).filter(pk=name).first()
    if head is None:
        AuditChain.objects.bulk_create([AuditChain(name=name)], ignore_conflicts=True)
        head = AuditChain.objects.select_for_update(no_key=True).get(pk=name)
    return head


def _who(actor: Any) -> Who:
    if isinstance(actor, Who):
        return actor
    context = current()
    if actor is None:
        return Who(context.actor_kind, context.actor_id, context.actor_label)
    person = getattr(actor, "user", actor)
    kind = context.actor_kind if context.actor_id == _row_id(person) else "user"
    return Who(kind, _row_id(person), str(person))


def _target(target: Any) -> tuple[str, str, str]:
    if target is None:
        return "", "", ""
    return str(target._meta.label_lower), _row_id(target), str(target)


def _row_id(row: Any) -> str:
    return row.public_id if isinstance(row, Entity) else str(row.pk)


@transaction.atomic
def erase_user(user_id: str) -> int:
    """Take a person out of the log: their label and address where they acted, their label where they were acted on,
    and the personal members of both. The chains stay whole. Returns how many entries were touched.
    """
    touched = 0
    entries = list(entries_of_user(user_id).values_list("pk", "actor_id", "target_id"))
    for pk, actor_id, target_id in entries:
        personal = AuditPersonalData.objects.select_for_update(no_key=True).filter(pk=pk).first()
        if personal is None:
            continue
        members = {member for member in personal.salts if member.startswith("data.")}
        members |= {"actor_label", "ip"} if actor_id == user_id else set()
        members |= {"target_label"} if target_id == user_id else set()
        touched += _erase(personal, members & personal.salts.keys())
    record(ERASED, data={"subject": user_id, "entries": touched})
    return touched


def _erase(personal: AuditPersonalData, members: set[str]) -> bool:
    if not members:
        return False
    personal.salts = {key: salt for key, salt in personal.salts.items() if key not in members}
    personal.data = {key: value for key, value in personal.data.items() if f"data.{key}" not in members}
    personal.actor_label = "" if "actor_label" in members else personal.actor_label
    personal.target_label = "" if "target_label" in members else personal.target_label
    personal.ip = None if "ip" in members else personal.ip
    if personal.salts:
        personal.save()
    else:
        personal.delete()
    return True


def verify_chain(organization_id: uuid.UUID | None) -> ChainReport:
    """Recompute an organization's chain (None: the platform's own) and compare it with its head."""
    return verify_named_chain(chain_name(organization_id))


def verify_named_chain(name: str) -> ChainReport:
    """Recompute one chain by its name, as `AuditChain` has it."""
    previous, seen, erased = digests.FIRST, 0, 0
    while True:
        entries = AuditEntry.objects.unscoped().filter(chain=name, sequence__gt=seen).select_related("personal")
        for entry in entries.order_by("sequence").iterator(chunk_size=500):
            if reason := _fault(entry, seen + 1, previous):
                return ChainReport(name, seen, erased, seen + 1, entry.public_id, reason)
            previous, seen = entry.digest, seen + 1
            erased += bool(entry.personal_digests.keys() - entry.stored_personal().salts.keys())
        # Read after the entries: whatever was seen is committed together with a head at least as new.
        head = AuditChain.objects.filter(pk=name).first() or AuditChain(name=name)
        if head.sequence <= seen or not entries.filter(sequence__gt=seen).exists():
            break
    if head.sequence != seen or (head.digest or digests.FIRST) != previous:
        reason = f"the chain has {seen} entries, its head says {head.sequence}"
        return ChainReport(name, seen, erased, min(seen, head.sequence) + 1, "", reason)
    return ChainReport(name, seen, erased)


def _fault(entry: AuditEntry, expected: int, previous: str) -> str:
    """Why an entry is not as it was written, or nothing."""
    if entry.sequence != expected:
        return f"entry {expected} is missing"
    if entry.previous_digest != previous:
        return "it does not follow the entry before it"
    if entry.digest != digests.entry_digest(entry):
        return "its content was changed"
    personal = entry.stored_personal()
    values: dict[str, Any] = {f"data.{key}": value for key, value in personal.data.items()}
    values |= {"actor_label": personal.actor_label, "target_label": personal.target_label, "ip": personal.ip}
    for member, value in values.items():
        salt = personal.salts.get(member)
        if salt is None and value not in (None, ""):
            return f"its personal member {member} was added"
        if salt is not None and digests.personal_digest(salt, value) != entry.personal_digests.get(member):
            return f"its personal member {member} was changed"
    return ""
