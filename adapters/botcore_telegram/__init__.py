"""Telegram as a botcore channel. Importing it loads no SDK: that happens when the channel connects."""

from botcore_telegram.channel import Telegram

__all__ = ["Telegram"]
