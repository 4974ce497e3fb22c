"""An echo bot on python-telegram-bot, as its documentation writes one: `ptb.py polling|webhook`."""

import logging
import os
import sys

from telegram import Update
from telegram.ext import ApplicationBuilder, ContextTypes, MessageHandler, filters


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    await update.message.reply_text(update.message.text)


logging.basicConfig(level=logging.WARNING)
app = ApplicationBuilder().token(os.environ["TOKEN"]).base_url(f"{os.environ['API']}/bot").build()
app.add_handler(MessageHandler(filters.TEXT & ~filters.COMMAND, echo))
if sys.argv[1] == "polling":
    app.run_polling()
else:
    port = int(os.environ["PORT"])
    app.run_webhook(
        listen="127.0.0.1",
        port=port,
        url_path="hook",
        webhook_url=f"http://127.0.0.1:{port}/hook",
        secret_token=os.environ["SECRET"],
    )
