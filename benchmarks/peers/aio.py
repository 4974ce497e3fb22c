"""An echo bot on aiogram, as its documentation writes one: `aio.py polling|webhook`."""

import asyncio
import logging
import os
import sys

from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler, setup_application
from aiohttp import web

dispatcher = Dispatcher()


@dispatcher.message(F.text)
async def echo(message: Message) -> None:
    await message.answer(message.text)


def make_bot() -> Bot:
    return Bot(os.environ["TOKEN"], session=AiohttpSession(api=TelegramAPIServer.from_base(os.environ["API"])))


async def poll() -> None:
    await dispatcher.start_polling(make_bot())


async def hooked(bot: Bot) -> None:
    await bot.set_webhook(f"http://127.0.0.1:{os.environ['PORT']}/hook", secret_token=os.environ["SECRET"])


def serve() -> None:
    app, bot = web.Application(), make_bot()
    dispatcher.startup.register(hooked)
    SimpleRequestHandler(dispatcher, bot, secret_token=os.environ["SECRET"]).register(app, path="/hook")
    setup_application(app, dispatcher, bot=bot)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PORT"]), print=None, access_log=None)


logging.basicConfig(level=logging.WARNING)
if sys.argv[1] == "polling":
    asyncio.run(poll())
else:
    serve()
