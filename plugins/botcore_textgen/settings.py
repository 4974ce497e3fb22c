"""What an operator may choose about the model's voice: ``[plugins.textgen]`` and its presets."""

from pydantic import BaseModel, ConfigDict, Field

from botcore import Sampling

__all__ = ["Preset", "Presets", "TextGenSettings"]

PERSONA = (
    "You are {name}, a helpful assistant in a chat. "
    "Answer briefly and in the language of the message. When you do not know something, say so."
)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Preset(_Table):
    """How the next token is chosen for one kind of text."""

    temperature: float = Field(default=0.7, ge=0, le=2)
    """0 = always the likeliest token."""
    top_p: float = Field(default=0.95, gt=0, le=1)
    max_tokens: int = Field(default=512, ge=1, le=32_768)
    """Longest reply, in tokens; as many are kept free in the model's window."""
    repetition_penalty: float = Field(default=1.05, gt=0, le=2)
    """1 = none; small models start to loop without a little of it."""
    frequency_penalty: float = Field(default=0.3, ge=-2, le=2)
    """0 = none. It grows with each repetition, so it ends a loop of one syllable and hardly touches ordinary text."""

    def sampling(self, *, greedy: bool) -> Sampling:
        """This preset for the engine; ``greedy`` takes the chance out of it."""
        return Sampling(
            temperature=0.0 if greedy else self.temperature,
            top_p=1.0 if greedy else self.top_p,
            max_tokens=self.max_tokens,
            repetition_penalty=self.repetition_penalty,
            frequency_penalty=self.frequency_penalty,
        )


class Presets(_Table):
    """One preset per kind of text: steady for talk and news, livelier for stories, liveliest for poems."""

    chat: Preset = Preset()
    story: Preset = Preset(temperature=0.9, repetition_penalty=1.1)
    poem: Preset = Preset(temperature=1.0, max_tokens=256, repetition_penalty=1.1)
    news: Preset = Preset(temperature=0.6)
    continuation: Preset = Field(default=Preset(temperature=0.8, repetition_penalty=1.1), alias="continue")

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TextGenSettings(_Table):
    """``[plugins.textgen]``."""

    persona: str = Field(default=PERSONA, max_length=8_000)
    """The system text. ``{name}`` becomes the bot's name; empty = none."""
    presets: Presets = Presets()
    greedy: bool = False
    """Always the likeliest token, whatever the presets say: the same question gets the same answer."""
