"""Slack as a botcore channel. Importing it loads no SDK: that happens when the channel connects."""

from botcore_slack.channel import Slack

__all__ = ["Slack"]
