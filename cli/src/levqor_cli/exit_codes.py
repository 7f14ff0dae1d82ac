"""What the exit code of every command means. Scripts rely on these numbers: never change one."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes, each with its meaning for `levqor --help`."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "ExitCode":
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    OK = 0, "done; for run and watch: the run succeeded"
    RUN_FAILED = 1, "the run failed"
    USAGE = 2, "wrong usage: unknown option, missing file, bad --input"
    INVALID = 3, "the definition, the inputs or another value is not valid"
    REFUSED = 4, "not logged in, or not allowed to do this"
    NOT_FOUND = 5, "no such workflow, version, run, step or secret"
    UNREACHABLE = 6, "server or network unreachable, overloaded or failing"
    RUN_CANCELLED = 7, "the run was cancelled"
    UNFINISHED = 8, "stopped watching: --timeout passed, or a step waits for approval"
    CONFLICT = 9, "refused in the present state, e.g. the run has already ended"
    INTERNAL = 70, "a fault in this program"
    INTERRUPTED = 130, "interrupted (Ctrl-C); a run that was started goes on"


RUN_STATE_CODES = {
    "succeeded": ExitCode.OK,
    "failed": ExitCode.RUN_FAILED,
    "cancelled": ExitCode.RUN_CANCELLED,
}
"""The exit code for each final state of a run; any other state is `UNFINISHED`."""
