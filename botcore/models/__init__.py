"""Models as files: which there are, what is in them, whether they are whole, and how they come from a hub.

    facts.py    what config.json and the weights' headers say
    weights.py  safetensors headers; why any other format is refused
    adapter.py  LoRA adapters: which the engine can load, and the hashes they are known by
    shelf.py    data_dir/models: folders by name, and the record of what was fetched
    hub.py      the hub's HTTP API, patiently
    wire.py     the hub's answers as records, its refusals as one line
    parts.py    a file that grows, survives an interruption, and is checked against its hash
    fetch.py    from a name to a checked folder

Why not huggingface_hub: it is in the engine's environment alone, which a `model get` before the first start does not
have, and brings httpx and a Rust client with it. Two documented requests (the listing with hashes, and the file at a
commit) are all that is needed, aiohttp is here already, and every bound and resume stays in our hands. A test lets
huggingface_hub itself fetch from the same fake hub, so that the fake cannot drift from the protocol.
No engine is started here, and nothing of torch or transformers is imported.
"""

from botcore.models.facts import Facts, config_facts, facts_of
from botcore.models.shelf import Record, Shelf

__all__ = ["Facts", "Record", "Shelf", "config_facts", "facts_of"]
