"""What a hub answers, as records; what it refuses, as one line. Pure.

https://huggingface.co/docs/hub/api: ``GET /api/models/{name}/revision/{revision}?blobs=true`` lists files with sizes
and hashes, ``GET /{name}/resolve/{commit}/{file}`` is a file, large ones behind a redirect to another host.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botcore.errors import ModelError
from botcore.models.facts import SENTENCES
from botcore.models.weights import refuse_without_safetensors, weights_among

__all__ = ["HubFile", "Listing", "chosen", "pause_asked_for", "read_listing", "refusal"]

COMMIT = re.compile(r"[0-9a-f]{40}")
OID = re.compile(r"sha256:[0-9a-f]{64}|git:[0-9a-f]{40}")
PLAIN = re.compile(r"\w[\w.+-]{0,200}", re.ASCII)
"""A name that is safe in any folder: no path, not hidden."""
MODULE = re.compile(r"\d{1,2}_\w{1,60}/(?:config\.json|model\.safetensors)", re.ASCII)
"""What sentence-transformers keep of a module in a folder of its own: without 1_Pooling vLLM would pool another way."""
ENDINGS = (".json", ".txt", ".model", ".jinja", ".tiktoken", ".md")
BESIDE_LIMIT = 200 << 20
"""Bytes of one file beside the weights: the largest tokenizers have 35 MB."""
LONGEST_PAUSE = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file of a commit."""

    name: str
    bytes: int
    oid: str
    """``sha256:…`` of a large file's content, ``git:…`` (git's own hash of it) of a small one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One commit of one model."""

    name: str
    commit: str
    files: tuple[HubFile, ...]
    licence: str
    tensors: Mapping[str, int]
    """How many values of each type, as the hub counted them; empty where it did not."""
    chat_template: bool


def read_listing(name: str, raw: Any) -> Listing:
    """The hub's answer about a model. Raises `ModelError` where it is none."""
    try:
        commit = str(raw["sha"])
        files = tuple(_file(name, sibling) for sibling in raw["siblings"])
        if not COMMIT.fullmatch(commit):
            raise ValueError(commit)
        return Listing(
            name=name,
            commit=commit,
            files=files,
            licence=_licence(raw),
            tensors=_tensors(raw.get("safetensors")),
            chat_template=_has_template(raw, files),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ModelError(f"the hub's answer about {name} is no listing of files with sizes and hashes") from None


def chosen(listing: Listing) -> list[HubFile]:
    """The files a model of safetensors needs: weights last. Raises `ModelError` with why there are none to take."""
    names = [file.name for file in listing.files]
    refuse_without_safetensors(listing.name, names)
    weights = set(weights_among(name for name in names if PLAIN.fullmatch(name)))
    modules = SENTENCES in names
    beside = [file for file in listing.files if _is_beside(file) or (modules and MODULE.fullmatch(file.name))]
    return [*beside, *(file for file in listing.files if file.name in weights)]


def refusal(status: int, headers: Mapping[str, str], *, name: str, endpoint: str, token: bool) -> str:
    """Why a request was refused for good, with the next step; empty for what may work later."""
    if status < 400 or status in (408, 416, 425, 429) or status >= 500:
        return ""
    code = headers.get("X-Error-Code", "")
    account = "with the account HF_TOKEN belongs to" if token else "and set HF_TOKEN"
    if code == "GatedRepo" or (status == 403 and not code):
        return f"{name} is gated: accept its terms at {endpoint}/{name} {account}, then run this again"
    if code == "RevisionNotFound":
        return f"{name} has no such revision"
    if code == "EntryNotFound":
        return f"{name} has no such file"
    if status == 401 and token and code != "RepoNotFound":
        return f"{endpoint} does not accept HF_TOKEN"
    if status in (401, 404):
        private = "its owner may not let HF_TOKEN's account in" if token else "a private one needs HF_TOKEN"
        return f"there is no model {name} at {endpoint}; correct the name ({private})"
    return f"{endpoint} refused {name} ({status})"


def pause_asked_for(headers: Mapping[str, str]) -> float:
    """Seconds after which a busy hub wants to be asked again; 0 where it does not say."""
    found = re.fullmatch(r"\s*(\d{1,6})\s*", headers.get("Retry-After", "")) or re.search(
        r";\s*t=(\d{1,6})", headers.get("RateLimit", "")
    )
    return min(float(found[1]), LONGEST_PAUSE) if found else 0.0


def _file(name: str, sibling: Mapping[str, Any]) -> HubFile:
    lfs = sibling.get("lfs")
    size = int(lfs["size"] if lfs else sibling["size"])
    oid = f"sha256:{lfs['sha256']}" if lfs else f"git:{sibling['blobId']}"
    if size < 0 or not OID.fullmatch(oid):
        raise ValueError(name)
    return HubFile(name=str(sibling["rfilename"]), bytes=size, oid=oid)


def _is_beside(file: HubFile) -> bool:
    if not PLAIN.fullmatch(file.name) or file.bytes > BESIDE_LIMIT or file.name.endswith(".bin.index.json"):
        return False
    return file.name.endswith(ENDINGS) or file.name.upper().startswith(("LICENSE", "LICENCE", "NOTICE"))


def _licence(raw: Mapping[str, Any]) -> str:
    card = raw.get("cardData") or {}
    found = card.get("license_name") or card.get("license")
    tags = (tag.removeprefix("license:") for tag in raw.get("tags") or () if str(tag).startswith("license:"))
    found = found or next(tags, "")
    return " ".join(str(", ".join(found) if isinstance(found, list) else found).split())[:100]


def _tensors(table: Any) -> dict[str, int]:
    counts = table.get("parameters") if isinstance(table, dict) else None
    return {str(key): int(count) for key, count in counts.items()} if isinstance(counts, dict) else {}


def _has_template(raw: Mapping[str, Any], files: tuple[HubFile, ...]) -> bool:
    config = raw.get("config") or {}
    said = config.get("chat_template_jinja") or (config.get("tokenizer_config") or {}).get("chat_template")
    return bool(said) or any(file.name in ("chat_template.jinja", "chat_template.json") for file in files)
