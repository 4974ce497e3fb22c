"""The floor: an echo bot on aiohttp alone, without a framework: `floor.py plain|durable`.

``durable`` keeps every update in SQLite (WAL, FULL) before the next poll confirms it, and notes each answer: one
thread commits whatever came while it did the last commit. It keeps the order within a chat, knows one kind of message,
one table, no lease, no history, no hooks, no retry: the least that loses nothing over a `kill -9`.
"""

import asyncio
import json
import os
import sqlite3
import sys
import threading
from collections.abc import Sequence
from queue import SimpleQueue
from typing import Any

import aiohttp

API = f"{os.environ['API']}/bot{os.environ['TOKEN']}"


class Inbox:
    """One table, one thread."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._queue: SimpleQueue[tuple[str, Sequence[Any], asyncio.Future[None]]] = SimpleQueue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._serve, daemon=True).start()

    async def write(self, sql: str, rows: Sequence[Any]) -> None:
        """Return after the commit."""
        done = self._loop.create_future()
        self._queue.put((sql, rows, done))
        await done

    def _serve(self) -> None:
        db = sqlite3.connect(self._file, isolation_level=None)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE IF NOT EXISTS inbox (id INTEGER PRIMARY KEY, update_ TEXT, sent INTEGER)")
        while True:
            jobs = [self._queue.get()]
            while not self._queue.empty():
                jobs.append(self._queue.get())
            db.execute("BEGIN IMMEDIATE")
            for sql, rows, _ in jobs:
                db.executemany(sql, rows)
            db.execute("COMMIT")
            self._loop.call_soon_threadsafe(_settle, [done for _, _, done in jobs])


def _settle(done: list["asyncio.Future[None]"]) -> None:
    for future in done:
        future.set_result(None)


class Echo:
    """Polls, answers each chat in order and the chats at once."""

    def __init__(self, session: aiohttp.ClientSession, inbox: Inbox | None) -> None:
        self._session = session
        self._inbox = inbox
        self._chats: dict[int, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Poll for ever."""
        offset = 0
        while True:
            updates = await self._ask("getUpdates", {"offset": offset, "timeout": 30, "limit": 100})
            if self._inbox and updates:
                rows = [(update["update_id"], json.dumps(update)) for update in updates]
                await self._inbox.write("INSERT INTO inbox VALUES (?, ?, 0) ON CONFLICT DO NOTHING", rows)
            for update in updates:
                offset = update["update_id"] + 1
                chat = update["message"]["chat"]["id"]
                self._chats[chat] = asyncio.create_task(self._answer(update, self._chats.get(chat)))

    async def _answer(self, update: dict[str, Any], earlier: asyncio.Task[None] | None) -> None:
        if earlier and not earlier.done():
            await earlier
        message = update["message"]
        sent = await self._ask("sendMessage", {"chat_id": message["chat"]["id"], "text": message["text"]})
        if self._inbox:
            await self._inbox.write(
                "UPDATE inbox SET sent = ? WHERE id = ?", [(sent["message_id"], update["update_id"])]
            )

    async def _ask(self, method: str, question: dict[str, Any]) -> Any:
        async with self._session.post(f"{API}/{method}", json=question) as response:
            return json.loads(await response.read())["result"]


async def main() -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=64)) as session:
        inbox = Inbox("floor.db") if sys.argv[1] == "durable" else None
        await Echo(session, inbox).run()


asyncio.run(main())
