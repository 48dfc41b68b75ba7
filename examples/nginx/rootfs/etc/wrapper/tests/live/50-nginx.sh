#!/bin/sh
# nginx accepts connections and answers.
exec curl --silent --show-error --fail --max-time 3 --output /dev/null http://127.0.0.1:8080/healthz
