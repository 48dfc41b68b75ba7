#!/bin/sh
# The page itself is there, whoever wrote it: no error (4xx, 5xx) is answered.
exec curl --silent --show-error --fail --max-time 3 --output /dev/null http://127.0.0.1:8080/
