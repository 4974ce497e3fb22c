"""Reads one PDF, Word or HTML document, in a child process that may die of it: ``python -I -m botcore_qa.reader``.

Only the standard library and the one library of the format are loaded here; nothing of the bot.
"""
