#!/bin/sh
# The JVM is up and listens.
exec curl --silent --show-error --fail --max-time 3 --output /dev/null "http://127.0.0.1:${PORT:-8080}/healthz"
