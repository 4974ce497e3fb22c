"""A tokenizer of one's own: byte-level BPE with six special tokens, single digits, and the chat template.

Every message is `<|role|>` text `<|end|>`, and a document ends with `<|end|>` too. The template breaks up `<|` inside a
message, so nobody can write a special token into the prompt by typing it.
"""

from collections.abc import Iterable
from typing import Any

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

__all__ = ["END", "PAD", "ROLES", "TEMPLATE", "train_tokenizer"]

PAD, END = "<|pad|>", "<|end|>"
ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>", "tool": "<|tool|>"}

TEMPLATE = """\
{%- for message in messages -%}
{%- set text = (message['content'] or '') | replace('<|', '< |') -%}
{%- if message['role'] == 'assistant' -%}
{{- '<|assistant|>' -}}{%- generation -%}{{- text + '<|end|>' -}}{%- endgeneration -%}
{%- elif message['role'] in ['system', 'developer'] -%}
{{- '<|system|>' + text + '<|end|>' -}}
{%- elif message['role'] == 'tool' -%}
{{- '<|tool|>' + text + '<|end|>' -}}
{%- else -%}
{{- '<|user|>' + text + '<|end|>' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|assistant|>' -}}{%- endif -%}
"""


def train_tokenizer(texts: Iterable[str], size: int, context: int) -> Any:
    """A tokenizer of at most ``size`` tokens (fewer where the text is small); the special ones come first."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    core.decoder = decoders.ByteLevel()
    special = [AddedToken(text, special=True, normalized=False) for text in (PAD, END, *ROLES.values())]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    core.train_from_iterator(texts, trainer)
    whole = PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES.values()),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    whole.chat_template = TEMPLATE
    return whole
