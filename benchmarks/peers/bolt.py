"""An echo bot on slack-bolt, as its documentation writes one: `bolt.py socket|http`."""

import asyncio
import logging
import os
import sys

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp, AsyncSay
from slack_sdk.web.async_client import AsyncWebClient

logging.basicConfig(level=logging.WARNING)
client = AsyncWebClient(os.environ["TOKEN"], base_url=f"{os.environ['API']}/api/")
app = AsyncApp(client=client, signing_secret=os.environ["SECRET"])


@app.event("message")
async def echo(event: dict, say: AsyncSay) -> None:
    await say(event["text"])


async def connect() -> None:
    await AsyncSocketModeHandler(app, os.environ["APP_TOKEN"], web_client=client).start_async()


if sys.argv[1] == "socket":
    asyncio.run(connect())
else:
    app.start(path="/hook", port=int(os.environ["PORT"]), host="127.0.0.1")
