"""What a person can do about a failed step, by the error's code."""

from typing import Any

from django.utils.translation import gettext_lazy as _

ADVICE: dict[str, Any] = {
    "unexpected_status": _(
        "Look at the answer under “Error”. If the service was only busy, run again; to let Levqor try by itself, give"
        " the step a “retry”. If another status is fine, list it under “expect”."
    ),
    "outbound_timeout": _("The service took too long. Run again, or give the step a longer “timeout” and a “retry”."),
    "outbound_address_blocked": _(
        "Levqor calls public addresses only. Check where the name leads, or use the public address."
    ),
    "outbound_response_too_large": _("Ask the service for less: a page, a filter, or fewer fields."),
    "outbound_http_failed": _("The service could not be reached. Check the address, then run again."),
    "unresolved_reference": _(
        "A look-up found nothing. Check its spelling and what the earlier step really returned; a secret must be stored"
        " under the same name."
    ),
    "invalid_step_input": _("What came into the step does not fit. Compare “Input” with the step's fields."),
    "transform_failed": _("Try the JMESPath expression on the output of the earlier step, then publish a correction."),
    "output_too_large": _("Ask for less, or pick what you need with a transform before the next step."),
    "rendered_too_large": _("Pick what you need with a transform first, and look that up."),
    "too_many_mails": _("Put several notes into one mail, or tell us what you need."),
    "too_many_open_runs": _("Wait for some of the open runs to end, or cancel some."),
    "run_too_large": _("Return less from each step, or split the work over several runs, for instance with subflows."),
    "condition_failed": _("Try the condition on what the earlier steps returned, then publish a correction."),
    "approval_rejected": _("Somebody said no. Talk to them, then run again."),
    "approval_timed_out": _("Nobody answered in time. Run again, or give the approval a longer “timeout”."),
    "subflow_failed": _("Open the other run: its failed step tells the reason."),
    "workflow_not_found": _("Publish the workflow that is called, or correct its slug."),
    "subflow_too_deep": _("Let the workflows call each other less deeply."),
    "not_a_list": _("Let “items” look up a list: a transform can make one."),
    "too_many_items": _("Filter the list first, or split the work over several runs."),
    "too_many_steps": _("Split the work over several runs, for instance with subflows."),
    "run_timeout": _("Give the workflow a longer “timeout”, or find the step that waited so long."),
    "delay_too_long": _("Choose a shorter delay, or start the later part by a schedule."),
    "unknown_outcome": _(
        "The machine stopped in the middle of this step, so it may or may not have taken effect. Look at the other side"
        " first, then run again."
    ),
    "notion_rate_limited": _("Notion takes fewer calls a second: give the step a “retry”, or do less at once."),
    "notion_unavailable": _("Notion did not answer. Give the step a “retry”, or run again later."),
    "refused_token_at_notion": _(
        "Look at the token in the secrets, and share the page or table with the integration at Notion."
    ),
    "missing_at_notion": _("Share the page or table with the integration at Notion, or correct the id."),
    "refused_by_notion": _("Correct what Notion names: a column's name, or the form of its value."),
    "in_trash_at_notion": _("Take the page out of the trash at Notion, or choose another."),
    "worker_lost": _("Run again. If it happens once more, tell support the run's id."),
    "internal_error": _("This one is ours: tell support the run's id. Running again may help."),
    "invalid_recipient": _("Correct the address, then run again."),
}
GENERAL = _("Look at what went into the step and what came back. Correct the workflow or run it again.")


def for_error(error: dict[str, Any] | None) -> Any:
    """What to do next; nothing where there is no error."""
    return ADVICE.get(error.get("code", ""), GENERAL) if error else ""
