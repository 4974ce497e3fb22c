"""huggingface_hub itself fetches from the fake hub, so that a fake which strays from the protocol is noticed."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.engine_python import PYTHON, needs_engine
from tests.models.fake_hub import FakeHub
from tests.models.made import model_files

FETCH = """
import sys, huggingface_hub as hub
info = hub.model_info("owner/tiny", files_metadata=True)
assert info.sha and info.gated == "auto", info
assert {file.rfilename for file in info.siblings if file.lfs} >= {"model.safetensors"}
for name in ("config.json", "model.safetensors"):
    print(hub.hf_hub_download("owner/tiny", name, revision=info.sha))
"""

pytestmark = [
    pytest.mark.engine,
    needs_engine,
]


async def test_the_hubs_own_client_fetches_from_it(hub: FakeHub, tmp_path: Path) -> None:
    hub.repos["owner/tiny"].gated = True
    clean = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    told = {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": "hf_right", "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_XET": "1"}
    child = await asyncio.create_subprocess_exec(
        *(PYTHON, "-I", "-c", FETCH),
        env=clean | told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complained = await child.communicate()
    assert child.returncode == 0, complained.decode()
    for path in map(Path, said.decode().split()):
        assert path.read_bytes() == model_files()[path.name]
    assert not hub.leaked
