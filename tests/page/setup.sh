#!/bin/sh
# What the page's tests need: Node.js with npm, the packages of package-lock.json, and a Chromium.
# Debian's packages are installed where they are missing and may be; what cannot be had is said loudly, and its tests
# are skipped.
cd "$(dirname "$0")" || exit 1

missing() {
    echo "*** $1 is missing and cannot be installed here: $2 are SKIPPED ***" >&2
}

install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    { apt-get install -y "$@" || { apt-get update && apt-get install -y "$@"; }; } >/dev/null 2>&1
}

command -v npm >/dev/null || install nodejs npm || missing "Node.js with npm" "the page's tests"
command -v chromium >/dev/null || [ -n "$CHROMIUM" ] || install chromium || missing "Chromium" "the browser tests"
if command -v npm >/dev/null; then
    npm ci --no-audit --no-fund --silent || missing "what npm fetches" "type checks and browser tests"
fi
exit 0
