#!/bin/sh
# Creates the virtual environment. $1 the Python to use, $2 its folder.
set -eu
say() { printf '%s\n' "$*" >&2; }

command -v "$1" >/dev/null 2>&1 || { say "'$1' was not found: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3"; exit 2; }
"$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { say "$1 is $("$1" --version 2>&1), Sandu needs 3.11 or newer: name a newer one: make PYTHON=/path/to/python3"; exit 2; }
if ! "$1" -c 'import ensurepip, venv' 2>/dev/null; then
    # Debian keeps these two modules in a package of their own
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        say "Installing python3-venv from the distribution ..."
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; } >/dev/null 2>&1 ||
            { say "python3-venv could not be installed: is this machine online?"; exit 2; }
    else
        say "This Python lacks the module 'venv': run 'sudo apt-get install python3-venv', then call make again."; exit 2
    fi
fi
"$1" -m venv "$2" || { say "The folder $2 could not be made: is the disk full, or the folder not writable?"; exit 2; }
