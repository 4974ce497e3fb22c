"""Where things lie in the checkout, and what git knows of them."""

import subprocess
from pathlib import Path

__all__ = ["PACKAGES", "ROOT", "SHELF_PACKAGES", "tracked"]

ROOT = Path(__file__).parents[2]
SHELF_PACKAGES = sorted(
    entry.name for shelf in ("plugins", "adapters") for entry in (ROOT / shelf).glob("botcore_*") if entry.is_dir()
)
PACKAGES = ["botcore", *SHELF_PACKAGES]


def tracked(*below: str) -> list[Path]:
    """The files git follows below these folders, relative to the checkout; those deleted but not committed left out."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *below], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (ROOT / name).is_file()]
