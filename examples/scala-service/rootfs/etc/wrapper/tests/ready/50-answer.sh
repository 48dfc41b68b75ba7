#!/bin/sh
# The service does its work.
set -eu
answer=$(curl --silent --show-error --fail --max-time 3 "http://127.0.0.1:${PORT:-8080}/")
[ "$answer" = "It works." ] || { echo "GET / answered: $answer"; exit 1; }
