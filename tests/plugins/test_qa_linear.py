"""Whoever may send a text file may send a hostile one: reading it takes a moment, whatever stands in it."""

import subprocess
import sys

import pytest

CPU_S = 5
"""Of the child, its start included; what tried every split took minutes."""
READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_CPU, ({cpu}, {cpu}))
from botcore_qa.markdown import pieces, title
text = eval(sys.argv[1])
title(text, "a.txt")
list(pieces(text, "a.txt", size=700))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="holds the child with RLIMIT_CPU")
@pytest.mark.parametrize(
    "text", ["'# a' + ' ' * 40_000 + 'x'", "'# ' + '[' * 40_000", "'# a' + ' #' * 20_000 + 'x'", "' ' * 40_000 + 'x'"]
)
def test_a_hostile_text_is_read_at_once(text: str) -> None:
    done = subprocess.run([sys.executable, "-c", READ.format(cpu=CPU_S), text], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
