"""What an operator may choose about feedback: ``[plugins.finetune]``."""

from pydantic import BaseModel, ConfigDict

__all__ = ["FineTuneSettings"]


class FineTuneSettings(BaseModel):
    """``[plugins.finetune]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consent: bool = False
    """Whether training may use what is judged by people who did not say ``/feedback yes`` or ``/feedback no``. Tell
    them before it is true: what was judged while it was false stays out."""
    redact: bool = True
    """Whether exports replace e-mail addresses, phone, card and account numbers, keys and passwords."""
    redact_ips: bool = False
    """Whether they replace IP addresses too."""
