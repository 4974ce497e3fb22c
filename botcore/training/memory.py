"""What a run needs of memory, said as arithmetic before anything is loaded."""

from botcore.training.plan import Plan

__all__ = ["WRITTEN_OUT", "needed", "refusal"]

LEARNT, FROZEN = 16, 4
"""Bytes of a parameter: its weight, gradient and AdamW's two means; or its weight alone, beside an adapter."""
PROGRAM = 900 << 20
"""PyTorch, its libraries and the trainer: 700 to 850 MiB resident on a CPU."""
ACTIVATIONS = 24
"""Numbers kept for the way back, per token and layer, in widths."""
WRITTEN_OUT = 640
"""Positions of a row up to which attention on a CPU keeps what every token weighs for every other."""
PAIR = 6
"""Bytes of such a weight: float32, and rounded."""


def needed(
    plan: Plan, parameters: int, *, layers: int, width: int, vocab: int, heads: int = 0, devices: int = 1
) -> tuple[int, int]:
    """Bytes of the model with its optimizer, and of the rows in work, on one device; on a CPU with its ``heads``."""
    rows = plan.micro or -(-plan.batch // devices)
    if plan.method in ("kto", "dpo"):
        rows *= 2  # each beside another answer to the same
    number = 2 if plan.precision == "bf16" else 4
    # The logits and their gradient are float32 whatever the rest is.
    pairs = heads * plan.context * PAIR if plan.context <= WRITTEN_OUT else 0
    row = plan.context * (layers * (width * ACTIVATIONS * number + pairs) + 3 * vocab * 4)
    return parameters * _bytes(plan), rows * row


def refusal(plan: Plan, parameters: int, *, model: int, rows: int, free: int, devices: int = 1) -> str:
    """Why this cannot run here, with the arithmetic and the next step; empty where it can."""
    program = PROGRAM if free else 0
    need = model + rows + program
    if not free or need <= free:
        return ""
    held = plan.micro or -(-plan.batch // devices)
    return (
        f"too little memory: {parameters / 1e6:,.1f} M parameters × {_bytes(plan)} bytes = {_gb(model)}, "
        f"{held} rows of {plan.context} tokens = {_gb(rows)}, the program {_gb(program)}: {_gb(need)} of {_gb(free)} "
        f"that are free; take a smaller {_smaller(plan, held) if model + program < free * 0.8 else 'model'}"
    )


def _smaller(plan: Plan, held: int) -> str:
    """The option that takes less memory; feedback is learnt in whole steps, of two rows at least."""
    if held <= (2 if plan.method else 1):
        return "--context"
    return "--batch" if plan.method else "--micro"


def _bytes(plan: Plan) -> int:
    return FROZEN if plan.lora else LEARNT


def _gb(count: float) -> str:
    return f"{count / 1e9:.1f} GB"
