"""The chat page and the OpenAI-compatible API as a botcore channel. Importing it loads no HTTP library."""

from botcore_web.channel import Web

__all__ = ["Web"]
