"""Slack's errors in botcore's three words: wait, give up, or nobody can tell.

Slack answers nearly all of them with HTTP 200 and ``"ok": false``.
"""

from botcore import Rejected, Retry, Unknown
from botcore_slack.request import NotSent, Refused, Trouble

__all__ = ["BLOCKS_REFUSED", "PASSING", "STREAMING", "TOKEN_REFUSED", "error_of", "in_our_words"]

NOT_SENT_PAUSE_S = 1.0, 300.0
"""Between tries without a connection: as long as it has been gone, within these bounds."""
OPERATOR_PAUSE_S = 60.0
LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
AMBIGUOUS = frozenset({"internal_error", "fatal_error", "service_unavailable", "duplicate_message_not_found"})
"""Some aspect of the call may have succeeded, says Slack's documentation."""
NOT_READ = frozenset({"request_timeout"})
"""The request did not arrive whole: not executed, and worth another try at once."""
PASSING = LIMITED | AMBIGUOUS | NOT_READ
"""Slack's own trouble of the moment: no operator can mend it."""
TOKEN_REFUSED = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)
OPERATOR = TOKEN_REFUSED | {
    "access_denied",
    "accesslimited",
    "ekm_access_denied",
    "missing_scope",
    "no_permission",
    "org_login_required",
    "team_access_not_granted",
    "two_factor_setup_required",
}
"""Not executed, and the same call will do once an operator has acted."""
BLOCKS_REFUSED = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"})
STREAMING = "streaming_state_conflict"
"""A message that still streams cannot be edited."""


def in_our_words(error: Trouble, *, gone_for: float = 0) -> Retry | Rejected | Unknown:
    """What the core must know; ``gone_for`` is how long there has been no connection, in seconds."""
    shortest, longest = NOT_SENT_PAUSE_S
    if isinstance(error, NotSent):
        return Retry(min(max(gone_for, shortest), longest), str(error))
    if not isinstance(error, Refused):
        return Unknown(str(error))
    why = f"Slack says: {error.error} ({error.status})"
    if error.status == 429 or error.error in LIMITED | NOT_READ:
        return Retry(max(error.retry_after, shortest), why)
    if error.status >= 500 or error.error in AMBIGUOUS:
        return Unknown(why)
    if error.error in OPERATOR or (error.status != 200 and error.status not in (400, 413)):
        # A token that no longer holds, a scope that is missing, or a proxy's own answer.
        return Retry(OPERATOR_PAUSE_S, why)
    return Rejected(why)


def error_of(error: BaseException) -> str:
    """Slack's own word for a refusal, "" for everything else."""
    cause = error if isinstance(error, Refused) else error.__cause__
    return cause.error if isinstance(cause, Refused) else ""
