#!/bin/sh
# The page itself is there.
set -eu
page=$(curl --silent --show-error --fail --max-time 3 http://127.0.0.1:8080/)
case $page in
    *"It works."*) ;;
    *) echo "GET / answered something else:"; echo "$page" | head -n 5; exit 1 ;;
esac
