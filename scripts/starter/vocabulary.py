"""The tokenizer of the starter model: byte-level BPE with six special tokens, and the chat template.

Every message is `<|role|>` text `<|end|>`. The template breaks up `<|` inside a message, so nobody can write a special
token into the prompt by typing it.
"""

from collections.abc import Iterable

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from scripts.starter.dialogue import Message

__all__ = ["END", "PAD", "TEMPLATE", "encode", "train"]

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


def train(texts: Iterable[str], size: int, context: int) -> PreTrainedTokenizerFast:
    """Return a tokenizer of exactly `size` tokens; the special ones come first, digits stay single."""
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


def encode(core: Tokenizer, conversations: list[list[Message]]) -> list[tuple[list[int], list[int]]]:
    """Return ids and answer mask per conversation, the same ids as the chat template gives (a test of export.py)."""
    texts = iter(core.encode_batch([m.text for c in conversations for m in c], add_special_tokens=False))
    end = core.token_to_id(END)
    rows: list[tuple[list[int], list[int]]] = []
    for conversation in conversations:
        ids: list[int] = []
        mask: list[int] = []
        for message in conversation:
            body = [*next(texts).ids, end]
            ids += [core.token_to_id(ROLES[message.role]), *body]
            mask += [0, *[int(message.role == "assistant")] * len(body)]
        rows.append((ids, mask))
    return rows
