"""``python -m botcore``."""

from botcore.cli import main

main()
