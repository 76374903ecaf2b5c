#!/bin/sh
# Installs this checkout with its exact tested versions. $1 the virtual environment, $2 what to install.
set -eu
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! "$1/bin/python" -m pip install --progress-bar on --constraint constraints.txt --editable "$2" 2>"$log"; then
    if grep -qi 'no space left' "$log"; then
        echo "The packages did not fit on the disk: free 2 GB and call make again." >&2
    elif grep -qiE 'connection|resolve|network|timed out|proxy' "$log"; then
        echo "The Python packages could not be fetched: is this machine online? Nothing else is needed; call make again when it is." >&2
    else
        grep -v WARNING "$log" | tail -n 3 >&2 || true
        echo "The Python packages could not be installed (see above); 'make clean' and a new 'make' start over." >&2
    fi
    exit 2
fi
