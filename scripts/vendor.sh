#!/bin/sh
# Rebuild the chat page's third-party bundle from the pinned packages. Needs Node 20; the result is committed, so that
# neither an operator nor a plugin author needs Node at all.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
static="$root/adapters/botcore_web/static/vendor"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root/scripts/vendor/package.json" "$root/scripts/vendor/package-lock.json" "$root/scripts/vendor/.npmrc" \
   "$root/scripts/vendor/entry.js" "$root/scripts/vendor/legal.mjs" "$work"
cd "$work"
npm ci --ignore-scripts --loglevel=error
# --ignore-scripts leaves esbuild's own launcher unfinished: its real program lies in the platform package.
esbuild=$(find node_modules/@esbuild -path '*/bin/esbuild' -type f | head -n 1)
"$esbuild" entry.js --bundle --format=esm --target=es2022 --minify --legal-comments=none --outfile="$static/vendor.js"
node legal.mjs > "$static/LEGAL.txt"
ls -l "$static"
