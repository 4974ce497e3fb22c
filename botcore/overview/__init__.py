"""The core's own panels of the operator's page, one module each.

    health     engine, database, channels and plugins
    inbox      what waits, what runs, what could not be answered
    turns      how many, and how soon they had their first text
    training   runs, with the curve of what runs now
    lora       versions of the model: what serves, what is offered, what was refused

None reads more than a page of a table or a bounded piece of a file: they are asked every other second.
"""

from botcore.overview.add import add_panels

__all__ = ["add_panels"]
